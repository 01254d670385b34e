"""Helpful or not: stored once per person and answer, changeable, counted, and nothing of it for the model."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import select

from app.commands import feedback as command
from app.database import reading, writing
from app.database_roles import AGENT, POWERS, RATED
from app.home import Home
from app.inbox import conversation
from app.ratings import Rating, Ratings, explain, rate, ratings
from app.slack.answers import answer_blocks
from app.slack.feedback import take_rating
from app.slack.people import Speaker
from app.turns import StoredAnswer
from approvals.adopt import adopt
from audit.event import Actor, ActorKind
from audit.private import erase, open_text
from sandbox.slack.driver import DriverError, shown_text
from sandbox.slack.validation import findings_in_message
from tests.app.conftest import PEOPLE
from tests.app.slack.test_clicks_and_messages import ARJUN, OLIVIA, STRANGER, Floor
from tests.app.test_proposals_command import ME

ROOM = "C0APPROVE"
TURN = "m:Ev1"
HELPFUL = json.dumps({"turn": TURN, "helpful": True})
NOT_HELPFUL = json.dumps({"turn": TURN, "helpful": False})


def answered(engine: Engine, *, turn: str = TURN, channel: str = ROOM) -> None:
    with writing(engine) as (session, now):
        place = conversation(session, surface="slack", team="T0BANK", channel=channel, thread_ts="", private=False)
        body = {"answer": "AI cost 12 USD", "tools": ["query_spend"], "model": "offline"}
        session.add(StoredAnswer(turn=turn, thread=place.thread, body=body, answered_at=now))


async def shown(floor: Floor) -> dict[str, Any]:
    answered(floor.engine)
    return await floor.slack.until_message(ROOM, lambda m: "12 USD" in shown_text(m), seconds=60, hint="no answer")


def stored(engine: Engine) -> list[tuple[str, bool, str | None]]:
    with reading(engine) as (session, _):
        rows = session.exec(select(Rating).order_by(Rating.person)).all()
        return [(row.person, row.helpful, row.reason_ref and open_text(session, row.reason_ref)) for row in rows]


def counted(engine: Engine) -> Ratings:
    with reading(engine) as (session, now):
        return ratings(session, since=now - timedelta(days=1), reasons=5)


async def test_a_rating_is_kept_once_and_can_be_changed(floor: Floor) -> None:
    message = await shown(floor)
    at = {"channel": ROOM, "ts": message["ts"]}
    first = await floor.slack.click(OLIVIA, "feedback", value=HELPFUL, **at)
    assert first.acknowledged
    assert stored(floor.engine) == [("p-0a11ce01", True, None)]
    told = await floor.slack.until_message(ROOM, lambda m: "Thank you" in m["text"], user=OLIVIA, seconds=60)
    assert "noted as helpful" in told["text"]
    await floor.slack.click(OLIVIA, "feedback", value=NOT_HELPFUL, **at)
    assert stored(floor.engine) == [("p-0a11ce01", False, None)], "before a word of the reason is written"
    view = await floor.slack.until(lambda s: s["modal"], user=OLIVIA, seconds=60, hint="no dialog")
    assert (await floor.slack.submit(OLIVIA, view["id"], {"text": "the team <!channel> is missing"})).closed
    assert stored(floor.engine) == [("p-0a11ce01", False, "the team <!channel> is missing")]
    await floor.slack.replay(first.delivery_id)
    assert stored(floor.engine)[0][1] is False, "an older press that comes again says nothing"
    await floor.slack.click(ARJUN, "feedback", value=HELPFUL, **at)
    found = counted(floor.engine)
    assert found.by_model == {"offline": (1, 1)}
    assert [one.text for one in found.reasons] == ["the team <!channel> is missing"]
    await floor.slack.click(OLIVIA, "feedback", value=HELPFUL, **at)
    assert stored(floor.engine)[0] == ("p-0a11ce01", True, None), "the reason goes with what it was a reason for"


async def test_a_reason_is_optional_and_late_ones_are_told_so(floor: Floor) -> None:
    message = await shown(floor)
    at = {"channel": ROOM, "ts": message["ts"]}
    await floor.slack.click(OLIVIA, "feedback", value=NOT_HELPFUL, **at)
    view = await floor.slack.until(lambda s: s["modal"], user=OLIVIA, seconds=60)
    assert (await floor.slack.submit(OLIVIA, view["id"], {})).closed
    assert stored(floor.engine) == [("p-0a11ce01", False, None)]
    await floor.slack.click(ARJUN, "feedback", value=NOT_HELPFUL, **at)
    view = await floor.slack.until(lambda s: s["modal"], user=ARJUN, seconds=60)
    await floor.slack.click(ARJUN, "feedback", value=HELPFUL, **at)
    await floor.slack.submit(ARJUN, view["id"], {"text": "too late"})
    told = await floor.slack.until_message(ROOM, lambda m: "not noted" in m["text"], user=ARJUN, seconds=60)
    assert "another by now" in told["text"]
    assert ("p-0b0b0002", True, None) in stored(floor.engine)


async def test_strangers_and_buttons_that_were_never_there_rate_nothing(floor: Floor) -> None:
    message = await shown(floor)
    with pytest.raises(DriverError):
        await floor.slack.click(OLIVIA, "feedback", channel=ROOM, ts=message["ts"], value="{}")
    speaker = Speaker("T0BANK", OLIVIA, ROOM)
    for number, value in enumerate(
        ["", "[]", "{", '{"turn": 7}', NOT_HELPFUL.replace(TURN, "m:other"), HELPFUL.replace("true", '"yes"')]
    ):
        body = {"type": "block_actions", "trigger_id": f"t-{number}", "actions": [{"value": value}]}
        assert "not noted" in (take_rating(floor.engine, body=body, speaker=speaker).told or "")
    body = {"type": "block_actions", "trigger_id": "t-x", "actions": [{"value": HELPFUL}]}
    elsewhere = take_rating(floor.engine, body=body, speaker=speaker._replace(channel="D0OLIVIA"))
    assert "not noted" in (elsewhere.told or "")
    unlinked = take_rating(floor.engine, body=body | {"trigger_id": "t-y"}, speaker=speaker._replace(user=STRANGER))
    assert "do not know who you are" in (unlinked.told or "")
    assert stored(floor.engine) == []


@pytest.mark.parametrize("native", [True, False])
def test_the_buttons_keep_to_the_limits_with_and_without_slacks_own_element(native: bool) -> None:
    body = {"answer": "x", "tools": [], "model": "offline"}
    _, blocks = answer_blocks(body, native=native, thread="t-1", turn="m:" + "e" * 118)
    assert findings_in_message(blocks) == []
    assert blocks[-1]["type"] == ("context_actions" if native else "actions")
    assert not [block for block in answer_blocks(body)[1] if block["type"] == blocks[-1]["type"]]


def test_the_agent_cannot_read_what_people_thought() -> None:
    power = POWERS[AGENT]
    assert RATED not in {*power.select, *power.peek, *power.insert, *power.update, *power.delete}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE answer_rating SET person = 'p-0b0b0002'",
        "UPDATE answer_rating SET turn = 'm:other'",
        "UPDATE answer_rating SET reason_ref = 't-1'",
        "DELETE FROM answer_rating",
        "INSERT OR REPLACE INTO answer_rating SELECT turn, person, 0, NULL, rated_at FROM answer_rating",
    ],
)
def test_the_database_keeps_a_rating_with_whoever_gave_it(engine: Engine, statement: str) -> None:
    with writing(engine) as (session, now):
        session.add(Rating(turn=TURN, person="p-0a11ce01", helpful=True, rated_at=now))
    if engine.dialect.name != "sqlite":
        statement = statement.replace("INSERT OR REPLACE", "INSERT").replace(" 0,", " false,")
    with pytest.raises(DatabaseError), writing(engine) as (session, _):
        session.execute(text(statement))
    assert stored(engine) == [("p-0a11ce01", True, None)]


def test_the_command_counts_and_tells_the_reasons_to_whoever_sees_everything(
    engine: Engine, home: Home, clock: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.running = True
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    with writing(engine) as (session, now):
        named = PEOPLE.replace('name = "Arjun Rao"', f'name = "Arjun Rao"\nos_user = "{ME}"')
        adopt(session, now=now, kind="people", text=named, actor=Actor(ActorKind.SERVICE, "test"))
    command.show(days=30, person=None, as_json=False)
    assert "Nobody rated an answer" in capsys.readouterr().err
    answered(engine)
    with writing(engine) as (session, now):
        rate(session, turn=TURN, person="p-0a11ce01", helpful=False, now=now)
        explain(session, turn=TURN, person="p-0a11ce01", text="a\nline\tmore", now=now)
    command.show(days=30, person=None, as_json=False)
    assert capsys.readouterr().out.splitlines()[0] == "offline\t0\t1\t0 %"
    command.show(days=30, person=None, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["helpful"], told["not_helpful"]) == (0, 1)
    assert told["reasons"][0]["text"] == "a\nline\tmore"
    with writing(engine) as (session, now):
        less = named.replace('sees_teams = ["*"]', 'sees_teams = ["risk"]')
        adopt(session, now=now, kind="people", text=less, actor=Actor(ActorKind.SERVICE, "test"))
    command.show(days=30, person=None, as_json=True)
    assert json.loads(capsys.readouterr().out)["reasons"] == []
    with writing(engine) as (session, now):
        erase(session, person="p-0a11ce01", now=now, by=Actor(ActorKind.SERVICE, "test"))
    with reading(engine) as (session, now):
        (left,) = ratings(session, since=now - timedelta(days=1), reasons=5).reasons
    assert left.text is None
