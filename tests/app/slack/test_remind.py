"""An unanswered proposal is reminded of twice, each once however many replicas of `serve` there are."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.database import open_database, reading, writing
from app.drawn import CardMessage
from app.home import Home
from app.inbox import conversation
from app.slack import bolt
from app.slack.draw import CardPlace, draw_cards
from app.slack.patience import Patience
from app.slack.remind import HALF, LAST_HOUR, moments, remind
from approvals.adopt import adopt
from approvals.store import proposal_of
from approvals.vote import Ballot, vote
from audit.event import Actor, ActorKind
from audit.log import entries
from sandbox.slack.driver import SlackDriver, shown_text
from sandbox.slack.seed import default_seed
from sandbox.slack.server import create_app, create_site, listening_socket
from sandbox.slack.settings import SiteSettings
from sandbox.slack.trial import served
from tests.app.conftest import PEOPLE
from tests.app.slack.settings import settings_at

TEAM, CHANNEL, ARJUN = "T0BANK", "C0APPROVE", "p-0b0b0002"
SEALED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("voting", "passed", "come"),
    [
        (timedelta(hours=72), timedelta(hours=35, minutes=59), ()),
        (timedelta(hours=72), timedelta(hours=36), (HALF,)),
        (timedelta(hours=72), timedelta(hours=70, minutes=59), (HALF,)),
        (timedelta(hours=72), timedelta(hours=71), (HALF, LAST_HOUR)),
        (timedelta(hours=72), timedelta(hours=72), ()),
        (timedelta(hours=2), timedelta(hours=1, minutes=30), (HALF,)),
        (timedelta(minutes=20), timedelta(minutes=9), ()),
    ],
)
def test_when_it_is_reminded_of(voting: timedelta, passed: timedelta, come: tuple[str, ...]) -> None:
    assert moments(sealed_at=SEALED, expires_at=SEALED + voting, now=SEALED + passed) == come


@dataclass
class Room:
    """A workspace with the card of one waiting proposal, and replicas of what reminds."""

    slack: SlackDriver
    clients: list[AsyncWebClient]
    engines: list[Engine]
    proposal: str
    card: str

    async def replicas(self) -> int:
        """Every replica looks at once; how many reminders were posted."""
        both = zip(self.engines, self.clients, strict=True)
        looks = [remind(engine, client, team=TEAM, by=f"serve-{at}") for at, (engine, client) in enumerate(both)]
        return sum(await asyncio.gather(*looks))

    async def replies(self) -> list[str]:
        found = await self.slack.messages(CHANNEL, thread_ts=self.card)
        return [shown_text(message) for message in found if message["ts"] != self.card]

    def told(self) -> list[str]:
        with reading(self.engines[0]) as (session, _):
            return [entry.event for entry in entries(session, limit=1000, proposal=self.proposal)]


@pytest_asyncio.fixture
async def room(engine: Engine, home: Home, clock: Any, sealed: Callable[[str], str]) -> AsyncIterator[Room]:
    with listening_socket(0) as free:
        port = free.getsockname()[1]
    site = create_site(
        settings=SiteSettings(port=port, app_url="http://127.0.0.1:9/slack/events", signing_secret="s3"),
        seed=default_seed(),
    )
    settings = settings_at(port)
    engines = [open_database(home.database, clock=clock) for _ in range(3)]
    async with served(create_app(site), port), SlackDriver(f"http://127.0.0.1:{port}") as driver:
        clients = [bolt.slack_client(settings) for _ in engines]
        with writing(engine) as (session, _):
            place = conversation(session, surface="slack", team=TEAM, channel="D0", thread_ts="1.1", private=True)
        proposal = sealed(place.thread)
        await draw_cards(engine, clients[0], place=CardPlace(CHANNEL, TEAM))
        with reading(engine) as (session, _):
            card = session.get_one(CardMessage, proposal).ts
        yield Room(driver, clients, engines, proposal, card)


async def test_each_reminder_comes_once_from_three_replicas(room: Room, clock: Any) -> None:
    assert await room.replicas() == 0
    clock.pass_(hours=36)
    assert await room.replicas() == 1
    assert await room.replicas() == 0
    clock.pass_(hours=35)
    assert await room.replicas() == 1
    clock.pass_(minutes=30)
    assert await room.replicas() == 0
    first, second = await room.replies()
    assert "approver or manager" in first
    assert "Still waiting for a decision" in second
    assert room.told().count("proposal.reminded") == 2


async def test_only_whose_approval_would_count_is_mentioned(room: Room, clock: Any) -> None:
    clock.pass_(hours=40)
    await room.replicas()
    posted = (await room.slack.calls("chat.postMessage"))[-1]
    text = posted["arguments"]["text"]
    assert "<@U0ARJUN>" in text
    assert not any(word in text for word in ("U0OLIVIA", "U0EDITH", "<!here", "<!channel", "<!everyone"))


async def test_of_many_who_could_approve_nobody_is_mentioned(room: Room, clock: Any) -> None:
    many = "".join(
        f'[[person]]\nid = "p-{at:08d}"\nname = "M {at}"\nslack = [{{team = "{TEAM}", user = "U0M{at}"}}]\n'
        'roles = ["manager"]\n'
        for at in range(6)
    )
    with writing(room.engines[0]) as (session, now):
        actor = Actor(ActorKind.SERVICE, "test")
        adopt(session, now=now, kind="people", text=f"{PEOPLE}\n{many}", actor=actor)
    clock.pass_(hours=40)
    await room.replicas()
    posted = (await room.slack.calls("chat.postMessage"))[-1]["arguments"]["text"]
    assert "<@" not in posted
    assert "7 people could give it" in posted


async def test_what_is_decided_is_not_reminded_of(room: Room, clock: Any) -> None:
    with writing(room.engines[0]) as (session, now):
        digest = proposal_of(session, room.proposal).digest or ""
        ballot = Ballot(proposal_id=room.proposal, person=ARJUN, choice="approve", digest=digest, via="terminal")
        assert vote(session, now=now, ballot=ballot).verdict.allowed
    clock.pass_(hours=71, minutes=30)
    assert await room.replicas() == 0


async def test_one_that_was_missed_is_not_said_beside_the_later_one(room: Room, clock: Any) -> None:
    clock.pass_(hours=71, minutes=30)
    assert await room.replicas() == 1
    assert await room.replicas() == 0
    assert len(await room.replies()) == 1


async def test_a_reminder_whose_answer_was_lost_is_found_and_not_said_twice(room: Room, clock: Any) -> None:
    clock.pass_(hours=36)
    await room.slack.faults({"fault": "lost_answer", "method": "chat.postMessage"})
    # One alone: of several at once, a late one may find the message in the same round, and rightly so.
    assert await remind(room.engines[0], room.clients[0], team=TEAM, by="serve-0") == 0
    assert await room.replicas() == 1
    assert len(await room.replies()) == 1
    assert room.told().count("proposal.reminded") == 1


async def test_slack_saying_no_leaves_it_to_others_and_a_hopeless_no_is_in_the_log(room: Room, clock: Any) -> None:
    clock.pass_(hours=36)
    real = room.clients[0]

    class Unwilling:
        def __init__(self, word: str) -> None:
            self.word = word

        async def chat_postMessage(self, **_: Any) -> Any:
            raise SlackApiError("no", {"ok": False, "error": self.word})  # type: ignore[no-untyped-call]

    patience = Patience()
    unwilling: Any = Unwilling("internal_error")
    assert await remind(room.engines[0], unwilling, team=TEAM, by="serve-0", patience=patience) == 0
    assert await remind(room.engines[0], unwilling, team=TEAM, by="serve-0", patience=patience) == 0
    assert await remind(room.engines[1], real, team=TEAM, by="serve-1") == 1
    clock.pass_(hours=35)
    hopeless: Any = Unwilling("is_archived")
    assert await remind(room.engines[0], hopeless, team=TEAM, by="serve-0") == 0
    assert await room.replicas() == 0
    assert room.told()[-1] == "slack.undelivered"
