"""A message stands in Slack once: through lost answers, deaths in between, two replicas and an hour without Slack."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import select

from app.database import reading, writing
from app.drawn import CardMessage
from app.posting import LEASE, WORK_SECONDS, Posting
from app.slack import bolt, draw
from app.slack.deliver import Letter, deliver
from app.slack.draw import CardPlace, draw_cards
from app.slack.ends import tell_requesters
from app.slack.patience import Patience
from app.slack.threads import Threads
from approvals.withdraw import withdraw
from audit.log import entries
from sandbox.slack.driver import SlackDriver, shown_text
from sandbox.slack.seed import default_seed
from sandbox.slack.server import create_app, create_site, listening_socket
from sandbox.slack.settings import SiteSettings
from sandbox.slack.trial import served
from tests.app.slack.settings import settings_at

CHANNEL = "C0APPROVE"
PLACE = CardPlace(CHANNEL, "T0BANK")


@dataclass
class Office:
    """A workspace without an app behind it: the tests post themselves."""

    slack: SlackDriver
    client: AsyncWebClient

    async def here(self, key: str) -> list[dict[str, Any]]:
        found = await self.slack.messages(CHANNEL)
        return [m for m in found if (m.get("metadata") or {}).get("event_payload", {}).get("key") == key]


@pytest_asyncio.fixture
async def office(clock: Any) -> AsyncIterator[Office]:
    clock.running = True
    async with AsyncExitStack() as stack:
        with listening_socket(0) as free:
            port = free.getsockname()[1]
        site = create_site(settings=SiteSettings(port=port), seed=default_seed())
        await stack.enter_async_context(served(create_app(site), port))
        driver = await stack.enter_async_context(SlackDriver(f"http://127.0.0.1:{port}"))
        yield Office(driver, bolt.slack_client(settings_at(port)))


LETTER = Letter("card P-1", CHANNEL, "hello", payload={"version": 3})


async def test_a_message_whose_answer_was_lost_is_found_and_adopted(engine: Engine, office: Office) -> None:
    await office.slack.faults({"fault": "lost_answer", "method": "chat.postMessage"})
    with pytest.raises(SlackApiError):
        await deliver(engine, office.client, LETTER, by="one")
    found = await deliver(engine, office.client, LETTER, by="two")
    (stands,) = await office.here("card P-1")
    assert found is not None
    assert (found.ts, found.payload["version"]) == (stands["ts"], 3)
    again = await deliver(engine, office.client, LETTER, by="three")
    assert again is not None
    assert again.ts == found.ts
    assert len(await office.here("card P-1")) == 1


async def test_a_message_of_somebody_else_is_not_adopted_whatever_its_metadata_says(
    engine: Engine, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may post in the channel could else put a text of their own where the card belongs."""
    await office.slack.faults({"fault": "lost_answer", "method": "chat.postMessage"})
    with pytest.raises(SlackApiError):
        await deliver(engine, office.client, LETTER, by="one")
    (theirs,) = await office.here("card P-1")
    real = AsyncWebClient.conversations_history

    async def by_another_app(*given: Any, **named: Any) -> Any:
        answer: Any = await real(*given, **named)
        for message in answer.data["messages"]:
            message |= {"bot_id": "B0OTHER", "app_id": "A0OTHER"}
        return answer

    monkeypatch.setattr(AsyncWebClient, "conversations_history", by_another_app)
    found = await deliver(engine, office.client, LETTER, by="two")
    assert found is not None
    assert found.ts != theirs["ts"]
    assert len(await office.here("card P-1")) == 2


