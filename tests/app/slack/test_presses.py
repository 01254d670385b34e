"""Presses count in the order in which they came and for whoever pressed, whatever fails in between."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, OperationalError

from app.database import reading, writing
from app.home import Home
from app.presses import LULL, take_in
from app.slack import judge as judging
from app.slack.admission import Admitted, store
from app.slack.judge import STALE, Judge, Teller, judge
from approvals.adopt import adopt
from approvals.store import proposal_of, standing_votes
from approvals.vote import vote
from audit.event import Actor, ActorKind
from tests.app.conftest import PEOPLE
from tests.app.slack.test_clicks_and_messages import ARJUN, EDITH
from tests.app.slack.test_judge import press, rows, taken, words_of
from tests.app.slack.test_judge import shown as shown

TEST = Actor(ActorKind.SERVICE, "test")


class Slack:
    """Takes everything, and knows everybody as a full member."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def users_info(self, **_: Any) -> dict[str, Any]:
        return {"user": {}}

    async def chat_postEphemeral(self, *, text: str, **_: Any) -> None:
        self.said.append(text)


@pytest.fixture
def judge_of(engine: Engine, clock: Any) -> Callable[[], Judge]:
    """Judges with nothing remembered; the crowd has gone."""

    def make() -> Judge:
        clock.pass_(seconds=LULL.total_seconds())
        return Judge(engine, Slack())  # type: ignore[arg-type]

    return make


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int, choice: str = "approve") -> None:
    """Judging such a vote fails so many times."""
    real, left = vote, [times]

    def sometimes(session: Any, *, now: datetime, ballot: Any) -> Any:
        if ballot.choice == choice and left[0]:
            left[0] -= 1
            raise error
        return real(session, now=now, ballot=ballot)

    monkeypatch.setattr(judging, "vote", sometimes)


def state_of(engine: Engine, shown: tuple[str, str]) -> tuple[str, list[str]]:
    with reading(engine) as (session, _):
        return proposal_of(session, shown[0]).state, [one.choice for one in standing_votes(session, shown[0])]


async def test_an_approval_that_failed_once_does_not_count_after_it_was_taken_back(
    engine: Engine, shown: tuple[str, str], monkeypatch: pytest.MonkeyPatch, judge_of: Callable[[], Judge]
) -> None:
    failing(monkeypatch, RuntimeError("nobody thought of this"), times=2)
    taken(engine, press(1, ARJUN, shown), press(2, ARJUN, shown, choice="withdraw"), press(3, EDITH, shown))
    one = judge_of()
    await one.judge_all()
    assert [row.judged_at is None for row in rows(engine)] == [True, True, False]
    assert one._due() == {}, "the withdrawal waits with its approval, and costs nobody anything"
    await judge_of().judge_all()
    assert state_of(engine, shown) == ("pending", [])
    assert words_of(engine)[-2:] == ["approval.quorum_met", "vote.withdrawn"]


async def test_no_replica_judges_what_was_pressed_after_a_press_that_waits(
    engine: Engine, shown: tuple[str, str]
) -> None:
    _, withdrawal, other = taken(
        engine, press(1, ARJUN, shown), press(2, ARJUN, shown, choice="withdraw"), press(3, ARJUN, ("P-OTHER", ""))
    )
    assert judge(engine, [withdrawal, other], {}) == 1
    assert [row.judged_at is None for row in rows(engine)] == [True, True, False]


async def test_where_the_database_is_busy_everything_waits_in_its_order(
    engine: Engine, shown: tuple[str, str], monkeypatch: pytest.MonkeyPatch, judge_of: Callable[[], Judge]
) -> None:
    failing(monkeypatch, OperationalError("", {}, Exception("database is locked")), times=1)
    taken(engine, press(1, ARJUN, shown), press(2, ARJUN, shown, choice="withdraw"))
    one = judge_of()
    with pytest.raises(OperationalError):
        await one.judge_all()
    assert one._patience.until == {}
    await one.judge_all()
    assert state_of(engine, shown) == ("pending", [])


async def test_a_press_alone_that_cannot_be_judged_is_tried_ever_more_rarely_and_slows_nobody(
    engine: Engine, shown: tuple[str, str], monkeypatch: pytest.MonkeyPatch, judge_of: Callable[[], Judge]
) -> None:
    failing(monkeypatch, RuntimeError("nobody thought of this"), times=99, choice="reject")
    taken(engine, press(1, EDITH, shown, choice="reject"))
    one = judge_of()
    await one.judge_all()
    assert not one._patience.ready("1")
    taken(engine, press(2, ARJUN, shown))
    judge_of()
    await one.judge_all()
    assert [row.judged_at is None for row in rows(engine)] == [True, False]


