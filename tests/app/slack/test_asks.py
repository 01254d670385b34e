"""A card's other verbs through Slack's real surfaces: ask, withdraw, take back, lend, and the page of a decision."""

import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import Engine
from sqlmodel import select

from app.database import reading, writing
from app.home import Home
from app.inbox import Message
from app.settings import SlackSettings
from app.slack.people import Speaker
from approvals.adopt import adopt
from approvals.store import Delegation, Proposal, Vote, standing_votes
from audit.event import Actor, ActorKind
from sandbox.slack.driver import SlackDriver, shown_text
from tests.app.conftest import RULES
from tests.app.slack import test_clicks_and_messages as door
from tests.app.slack.pressing import cast
from tests.app.slack.test_clicks_and_messages import ARJUN, CHANNEL, EDITH, OLIVIA, Floor, thread

LENDING = '\n[delegation]\nroles = ["approver", "owner"]\nmax_days = 21\n'


async def chosen(floor: Floor, user: str, ts: str, verb: str) -> None:
    """Takes an entry of the card's menu."""
    message = next(m for m in await floor.slack.messages(CHANNEL) if m["ts"] == ts)
    menu = next(
        e for b in message["blocks"] if b["type"] == "actions" for e in b["elements"] if e["type"] == "overflow"
    )
    value = next(o["value"] for o in menu["options"] if json.loads(o["value"])["do"] == verb)
    await floor.slack.click(user, "more", channel=CHANNEL, ts=ts, value=value)


async def dialog(slack: SlackDriver, user: str) -> dict[str, Any]:
    return dict(await slack.until(lambda s: s["modal"], user=user, seconds=60, hint="no dialog"))


async def test_a_question_stands_in_the_cards_thread_and_reaches_the_agent(
    floor: Floor,
    engine: Engine,
    sealed: Callable[[str], str],
) -> None:
    card = await floor.card(sealed(thread(engine)))
    await floor.slack.click(EDITH, "ask", channel=CHANNEL, ts=card["ts"])
    view = await dialog(floor.slack, EDITH)
    await floor.slack.submit(EDITH, view["id"], {"text": "why <!channel> now?"})
    reply = await floor.slack.until_message(
        CHANNEL, lambda m: "asks" in shown_text(m), thread_ts=card["ts"], seconds=60, hint="not in the thread"
    )
    assert "<@U0EDITH> asks" in reply["text"]
    assert "<!channel>" not in reply["text"]
    with reading(engine) as (session, _):
        (message,) = session.exec(select(Message)).all()
    assert message.person == "p-0a0d1703"


async def test_every_vote_is_told_once_in_the_thread_with_its_reason(
    floor: Floor,
    engine: Engine,
    sealed: Callable[[str], str],
) -> None:
    card = await floor.card(sealed(thread(engine)))
    await floor.slack.click(ARJUN, "reject", channel=CHANNEL, ts=card["ts"])
    view = await dialog(floor.slack, ARJUN)
    await floor.slack.submit(ARJUN, view["id"], {"text": "we train again on Monday"})
    reply = await floor.slack.until_message(
        CHANNEL, lambda m: "rejected" in m["text"] and m["ts"] != card["ts"], thread_ts=card["ts"], seconds=60
    )
    assert reply["text"] == "<@U0ARJUN> rejected: “we train again on Monday”"
    assert reply["metadata"]["event_payload"]["kind"] == "thread"


async def test_the_requester_withdraws_and_nobody_else_can(
    floor: Floor,
    engine: Engine,
    sealed: Callable[[str], str],
) -> None:
    name = sealed(thread(engine))
    card = await floor.card(name)
    await chosen(floor, ARJUN, card["ts"], "withdraw")
    await floor.slack.submit(ARJUN, (await dialog(floor.slack, ARJUN))["id"], {})
    told = await floor.slack.until_message(CHANNEL, lambda m: "not withdrawn" in shown_text(m), user=ARJUN, seconds=60)
    assert "only the person who asked for it" in told["text"]
    await chosen(floor, OLIVIA, card["ts"], "withdraw")
    await floor.slack.submit(OLIVIA, (await dialog(floor.slack, OLIVIA))["id"], {})
    assert floor.state(name) == "cancelled"


async def test_an_approval_is_taken_back(floor: Floor, engine: Engine, sealed: Callable[[str], str]) -> None:
    name = sealed(thread(engine))
    card = await floor.card(name)
    await floor.slack.click(ARJUN, "approve", channel=CHANNEL, ts=card["ts"])
    await floor.becomes(name, "approved")
    await floor.slack.until_message(CHANNEL, lambda m: "take_back" in json.dumps(m), seconds=60)
    await chosen(floor, ARJUN, card["ts"], "take_back")
    await floor.becomes(name, "pending")
    with reading(engine) as (session, _):
        (vote,) = session.exec(select(Vote).where(Vote.proposal == name)).all()
        assert (vote.person, vote.withdrawn_at is not None) == ("p-0b0b0002", True)
        assert standing_votes(session, name) == []