async def test_what_takes_longer_than_its_lease_is_given_up_before_somebody_else_begins(
    engine: Engine, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LEASE.total_seconds() >= WORK_SECONDS + 5
    monkeypatch.setattr("app.slack.deliver.WORK_SECONDS", 0.1)
    await office.slack.faults({"fault": "slow", "method": "chat.postMessage", "seconds": 20})
    with pytest.raises(TimeoutError):
        await deliver(engine, office.client, LETTER, by="one")
    with reading(engine) as (session, now):
        row = session.get_one(Posting, "card P-1")
        assert row.ts is None
        assert row.until <= now


async def test_a_card_that_was_deleted_is_posted_anew_once_by_several_replicas(
    engine: Engine, office: Office, sealed: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second had looked before the first posted the new one, and took that for the deleted one."""
    name = sealed("t-1")
    await draw_cards(engine, office.client, place=PLACE)
    with writing(engine) as (session, now):
        assert withdraw(session, now=now, proposal_id=name, person="p-0a11ce01").allowed
        session.get_one(CardMessage, name).ts = "1.000001"
    stale = draw._cards(engine)
    for _ in range(2):
        await draw_cards(engine, office.client, place=PLACE, by="one")
    with monkeypatch.context() as late:
        late.setattr(draw, "_cards", lambda _: stale)
        await draw_cards(engine, office.client, place=PLACE, by="two")
        draw._lost(engine, CardMessage(**stale[0][0][1].model_dump()), "message_not_found")  # type: ignore[union-attr]
    await draw_cards(engine, office.client, place=PLACE, by="two")
    assert len(await office.here(f"card {name}")) == 2, "the one at first, and the new one"
    with reading(engine) as (session, _):
        told = [entry.event for entry in entries(session, limit=100, proposal=name)]
    assert told.count("slack.undelivered") == 1


async def test_one_that_slack_refused_leaves_nothing_behind(engine: Engine, office: Office) -> None:
    with pytest.raises(SlackApiError):
        await deliver(engine, office.client, Letter("k", "C0GONE", "hello"), by="one")
    with reading(engine) as (session, _):
        assert session.get(Posting, "k") is None


async def test_of_two_at_once_one_posts(engine: Engine, office: Office) -> None:
    found = await asyncio.gather(*(deliver(engine, office.client, LETTER, by=f"serve-{n}") for n in range(6)))
    assert len(await office.here("card P-1")) == 1
    assert len({one.ts for one in found if one is not None}) == 1


async def test_a_card_that_was_posted_by_one_that_died_is_adopted_and_drawn(
    engine: Engine, office: Office, sealed: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    name = sealed("t-1")
    kept = draw._drawn

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(draw, "_drawn", dies)
    with pytest.raises(KeyboardInterrupt):
        await draw_cards(engine, office.client, place=PLACE, by="first")
    monkeypatch.setattr(draw, "_drawn", kept)
    for _ in range(3):
        await draw_cards(engine, office.client, place=PLACE, by="second")
    (card,) = await office.here(f"card {name}")
    with reading(engine) as (session, _):
        stored = session.get_one(CardMessage, name)
    assert stored.ts == card["ts"]
    assert "waiting for approval" in shown_text(card).lower()


async def test_after_an_hour_without_slack_each_card_is_posted_once_in_its_newest_state(
    engine: Engine, office: Office, sealed: Callable[[str], str], clock: Any
) -> None:
    name = sealed("t-1")
    await draw_cards(engine, office.client, place=PLACE)
    before = len(await office.slack.calls("chat.update"))
    await office.slack.faults({"fault": "server_error", "method": "*", "times": 10_000})
    with writing(engine) as (session, now):
        assert withdraw(session, now=now, proposal_id=name, person="p-0a11ce01").allowed
    patience, threads = Patience(), Threads(engine, office.client, team="T0BANK", by="serve")
    for _ in range(20):
        await draw_cards(engine, office.client, place=PLACE, patience=patience)
        await threads.tell(patience)
        await tell_requesters(engine, office.client, team="T0BANK", by="serve", patience=patience)
    await office.slack.faults(clear=True)
    patience.until.clear()
    for _ in range(3):
        await draw_cards(engine, office.client, place=PLACE, patience=patience)
        await threads.tell(patience)
        await tell_requesters(engine, office.client, team="T0BANK", by="serve", patience=patience)
        patience.until.clear()
    (card,) = await office.here(f"card {name}")
    assert "withdrawn" in shown_text(card).lower()
    replies = [m for m in await office.slack.messages(CHANNEL) if m.get("thread_ts") == card["ts"] and m is not card]
    assert ["withdrew" in m["text"] for m in replies if m["ts"] != card["ts"]] == [True]
    ends = [m for m in await office.slack.messages("@app", user="U0OLIVIA") if name in m["text"]]
    assert [m["text"].startswith("*Withdrawn:*") for m in ends] == [True]
    worked = [c for c in (await office.slack.calls("chat.update"))[before:] if c["answer"].get("ok")]
    assert len(worked) <= 2


async def test_when_slack_asks_to_wait_nobody_hammers_it(
    engine: Engine, office: Office, sealed: Callable[[str], str], clock: Any
) -> None:
    name = sealed("t-1")
    fault = {"fault": "rate_limited", "method": "chat.postMessage", "times": 1, "retry_after": 30}
    await office.slack.faults(fault)
    patience = Patience()
    for _ in range(5):
        await draw_cards(engine, office.client, place=PLACE, patience=patience)
    assert len(await office.slack.calls("chat.postMessage")) == 1
    assert not patience.ready(f"card {name}")
    patience.until.clear()
    await draw_cards(engine, office.client, place=PLACE, patience=patience)
    assert len(await office.here(f"card {name}")) == 1


async def test_an_end_that_nobody_can_be_told_is_in_the_log_once(
    engine: Engine, office: Office, sealed: Callable[[str], str], clock: Any
) -> None:
    """A connection that broke left a row without a place; the refusal after it was an entry four times a second."""
    name = sealed("t-1")
    with writing(engine) as (session, now):
        withdraw(session, now=now, proposal_id=name, person="p-0a11ce01")
    await office.slack.faults({"fault": "server_error", "method": "chat.postMessage"})
    await tell_requesters(engine, office.client, team="T0BANK", by="serve")
    await office.slack.faults({"fault": "error", "method": "*", "error": "account_inactive", "times": 10})
    for _ in range(4):
        await tell_requesters(engine, office.client, team="T0BANK", by="serve")
    with reading(engine) as (session, _):
        told = [entry.event for entry in entries(session, limit=100, proposal=name)]
    assert told.count("slack.undelivered") == 1


async def test_nothing_is_told_of_what_ended_in_a_conversation_of_slack(
    engine: Engine, office: Office, sealed: Callable[[str], str], clock: Any
) -> None:
    from tests.app.slack.test_clicks_and_messages import thread

    name = sealed(thread(engine))
    with writing(engine) as (session, now):
        withdraw(session, now=now, proposal_id=name, person="p-0a11ce01")
    assert await tell_requesters(engine, office.client, team="T0BANK", by="serve") == 0
    assert name not in json.dumps(await office.slack.messages("@app", user="U0OLIVIA"))
    with reading(engine) as (session, _):
        assert session.exec(select(Posting)).all() == []