def test_a_press_that_cannot_be_stored_is_an_error_and_not_acknowledged(engine: Engine, shown: tuple[str, str]) -> None:
    taken(engine, press(1, ARJUN, shown))
    with pytest.raises(IntegrityError), writing(engine) as (session, now):
        take_in(session, [press(1, EDITH, shown)], now=now)


def swapped(engine: Engine) -> None:
    """Arjun's account becomes Edith's, and hers his; she holds his roles too."""
    people = PEOPLE.replace("U0EDITH", "U0OTHER").replace("U0ARJUN", "U0EDITH").replace("U0OTHER", "U0ARJUN")
    people = people.replace('roles = ["auditor"', 'roles = ["approver", "owner"')
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=people, actor=TEST)


@pytest.mark.parametrize("choice", ["approve", "reject"])
def test_whoever_has_the_account_when_it_is_judged_did_not_press(
    engine: Engine, shown: tuple[str, str], choice: str
) -> None:
    ids = taken(engine, press(1, ARJUN, shown, choice=choice), reason="the words of Arjun")
    swapped(engine)
    judge(engine, ids, {})
    assert state_of(engine, shown) == ("pending", [])
    assert "linked anew" in (rows(engine)[0].note or "")
    assert words_of(engine)[-1] == "vote.refused"


def test_an_account_that_was_linked_after_the_press_has_not_voted(engine: Engine, shown: tuple[str, str]) -> None:
    ids = taken(engine, press(1, "U0LATER", shown))
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=PEOPLE.replace("U0ARJUN", "U0LATER"), actor=TEST)
    judge(engine, ids, {})
    assert state_of(engine, shown) == ("pending", [])


async def test_who_was_judged_late_is_told_all_the_same(engine: Engine, shown: tuple[str, str], clock: Any) -> None:
    ids = taken(engine, press(1, EDITH, shown))
    clock.pass_(seconds=STALE.total_seconds() + 60)
    judge(engine, ids, {})
    slack = Slack()
    await Teller(engine, slack).tell_all()  # type: ignore[arg-type]
    assert ["not counted" in one for one in slack.said] == [True]


COPIED = "key, choice, proposal, digest, team, channel, 'U0ARJUN', pressed_at FROM slack_press"
INTO = "INTO slack_press (id, key, choice, proposal, digest, team, channel, account, pressed_at)"


@pytest.mark.parametrize("identity", ["id", "id + 1"])
def test_nobody_puts_another_press_in_the_place_of_one(
    engine: Engine, shown: tuple[str, str], home: Home, identity: str
) -> None:
    taken(engine, press(1, EDITH, shown))
    with closing(sqlite3.connect(home.database)) as plain, pytest.raises(sqlite3.IntegrityError, match="stored once"):
        plain.execute(f"INSERT OR REPLACE {INTO} SELECT {identity}, {COPIED}")
    assert [row.account for row in rows(engine)] == [EDITH]


@pytest.mark.parametrize("more", ["judged_at", "note", "telling_until"])
def test_no_press_is_stored_as_judged(engine: Engine, shown: tuple[str, str], more: str) -> None:
    taken(engine, press(1, EDITH, shown))
    copied = COPIED.replace("key,", "'other',", 1)
    with pytest.raises(IntegrityError, match="before it is judged"), writing(engine) as (session, _):
        session.execute(text(f"INSERT {INTO[:-1]}, {more}) SELECT 9, {copied.replace(' FROM', ', pressed_at FROM')}"))


def test_a_group_is_stored_in_the_order_in_which_it_came(engine: Engine, shown: tuple[str, str]) -> None:
    group = [press(number, ARJUN, shown) for number in (3, 1, 2, 1)]
    store(engine, [Admitted(one, "because" if one.key.endswith("1") else None) for one in group])
    assert [row.key[-1] for row in rows(engine)] == ["3", "1", "2"]
    assert [row.person for row in rows(engine)] == ["p-0b0b0002"] * 3


def test_the_words_of_a_press_are_its_own(engine: Engine, shown: tuple[str, str]) -> None:
    taken(engine, press(1, ARJUN, shown), press(2, EDITH, shown), reason="because")
    assert len({row.reason_ref for row in rows(engine)}) == 2
