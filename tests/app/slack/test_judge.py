"""Presses are stored, judged once and in order, and their people told, whoever dies in between."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.database import reading, writing
from app.presses import LULL, PATIENCE, TELLING, Press, Pressed, crowding, take_untold
from app.slack import judge as judging
from app.slack.admission import Admission, Admitted, store
from app.slack.judge import STALE, Judge, Teller, judge
from approvals.posted import posted
from approvals.store import Vote, proposal_of
from approvals.vote import vote
from audit.log import LogEntry
from audit.private import PrivateText, open_text
from sandbox.slack.driver import shown_text
from tests.app.slack.test_clicks_and_messages import ARJUN, CHANNEL, EDITH, OLIVIA
from tests.app.slack.test_deliver import Office
from tests.app.slack.test_deliver import office as office


def press(number: int, user: str, shown: tuple[str, str], **more: Any) -> Pressed:
    given: dict[str, Any] = {
        "key": f"block_actions:{number}",
        "choice": "approve",
        "proposal": shown[0],
        "digest": shown[1],
        "team": "T0BANK",
        "channel": CHANNEL,
        "account": user,
    }
    return Pressed(**(given | more))


@pytest.fixture
def shown(engine: Engine, sealed: Callable[[str], str]) -> tuple[str, str]:
    """A proposal that waits for one vote, and its digest."""
    name = sealed("t-1")
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="slack")
        return name, proposal_of(session, name).digest or ""


def taken(engine: Engine, *presses: Pressed, reason: str | None = None) -> list[int]:
    store(engine, [Admitted(one, reason) for one in presses])
    return [row.id or 0 for row in rows(engine)]


def rows(engine: Engine) -> list[Press]:
    with reading(engine) as (session, _):
        return list(session.exec(select(Press).order_by(col(Press.id))))


def words_of(engine: Engine) -> list[str]:
    with reading(engine) as (session, _):
        return [entry.event for entry in session.exec(select(LogEntry).order_by(col(LogEntry.seq)))]


def test_a_group_is_judged_in_the_order_of_its_presses_and_every_loser_has_a_reason(
    engine: Engine, shown: tuple[str, str]
) -> None:
    ids = taken(engine, press(1, OLIVIA, shown), press(2, ARJUN, shown), press(3, EDITH, shown))
    assert judge(engine, ids, {}) == 3
    assert words_of(engine)[-4:] == ["vote.refused", "vote.approved", "approval.quorum_met", "vote.refused"]
    first, second, third = rows(engine)
    assert "you asked for this change" in (first.note or "")
    assert (second.note, second.account) == (None, None)
    assert "not counted" in (third.note or "")
    with reading(engine) as (session, _):
        assert proposal_of(session, shown[0]).state == "approved"


def test_two_replicas_with_the_same_presses_judge_each_once(engine: Engine, shown: tuple[str, str]) -> None:
    ids = taken(engine, press(1, OLIVIA, shown), press(2, ARJUN, shown))
    assert [judge(engine, ids, {}), judge(engine, ids, {})] == [2, 0]
    assert words_of(engine).count("vote.refused") == words_of(engine).count("vote.approved") == 1


def test_the_digest_that_was_shown_is_the_one_that_is_judged(engine: Engine, shown: tuple[str, str]) -> None:
    ids = taken(engine, press(1, ARJUN, shown, digest="0" * 64))
    judge(engine, ids, {})
    assert "not counted" in (rows(engine)[0].note or "")
    assert words_of(engine)[-1] == "vote.refused"


def test_a_press_that_is_delivered_again_is_one_press(engine: Engine, shown: tuple[str, str]) -> None:
    once = press(1, ARJUN, shown)
    taken(engine, once, once)
    taken(engine, once)
    taken(engine, once, once, reason="because")
    assert len(rows(engine)) == 1


def test_what_was_written_is_kept_once_and_only_encrypted(engine: Engine, shown: tuple[str, str]) -> None:
    ids = taken(engine, press(1, ARJUN, shown, choice="reject"), reason="we train on Monday \ud83d")
    judge(engine, ids, {})
    with reading(engine) as (session, _):
        (vote,) = session.exec(select(Vote)).all()
        assert vote.reason_ref == rows(engine)[0].reason_ref
        assert open_text(session, vote.reason_ref or "") == "we train on Monday ?"
        assert len(session.exec(select(PrivateText)).all()) == 1
        assert "Monday" not in repr([row.model_dump() for row in rows(engine)])


def test_the_words_of_somebody_unknown_are_not_kept(engine: Engine, shown: tuple[str, str]) -> None:
    ids = taken(engine, press(1, "U0STRANGER", shown, choice="reject"), reason="because")
    judge(engine, ids, {})
    assert rows(engine)[0].reason_ref is None
    assert "people.toml" in (rows(engine)[0].note or "")
    assert words_of(engine)[-1] == "vote.refused"


async def test_one_that_cannot_be_judged_holds_up_nobody_and_stays_due(
    office: Office, engine: Engine, shown: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = vote

    def sometimes(session: Any, *, now: datetime, ballot: Any) -> Any:
        if ballot.proposal_id == "P-ODD":
            raise RuntimeError("nobody thought of this")
        return real(session, now=now, ballot=ballot)

    monkeypatch.setattr(judging, "vote", sometimes)
    taken(engine, press(1, ARJUN, ("P-ODD", "")), press(2, ARJUN, shown))
    await asyncio.sleep(LULL.total_seconds())
    one = Judge(engine, office.client)
    await one.judge_all()
    assert [row.judged_at is None for row in rows(engine)] == [True, False]
    assert await one.judge() == 0
    monkeypatch.setattr(judging, "vote", real)
    await Judge(engine, office.client).judge_all()
    assert all(row.judged_at for row in rows(engine))
    assert words_of(engine).count("approval.quorum_met") == 1


async def test_a_guest_votes_on_nothing_and_is_told_so(
    office: Office, engine: Engine, shown: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def guest(*_: Any, **__: Any) -> dict[str, Any]:
        return {"user": {"is_restricted": True}}

    monkeypatch.setattr(AsyncWebClient, "users_info", guest)
    taken(engine, press(1, ARJUN, shown))
    await asyncio.sleep(LULL.total_seconds())
    await Judge(engine, office.client).judge_all()
    await Teller(engine, office.client).tell_all()
    assert words_of(engine)[-1] == "slack.refused"
    with reading(engine) as (session, _):
        assert session.exec(select(Vote)).all() == []
    told = await office.slack.until_message(CHANNEL, lambda m: "guests" in shown_text(m), user=ARJUN, seconds=60)
    assert "That was not taken" in told["text"]


async def test_everybody_is_told_once_and_nothing_of_them_stays(
    office: Office, engine: Engine, shown: tuple[str, str]
) -> None:
    judge(engine, taken(engine, *(press(number, EDITH, shown) for number in range(12))), {})
    tellers = [Teller(engine, office.client) for _ in range(3)]
    await asyncio.gather(*(one.tell_all() for one in tellers))
    messages = await office.slack.messages(CHANNEL, user=EDITH)
    assert sum("not counted" in shown_text(message) for message in messages) == 12
    assert {(row.account, row.note) for row in rows(engine)} == {(None, None)}


async def test_what_a_teller_took_and_never_said_is_said_by_the_next(
    office: Office, engine: Engine, shown: tuple[str, str], clock: Any
) -> None:
    judge(engine, taken(engine, press(1, EDITH, shown)), {})
    with writing(engine) as (session, now):
        assert len(take_untold(session, now=now, most=5)) == 1
        assert take_untold(session, now=now, most=5) == []
    clock.now, clock.running = now, False
    clock.pass_(seconds=TELLING.total_seconds() + 1)
    await Teller(engine, office.client).tell_all()
    assert rows(engine)[0].note is None
    await office.slack.until_message(CHANNEL, lambda m: "not counted" in shown_text(m), user=EDITH, seconds=60)


async def test_where_slack_says_wait_the_note_is_told_later_and_an_old_one_not_at_all(
    office: Office, engine: Engine, shown: tuple[str, str], clock: Any
) -> None:
    judge(engine, taken(engine, press(1, EDITH, shown)), {})
    await office.slack.faults({"fault": "rate_limited", "method": "chat.postEphemeral", "retry_after": 1})
    await Teller(engine, office.client).tell_all()
    assert rows(engine)[0].note
    with reading(engine) as (_, now):
        clock.now, clock.running = now, False
    clock.pass_(seconds=STALE.total_seconds() + 60)
    await Teller(engine, office.client).tell_all()
    assert (rows(engine)[0].note, rows(engine)[0].account) == (None, None)
    messages = await office.slack.messages(CHANNEL, user=EDITH)
    assert not any("not counted" in shown_text(message) for message in messages)


def test_a_crowd_is_stored_before_it_is_judged_but_nobody_waits_for_ever(
    engine: Engine, shown: tuple[str, str], clock: Any
) -> None:
    def crowded() -> bool:
        with reading(engine) as (session, now):
            return crowding(session, now=now)

    assert not crowded()
    taken(engine, press(1, ARJUN, shown))
    assert crowded()
    clock.pass_(seconds=LULL.total_seconds())
    assert not crowded()
    for number in range(2, 12):
        taken(engine, press(number, ARJUN, shown))
        clock.pass_(seconds=PATIENCE.total_seconds() / 10)
    taken(engine, press(20, ARJUN, shown))
    assert not crowded()
    clock.pass_(hours=-1)
    assert not crowded()


async def test_presses_at_the_same_moment_are_each_stored_when_they_are_acknowledged(
    engine: Engine, shown: tuple[str, str]
) -> None:
    admission, stored = Admission(engine), list[bool]()

    async def one(number: int) -> None:
        mine = press(number, ARJUN, shown)
        await admission.take(mine, reason="because" if number % 5 == 0 else None)
        stored.append(mine.key in {row.key for row in rows(engine)})

    await asyncio.gather(*(one(number) for number in range(40)))
    assert stored == [True] * 40


@pytest.mark.parametrize("change", [
    "choice = 'reject'", "digest = ''", "account = 'U0OTHER'", "account = NULL", "proposal = 'P-2'",
])  # fmt: skip
def test_the_database_lets_nobody_change_what_was_pressed(engine: Engine, shown: tuple[str, str], change: str) -> None:
    taken(engine, press(1, ARJUN, shown))
    with pytest.raises(IntegrityError, match="cannot be changed"), writing(engine) as (session, _):
        session.execute(text(f"UPDATE slack_press SET {change}"))


def test_the_database_lets_nobody_delete_a_press_or_judge_it_again(engine: Engine, shown: tuple[str, str]) -> None:
    judge(engine, taken(engine, press(1, ARJUN, shown)), {})
    with pytest.raises(IntegrityError, match="cannot be deleted"), writing(engine) as (session, _):
        session.execute(text("DELETE FROM slack_press"))
    for later in ("NULL", "'2999'"):
        with pytest.raises(IntegrityError, match="judged once"), writing(engine) as (session, _):
            session.execute(text(f"UPDATE slack_press SET judged_at = {later}"))
