"""Who decides is told what waits for them: in one message, in their working hours, once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from app.database import reading, writing
from app.slack.waiting import Call, Waiting, WorkingHours, call_deciders, calls_due, message
from approvals.adopt import adopt
from approvals.store import proposal_of
from approvals.vote import Ballot, vote
from audit.event import Actor, ActorKind
from sandbox.slack.driver import shown_text
from tests.app.conftest import PEOPLE
from tests.app.slack.test_cards import card
from tests.app.slack.test_remind import ARJUN, TEAM, Room
from tests.app.slack.test_remind import room as room

USER = "U0ARJUN"


async def call(room: Room, replica: int = 0) -> int:
    client = room.clients[replica]
    return await call_deciders(
        room.engines[replica], client, team=TEAM, by=f"serve-{replica}", hours=WorkingHours(client)
    )


async def read(room: Room) -> list[str]:
    state = await room.slack.state(USER)
    rooms = [one["id"] for one in state["rooms"] if one.get("kind") != "channel"]
    found = [message for one in rooms for message in await room.slack.messages(one, user=USER)]
    return [text for message in found if "for your decision" in (text := shown_text(message))]


def due(room: Room) -> list[Call]:
    with reading(room.engines[0]) as (session, now):
        return calls_due(session, team=TEAM, now=now)


async def test_it_comes_in_working_hours_once_a_day_from_three_replicas(room: Room, clock: Any) -> None:
    """Sealed on Sunday at noon for 72 hours: half of them are over in the night to Tuesday."""
    clock.pass_(hours=35)
    assert due(room) == []
    clock.pass_(hours=2)
    assert [one.person for one in due(room)] == [ARJUN]
    assert await call(room) == 0, "one in the morning"
    clock.now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # London is at UTC in November
    assert sum(await asyncio.gather(*(call(room, replica) for replica in range(3)))) == 1
    [text] = await read(room)
    assert text.startswith("*1 proposal waits for your decision*, the oldest for 45 hours.")
    assert room.proposal in text
    assert "<#C0APPROVE>" in text
    clock.now = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    assert await call(room) == 0
    clock.now = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)  # nine tenths were over at 04:48
    assert await call(room) == 1
    assert len(await read(room)) == 2


async def test_a_working_day_that_is_on_two_days_of_utc_is_one(room: Room, clock: Any) -> None:
    class There:
        async def users_info(self, **_: Any) -> Any:
            return {"user": {"tz": "Australia/Sydney"}}

    there: Any = There()
    hours = WorkingHours(there)

    async def call_there() -> int:
        return await call_deciders(room.engines[0], room.clients[0], team=TEAM, by="serve-0", hours=hours)

    clock.now = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)  # half past nine on Wednesday
    assert await call_there() == 1
    clock.now = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)  # four in the afternoon; nine tenths were over at 04:48
    assert len(due(room)) == 1
    assert await call_there() == 0, "the same day, there"
    assert len(await read(room)) == 1


async def test_who_has_decided_or_asked_for_it_is_not_told(room: Room, clock: Any) -> None:
    clock.now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert [one.user for one in due(room)] == [USER], "not Olivia, who asked for it, nor Edith, who may not"
    with writing(room.engines[0]) as (session, now):
        digest = proposal_of(session, room.proposal).digest or ""
        ballot = Ballot(proposal_id=room.proposal, person=ARJUN, choice="approve", digest=digest, via="terminal")
        assert vote(session, now=now, ballot=ballot).verdict.allowed
    assert await call(room) == 0


async def test_a_message_whose_answer_was_lost_is_found_again(room: Room, clock: Any) -> None:
    clock.now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    await room.slack.faults({"fault": "lost_answer", "method": "chat.postMessage"})
    assert await call(room) == 0
    assert await call(room) == 1
    assert len(await read(room)) == 1


async def test_a_hopeless_no_holds_for_the_day(room: Room, clock: Any) -> None:
    clock.now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)

    class Unwilling:
        async def users_info(self, **_: Any) -> Any:
            return {"user": {"tz": "Europe/London"}}

        async def conversations_open(self, **_: Any) -> Any:
            raise SlackApiError("no", {"ok": False, "error": "user_not_found"})  # type: ignore[no-untyped-call]

    client: Any = Unwilling()
    hours = WorkingHours(client)
    assert await call_deciders(room.engines[0], client, team=TEAM, by="serve-0", hours=hours) == 0
    assert due(room) == []
    clock.pass_(days=1)
    assert len(due(room)) == 1


@pytest.mark.parametrize(
    ("zone", "at", "works"),
    [
        ("Europe/London", "2026-11-24T09:00+00:00", True),
        ("Europe/London", "2026-11-24T08:59+00:00", False),
        ("Europe/London", "2026-11-24T16:59+00:00", True),
        ("Europe/London", "2026-11-24T17:00+00:00", False),
        ("Europe/London", "2026-11-28T12:00+00:00", False),
        ("Asia/Tokyo", "2026-11-24T01:00+00:00", True),
        ("Asia/Tokyo", "2026-11-27T23:00+00:00", False),
        ("America/New_York", "2026-11-24T12:00+00:00", False),
        ("Middle/Earth", "2026-11-24T12:00+00:00", True),
        ("../../etc/passwd", "2026-11-24T12:00+00:00", True),
        (None, "2026-11-24T12:00+00:00", True),
    ],
)
async def test_working_hours_are_those_of_where_the_person_is(zone: str | None, at: str, works: bool) -> None:
    class Slack:
        asked = 0

        async def users_info(self, **_: Any) -> Any:
            self.asked += 1
            return {"user": {"tz": zone}}

    client: Any = Slack()
    hours = WorkingHours(client)
    assert (await hours.at_work(TEAM, "U1", datetime.fromisoformat(at)) is not None) is works
    assert (await hours.at_work(TEAM, "U1", datetime.fromisoformat(at) + timedelta(days=7)) is not None) is works
    assert client.asked == 1


async def test_what_slack_does_not_tell_is_taken_for_utc_and_asked_again() -> None:
    class Down:
        asked = 0

        async def users_info(self, **_: Any) -> Any:
            self.asked += 1
            raise ConnectionError("away")

    client: Any = Down()
    hours = WorkingHours(client)
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert [await hours.at_work(TEAM, "U1", noon) for _ in range(2)] == [noon.date(), noon.date()]
    assert client.asked == 2


async def test_it_goes_to_the_account_that_is_linked_now(room: Room, clock: Any) -> None:
    with writing(room.engines[0]) as (session, now):
        actor = Actor(ActorKind.SERVICE, "test")
        adopt(session, now=now, kind="people", text=PEOPLE.replace("U0ARJUN", "U0BORN"), actor=actor)
    clock.now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert [one.user for one in due(room)] == ["U0BORN"]


def test_a_long_list_is_cut_says_so_and_adds_no_savings_up() -> None:
    now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    cards = [
        card(proposal=f"P-{number}", title=f"<!here> {number}", saving=f"{number}00.50") for number in range(1, 13)
    ]
    text = message([Waiting(one, "C1", now - timedelta(days=3), now) for one in cards], now)
    assert text.startswith(
        "*12 proposals wait for your decision*, the oldest for 3 days. The largest would save 1,200.50"
    )
    assert "… and 2 more" in text
    assert "<!here>" not in text
