"""In which workspaces the Slack app is installed, and the tokens by which: rows, with the tokens encrypted.

One row a workspace: a newer installation takes the older one's place. Who is at renewing a token is in the row as well,
so that however many replicas there are, one of them uses up the refresh token.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Column, CursorResult, update
from sqlmodel import Field, Session, SQLModel, col, delete, select

from app.token_box import TokenBox
from audit import log
from audit.event import Actor, Event
from audit.stored import UtcTime, insert_into

RENEWS_WITHIN = timedelta(minutes=1)
"""So long one process is left alone with a refresh, and so long a failed one is not tried again."""


class SlackInstallation(SQLModel, table=True):
    """One workspace in which the app is installed; `token` and `refresh_token` are sealed."""

    __tablename__ = "slack_installation"
    team: str = Field(primary_key=True)
    name: str
    bot_user: str
    scopes: str
    token: str
    refresh_token: str | None = None
    ends_at: datetime | None = Field(default=None, sa_column=Column(UtcTime, nullable=True))
    installed_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    renewing_by: str | None = None
    renewing_until: datetime | None = Field(default=None, sa_column=Column(UtcTime, nullable=True))
    refused: str | None = None
    """Slack's word for why the token was not renewed"""


class SlackInstallState(SQLModel, table=True):
    """An installation's state that came back, by its hash: it comes back once."""

    __tablename__ = "slack_install_state"
    hash: str = Field(primary_key=True)
    used_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


@dataclass(frozen=True)
class Granted:
    """What Slack gave for a code or a refresh token. `lasts` is None for a token that does not end."""

    team: str
    name: str
    bot_user: str
    scopes: str
    token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    lasts: timedelta | None = None


@dataclass(frozen=True)
class HeldToken:
    """A workspace's token as it is used."""

    token: str = field(repr=False)
    ends_at: datetime | None


def all_installations(session: Session) -> Sequence[SlackInstallation]:
    """Every workspace, by its id."""
    return session.exec(select(SlackInstallation).order_by(col(SlackInstallation.team))).all()


def keep(session: Session, box: TokenBox, granted: Granted, *, actor: Actor, now: datetime) -> None:
    """Stores an installation with its entry; what stood there before is replaced."""
    row = {
        "name": granted.name,
        "bot_user": granted.bot_user,
        "scopes": granted.scopes,
        "installed_at": now,
        **_sealed(box, granted, now),
    }
    into = insert_into(session, SlackInstallation).values(team=granted.team, **row)
    session.execute(into.on_conflict_do_update(index_elements=["team"], set_=row))
    data: dict[str, Any] = {"team": granted.team, "scopes": sorted(granted.scopes.split(","))}
    log.append(session, now=now, event=Event.SLACK_INSTALLED, actor=actor, data=data)


def remove(session: Session, team: str, *, why: str, actor: Actor, now: datetime) -> bool:
    """Forgets the workspace's installation, with its entry; False where there is none."""
    gone = cast(
        "CursorResult[Any]", session.execute(delete(SlackInstallation).where(col(SlackInstallation.team) == team))
    )
    if not gone.rowcount:
        return False
    log.append(session, now=now, event=Event.SLACK_REMOVED, actor=actor, data={"team": team, "why": why})
    return True


def held_token(session: Session, box: TokenBox, team: str) -> HeldToken | None:
    """The workspace's token; None where the app is not installed. A Problem where it cannot be read."""
    row = session.get(SlackInstallation, team)
    return None if row is None else HeldToken(box.open(row.token, about=_about(team, "token")), row.ends_at)


def take_renewal(
    session: Session, box: TokenBox, team: str, *, before: timedelta, by: str, now: datetime
) -> str | None:
    """The refresh token of what ends within `before`, for one process at a time; None while another is at it, where it
    has been renewed meanwhile, and where there is none."""
    row = SlackInstallation
    statement = (
        update(row)
        .where(col(row.team) == team, col(row.refresh_token).is_not(None), col(row.ends_at) <= now + before)
        .where(col(row.renewing_until).is_(None) | (col(row.renewing_until) <= now))
        .values(renewing_by=by, renewing_until=now + RENEWS_WITHIN)
        .returning(col(row.refresh_token))
    )
    sealed = session.execute(statement).scalar_one_or_none()
    return None if sealed is None else box.open(sealed, about=_about(team, "refresh token"))


def renewed(session: Session, box: TokenBox, granted: Granted, *, by: str, now: datetime) -> bool:
    """Stores what a refresh gave; False where the workspace was installed anew, or removed, meanwhile."""
    row = SlackInstallation
    mine = update(row).where(col(row.team) == granted.team, col(row.renewing_by) == by)
    done = cast("CursorResult[Any]", session.execute(mine.values(**_sealed(box, granted, now))))
    return bool(done.rowcount)


def not_renewed(session: Session, team: str, *, by: str, why: str, actor: Actor, now: datetime) -> None:
    """Notes why a token was not renewed, with an entry the first time; it stays taken for a while, then it is tried
    again."""
    row = session.get(SlackInstallation, team)
    if row is None or row.renewing_by != by or row.refused == why:
        return
    row.refused = why
    session.add(row)
    log.append(session, now=now, event=Event.SLACK_NOT_RENEWED, actor=actor, data={"team": team, "reason": why})


def reseal(session: Session, box: TokenBox) -> int:
    """Seals under the newest key what an older one had sealed; how many rows were. A Problem where no key opens one."""
    changed = 0
    for row in all_installations(session):
        token = box.open(row.token, about=_about(row.team, "token"))
        refresh = box.open(row.refresh_token, about=_about(row.team, "refresh token")) if row.refresh_token else None
        if box.of_newest(row.token) and (row.refresh_token is None or box.of_newest(row.refresh_token)):
            continue
        row.token = box.seal(token, about=_about(row.team, "token"))
        row.refresh_token = box.seal(refresh, about=_about(row.team, "refresh token")) if refresh else None
        session.add(row)
        changed += 1
    return changed


def comes_first(session: Session, hashed: str, *, lasts: timedelta, now: datetime) -> bool:
    """Notes a state that came back; False for one that did before. Those that are over are forgotten."""
    session.execute(delete(SlackInstallState).where(col(SlackInstallState.used_at) < now - 2 * lasts))
    row = insert_into(session, SlackInstallState).values(hash=hashed, used_at=now).on_conflict_do_nothing()
    return session.execute(row.returning(col(SlackInstallState.hash))).scalar_one_or_none() is not None


def _sealed(box: TokenBox, granted: Granted, now: datetime) -> dict[str, Any]:
    refresh = granted.refresh_token
    return {
        "token": box.seal(granted.token, about=_about(granted.team, "token")),
        "refresh_token": box.seal(refresh, about=_about(granted.team, "refresh token")) if refresh else None,
        "ends_at": now + granted.lasts if granted.lasts is not None else None,
        "renewing_by": None,
        "renewing_until": None,
        "refused": None,
    }


def _about(team: str, what: str) -> str:
    return f"{what} of {team}"
