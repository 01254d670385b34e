"""A card's thread tells every entry, once: also those from before its card was drawn, and with several replicas."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from app.database import reading, writing
from app.drawn import CardMessage
from app.slack.deliver import deliver
from app.slack.draw import draw_cards
from app.slack.patience import Patience
from app.slack.threads import Threads
from approvals.store import proposal_of
from approvals.vote import Ballot, vote
from approvals.withdraw import withdraw
from audit import log
from audit.event import Actor, ActorKind, Event
from tests.app.slack.test_deliver import CHANNEL, PLACE, Office, office  # noqa: F401

ARJUN, OLIVIA = "p-0b0b0002", "p-0a11ce01"


def note(engine: Engine, proposal: str, event: Event) -> None:
    with writing(engine) as (session, now):
        log.append(session, now=now, event=event, actor=Actor(ActorKind.PERSON, OLIVIA), proposal=proposal)


async def replies(office: Office, engine: Engine, proposal: str) -> list[str]:  # noqa: F811
    with reading(engine) as (session, _):
        card = session.get_one(CardMessage, proposal).ts
    found = await office.slack.messages(CHANNEL, thread_ts=card)
    return [message["text"] for message in found if message["ts"] != card]


def serve(engine: Engine, office: Office, name: str) -> Threads:  # noqa: F811
    return Threads(engine, office.client, team="T0BANK", by=name)


async def test_what_happened_before_the_card_was_drawn_is_told_once_it_is(
    engine: Engine,
    office: Office,  # noqa: F811
    sealed: Callable[[str], str],
) -> None:
    """The channel was away for a while: the log went on, and nothing was due in a thread that was not there."""
    name, threads = sealed("t-1"), serve(engine, office, "one")
    with writing(engine) as (session, now):
        assert withdraw(session, now=now, proposal_id=name, person=OLIVIA).allowed
    assert await threads.tell(Patience()) == 0
    await draw_cards(engine, office.client, place=PLACE)
    assert await threads.tell(Patience()) == 1
    assert await replies(office, engine, name) == ["<@U0OLIVIA> withdrew it; nothing was changed."]


async def test_two_replicas_that_saw_different_pasts_tell_each_entry_once(
    engine: Engine,
    office: Office,  # noqa: F811
    sealed: Callable[[str], str],
) -> None:
    name, early = sealed("t-1"), serve(engine, office, "early")
    note(engine, name, Event.APPROVAL_RELEASED)
    await early.tell(Patience())
    note(engine, name, Event.EXECUTION_CLAIMED)
    await draw_cards(engine, office.client, place=PLACE)
    late = serve(engine, office, "late")
    await asyncio.gather(early.tell(Patience()), late.tell(Patience()))
    for threads in (early, late):
        await threads.tell(Patience())
    told = "\n".join(await replies(office, engine, name))
    assert (told.count("No longer on hold"), told.count("about to carry it out")) == (1, 1)


async def test_a_reply_that_stands_is_known_with_all_that_it_tells(
    engine: Engine,
    office: Office,  # noqa: F811
    sealed: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that died after Slack had answered: the next tells neither the same nor the rest of it again."""
    name = sealed("t-1")
    await draw_cards(engine, office.client, place=PLACE)
    for event in (Event.APPROVAL_RELEASED, Event.EXECUTION_CLAIMED, Event.EXECUTION_UNKNOWN):
        note(engine, name, event)

    async def dies(*given: Any, **named: Any) -> None:
        await deliver(*given, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr("app.slack.threads.deliver", dies)
    with pytest.raises(KeyboardInterrupt):
        await serve(engine, office, "dies").tell(Patience())
    monkeypatch.undo()
    for _ in range(3):
        await serve(engine, office, "next").tell(Patience())
    assert len(await replies(office, engine, name)) == 1


async def test_a_look_at_a_log_in_which_nothing_happened_reads_no_entries(
    engine: Engine,
    office: Office,  # noqa: F811
    sealed: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, threads = sealed("t-1"), serve(engine, office, "one")
    await draw_cards(engine, office.client, place=PLACE)
    await threads.tell(Patience())
    monkeypatch.setattr("app.slack.threads.active", lambda _: pytest.fail("it looked again"))
    assert await threads.tell(Patience()) == 0
    monkeypatch.undo()
    with writing(engine) as (session, now):
        digest = proposal_of(session, name).digest or ""
        ballot = Ballot(proposal_id=name, person=ARJUN, choice="approve", digest=digest, via="terminal")
        assert vote(session, now=now, ballot=ballot).verdict.allowed
    assert await threads.tell(Patience()) == 1
