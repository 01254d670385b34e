"""App Home for the four kinds of people, opened through Slack's real surfaces."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from app.database import reading, writing
from app.slack.home import home_view, page_of
from app.slack.people import Speaker
from approvals.adopt import adopt
from approvals.delegate import delegate
from approvals.posted import posted
from audit.event import Actor, ActorKind
from audit.log import data_of, entries
from sandbox.slack.driver import shown_text
from sandbox.slack.validation import findings_in_view
from tests.app.conftest import PEOPLE, RULES
from tests.app.slack.hostile_names import NAMES
from tests.app.slack.test_clicks_and_messages import ARJUN, EDITH, OLIVIA, Floor, thread


async def opened(floor: Floor, user: str) -> str:
    await floor.slack.open(user, tab="home")
    view = await floor.slack.until(lambda s: s["home"], user=user, seconds=60, hint="no Home")
    return shown_text(view)


async def test_each_sees_what_is_theirs(floor: Floor, engine: Engine, sealed: Callable[[str], str]) -> None:
    name = sealed(thread(engine))
    await floor.card(name)
    arjun, olivia, edith = [await opened(floor, user) for user in (ARJUN, OLIVIA, EDITH)]
    assert "*Waiting for you* (1)" in arjun
    assert name in arjun
    assert "Its card is in <#C0APPROVE>" in arjun
    assert "Nothing waits for you" in olivia
    assert "*Your open proposals* (1)" in olivia
    assert "entries." in edith
    assert "`proposal.sealed`" in edith
    assert "Waiting for you" not in edith
    with reading(engine) as (session, _):
        read = [entry for entry in entries(session, limit=100) if entry.event == "log.read"]
        assert [(entry.actor, data_of(entry)) for entry in read] == [("p-0a0d1703", {"view": "home"})]


def test_somebody_unlinked_is_told_how_to_be_linked(engine: Engine, sealed: Callable[[str], str]) -> None:
    name = sealed("t-1")
    with reading(engine) as (session, now):
        view = home_view(page_of(session, Speaker("T0BANK", "U0STRANGER", ""), now=now))
    told = json.dumps(view)
    assert "people.toml" in told
    assert name not in told
    assert findings_in_view(view) == []


def test_somebody_with_a_lent_role_is_shown_what_waits_for_them(engine: Engine, sealed: Callable[[str], str]) -> None:
    dora = '[[person]]\nid = "p-0c0c0c0c"\nname = "Dora"\nslack = [{ team = "T0BANK", user = "U0DORA" }]\n'
    rules = "\n".join(
        line[1:] if line.startswith(("#[delegation]", "#max_days", '#roles = ["owner", "approver"')) else line
        for line in RULES.splitlines()
    )
    name = sealed("t-1")
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="slack")
        for kind, text in (("rules", rules), ("people", f"{PEOPLE}\n{dora}")):
            adopt(session, now=now, kind=kind, text=text, actor=Actor(ActorKind.SERVICE, "test"))
    with writing(engine) as (session, now):
        lent: dict[str, Any] = {"roles": ["approver"], "starts_at": now, "ends_at": now + timedelta(days=1)}
        assert delegate(session, now=now, giver="p-0b0b0002", receiver="p-0c0c0c0c", **lent).verdict.allowed
    with reading(engine) as (session, now):
        page = page_of(session, Speaker("T0BANK", "U0DORA", ""), now=now)
    assert [line.card.proposal for line in page.waiting] == [name]
    assert "Your roles: approver" in json.dumps(home_view(page))


def test_a_home_is_valid_whatever_stands_in_it(engine: Engine, sealed: Callable[[str], str]) -> None:
    from dataclasses import replace

    from app.slack.home import Line

    sealed("t-1")
    with reading(engine) as (session, now):
        page = page_of(session, Speaker("T0BANK", OLIVIA, ""), now=now)
    assert page.person is not None
    for at in range(0, len(NAMES), 30):
        lines: list[Any] = [
            Line(replace(page.mine[0].card, title=one, words=one or "x")) for one in NAMES[at : at + 30]
        ]
        made = replace(page, mine=tuple(lines), person=replace(page.person, name=NAMES[at]))
        assert findings_in_view(home_view(made)) == []