async def test_a_vote_is_lent_where_the_rules_allow_it(
    floor: Floor,
    engine: Engine,
    sealed: Callable[[str], str],
) -> None:
    card = await floor.card(sealed(thread(engine)))
    await chosen(floor, ARJUN, card["ts"], "lend")
    told = await floor.slack.until_message(CHANNEL, lambda m: "no role" in shown_text(m), user=ARJUN, seconds=60)
    assert "You hold no role that the rules let anybody lend" in told["text"]
    with writing(engine) as (session, now):
        actor = Actor(ActorKind.SERVICE, "test")
        adopt(session, now=now, kind="rules", text=RULES + LENDING, actor=actor)
    await chosen(floor, ARJUN, card["ts"], "lend")
    view = await dialog(floor.slack, ARJUN)
    values = {"person": {"choice": EDITH}, "role": {"choice": "approver"}, "days": {"choice": "3"}}
    await floor.slack.submit(ARJUN, view["id"], values)
    await floor.slack.until_message(CHANNEL, lambda m: "Lent for 3 days" in shown_text(m), user=ARJUN, seconds=60)
    with reading(engine) as (session, _):
        (lent,) = session.exec(select(Delegation)).all()
    assert (lent.giver, lent.receiver) == ("p-0b0b0002", "p-0a0d1703")


# -- a change of high risk -------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def paged(engine: Engine, home: Home, clock: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Floor]:
    """The same floor, with pages, and with every change of high risk."""
    from approvals import card, vote
    from approvals.risk import Risk

    for module in (card, vote):
        monkeypatch.setattr(module, "risk_of", lambda *_: Risk.HIGH)
    made = door.settings_at

    def with_pages(port: int) -> SlackSettings:
        return SlackSettings(**{**vars(made(port)), "public_url": "http://127.0.0.1:1"})

    monkeypatch.setattr(door, "settings_at", with_pages)
    async with door.opened(engine, home, clock) as one:
        yield one


async def page_for(paged: Floor, user: str, ts: str) -> str:
    """The path of the link that the person is told, without anybody else reading it."""
    await paged.slack.click(user, "approve_page", channel=CHANNEL, ts=ts)
    told = await paged.slack.until_message(CHANNEL, lambda m: "/decide?token=" in shown_text(m), user=user, seconds=60)
    found = re.search(r"http://127\.0\.0\.1:1(/decide\?token=[^|>]+)", told["text"])
    assert found
    return found[1]


async def test_a_high_risk_is_approved_on_ones_own_page_once(
    paged: Floor, engine: Engine, sealed: Callable[[str], str], clock: Any
) -> None:
    name = sealed(thread(engine))
    card = await paged.slack.until_message(CHANNEL, lambda m: "approve_page" in json.dumps(m), seconds=60)
    path = await page_for(paged, ARJUN, card["ts"])
    page = await paged.http.get(path)
    assert page.status_code == 200
    assert "You decide as <strong>Arjun Rao</strong>" in page.text
    assert paged.state(name) == "pending"
    form = {"token": path.split("token=")[1], "choice": "approve", "reason": ""}
    assert "say why" in (await paged.http.post("/decide", data=form)).text
    done = await paged.http.post("/decide", data=form | {"reason": "idle for two weeks"})
    assert "counts" in done.text
    assert paged.state(name) == "approved"
    again: httpx.Response = await paged.http.post("/decide", data=form | {"reason": "idle for two weeks"})
    assert "used already" in again.text
    assert "used already" in (await paged.http.get(path)).text
    with reading(engine) as (session, _):
        assert [vote.via for vote in session.exec(select(Vote)).all()] == ["page"]


async def test_a_link_ends_and_is_nobody_elses_right(
    paged: Floor, engine: Engine, sealed: Callable[[str], str], clock: Any
) -> None:
    name = sealed(thread(engine))
    card = await paged.slack.until_message(CHANNEL, lambda m: "approve_page" in json.dumps(m), seconds=60)
    path = await page_for(paged, OLIVIA, card["ts"])
    form = {"token": path.split("token=")[1], "choice": "approve", "reason": "mine"}
    assert "not counted" in (await paged.http.post("/decide", data=form)).text
    mine = await page_for(paged, ARJUN, card["ts"])
    from app.database import system_clock

    clock.running, clock.now = False, system_clock()
    clock.pass_(minutes=5, seconds=1)
    assert "This link is over" in (await paged.http.get(mine)).text
    for wrong in ("", "x", mine[-60:], "é", "token=" * 900):
        assert (await paged.http.post("/decide", data={"token": wrong, "choice": "approve"})).status_code == 403
    assert paged.state(name) == "pending"


async def test_a_click_that_pretends_to_be_enough_is_refused(
    paged: Floor, engine: Engine, sealed: Callable[[str], str]
) -> None:
    name = sealed(thread(engine))
    await paged.slack.until_message(CHANNEL, lambda m: "approve_page" in json.dumps(m), seconds=60)
    with reading(engine) as (session, _):
        digest = session.get_one(Proposal, name).digest
    value = json.dumps({"proposal": name, "digest": digest})
    body = {"type": "block_actions", "trigger_id": "t-1", "actions": [{"value": value}]}
    told = cast(engine, body=body, speaker=Speaker("T0BANK", ARJUN, CHANNEL), choice="approve", reason="trust me")
    assert told is not None
    assert "page of your own" in told
    assert paged.state(name) == "pending"
    assert paged.events()[-1] == "vote.refused"
