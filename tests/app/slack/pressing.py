"""A vote as its press is stored and judged, without Slack in between."""

from typing import Any

from sqlalchemy import Engine
from sqlmodel import col, select

from app.database import reading
from app.presses import Choice, Press
from app.slack.admission import Admitted, store
from app.slack.clicks import pressed
from app.slack.judge import judge
from app.slack.people import Speaker


def cast(
    engine: Engine, *, body: dict[str, Any], speaker: Speaker, choice: Choice, reason: str | None = None
) -> str | None:
    """Stores one press and judges it; what whoever pressed is to be told, None also where it was judged before."""
    whole = body | {"user": {"id": speaker.user}, "channel": {"id": speaker.channel}}
    press = pressed(whole, team=speaker.team, choice=choice)
    store(engine, [Admitted(press, reason)])
    with reading(engine) as (session, _):
        unjudged = select(Press.id).where(Press.key == press.key, col(Press.judged_at).is_(None))
        ids = [one for one in session.exec(unjudged) if one is not None]
    judge(engine, ids, {})
    with reading(engine) as (session, _):
        return session.get_one(Press, ids[0]).note if ids else None
