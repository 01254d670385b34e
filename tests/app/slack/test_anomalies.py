"""Unusual spend in Slack: told once to whoever owns it, drawn anew, and what people press there."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlmodel import select

from app.anomaly_rows import CLOSED, OPEN, Anomaly, AnomalyDue, AnomalyMark, series_text
from app.database import reading, writing
from app.inbox import Conversation, Message
from app.scan_drafts import Intent, draft
from app.slack import anomalies, bolt
from app.slack.anomalies import Place, channel_for, tell_anomalies
from app.slack.anomaly_cards import question
from app.slack.anomaly_presses import OLD, UNKNOWN, dialog, take_investigation, take_mark
from app.slack.patience import Patience
from app.slack.people import Speaker
from approvals.adopt import adopt
from approvals.person import People
from approvals.withdraw import withdraw
from audit.event import Actor, ActorKind
from audit.private import open_text
from sandbox.slack.driver import buttons, shown_text
from tests.app.conftest import PEOPLE, STOP
from tests.app.drafting_bill import OLIVIA as DRAFTING_PERSON
from tests.app.drafting_bill import RULE, switch
from tests.app.slack.test_clicks_and_messages import ARJUN, OLIVIA, STRANGER, Floor
from tools.desk import Wanted
from tools.detection.marks import MarkKind

ROOM = "C0AIOPS"
HERE = Place("T0BANK", (ROOM,))
TODAY = datetime.now(UTC).date()


def an_event(number: int = 1, *, owner: str = "fraud", excess: str = "1500.25", **more: Any) -> Anomaly:
    names = {"team": owner, "service": "Amazon Bedrock"} if owner else {"service": "Amazon Bedrock"}
    held: dict[str, Any] = {
        "id": f"A-{number:010d}", "series": series_text(tuple(names.items())), "currency": "USD", "owner": owner,
        "kind": "spike", "state": OPEN, "started": (TODAY - timedelta(days=2)).isoformat(),
        "last_day": (TODAY - timedelta(days=1)).isoformat(), "actual": "2000.25", "expected": "500", "excess": excess,
        "told_excess": excess, "found_at": datetime.now(UTC), "changed_at": datetime.now(UTC),
    }  # fmt: skip
    return Anomaly(**{**held, **more})


def found(engine: Engine, *events: Anomaly, slot: str = "s1", ago: timedelta = timedelta()) -> None:
    """As a scan stores it: the events, and what is due to each owner."""
    with writing(engine) as (session, now):
        for owner in dict.fromkeys(event.owner for event in events):
            ids = [event.id for event in events if event.owner == owner]
            session.add(AnomalyDue(slot=slot, owner=owner, anomalies=json.dumps(ids), due_at=now - ago))
        session.add_all(events)


def change(engine: Engine, number: int = 1, **values: Any) -> None:
    with writing(engine) as (session, _):
        row = session.get_one(Anomaly, f"A-{number:010d}")
        for name, value in values.items():
            setattr(row, name, value)


def rows(engine: Engine) -> list[AnomalyDue]:
    with reading(engine) as (session, _):
        return list(session.exec(select(AnomalyDue).order_by(AnomalyDue.slot, AnomalyDue.owner)))


async def tell(floor: Floor, place: Place = HERE, patience: Patience | None = None, by: str = "serve-1") -> int:
    client = bolt.slack_client(floor.settings)
    return await tell_anomalies(floor.engine, client, place=place, by=by, patience=patience)


async def told(floor: Floor, room: str = ROOM) -> list[dict[str, Any]]:
    return [one for one in await floor.slack.messages(room) if "Unusual cost" in shown_text(one)]


async def the_message(floor: Floor) -> dict[str, Any]:
    [message] = await told(floor)
    return message


async def test_an_owner_is_told_once_and_the_message_follows_its_events(floor: Floor) -> None:
    found(floor.engine, an_event(1), an_event(2, excess="90000"))
    assert await tell(floor) == 1
    message = await the_message(floor)
    text = shown_text(message)
    assert "Unusual cost of fraud: 2 events" in text
    assert text.index("$90,000.00") < text.index("$1,500.25"), "the larger one first"
    assert "beyond the expected $500.00 (cost $2,000.25)" in text
    assert "still open" in text
    assert await tell(floor) == 0, "nothing has changed"
    change(floor.engine, 1, excess="7000", state=CLOSED)
    assert await tell(floor) == 1
    again = await the_message(floor)
    assert again["ts"] == message["ts"]
    assert "+$7,000.00" in shown_text(again)
    assert "over" in shown_text(again)
    [row] = rows(floor.engine)
    assert (row.channel, row.ts, row.refused) == (ROOM, message["ts"], None)


async def test_the_message_names_what_a_rule_proposed_and_follows_it(floor: Floor) -> None:
    found(floor.engine, an_event(1))
    await tell(floor)
    assert "Proposed" not in shown_text(await the_message(floor))
    switch(floor.engine)
    with writing(floor.engine) as (session, now):
        row = session.get_one(Anomaly, f"A-{1:010d}")
        intent = Intent(DRAFTING_PERSON, ("*",), RULE, Wanted(STOP, {"amount": "10", "currency": "USD"}, "train-1"))
        [made] = draft(session, now=now, by="scan", meant_for=[(row, intent)])
    assert await tell(floor) == 1
    text = shown_text(await the_message(floor))
    assert f"Proposed by a rule: `{made}`, Stop EC2 instance i-0123456789abcdef0" in text
    assert "being checked" in text
    with writing(floor.engine) as (session, now):
        assert withdraw(session, now=now, proposal_id=made, person=DRAFTING_PERSON).allowed
    assert await tell(floor) == 1
    assert "withdrawn" in shown_text(await the_message(floor))
    assert await tell(floor) == 0


async def test_two_replicas_tell_it_once(floor: Floor) -> None:
    found(floor.engine, an_event())
    await asyncio.gather(*(tell(floor, by=f"serve-{number}") for number in range(4)))
    assert len(await told(floor)) == 1


async def test_a_message_that_stands_and_was_not_noted_is_found_again(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any) -> None:
        raise OSError("killed before it was noted")

    found(floor.engine, an_event())
    patience = Patience()
    with monkeypatch.context() as patch:
        patch.setattr(anomalies, "_posted", dies)
        with pytest.raises(OSError, match="killed"):
            await tell(floor, patience=patience)
    assert [row.posted_at for row in rows(floor.engine)] == [None]
    change(floor.engine, 1, excess="7000")
    await tell(floor)
    await tell(floor)
    assert "+$7,000.00" in shown_text(await the_message(floor)), "adopted, then drawn as it stands now"


async def test_what_stands_unnoted_is_found_again_after_the_next_scan_too(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any) -> None:
        raise OSError("killed before it was noted")

    found(floor.engine, an_event(1), slot="s1", ago=timedelta(hours=1))
    with monkeypatch.context() as patch:
        patch.setattr(anomalies, "_posted", dies)
        with pytest.raises(OSError, match="killed"):
            await tell(floor)
    found(floor.engine, an_event(2, excess="90000"), slot="s2")
    await tell(floor)
    await tell(floor)
    text = shown_text(await the_message(floor))
    assert "2 events" in text
    assert [(row.slot, row.refused) for row in rows(floor.engine)] == [("s1", None), ("s2", "told with s1")]


async def test_after_an_outage_all_that_is_due_is_one_message(floor: Floor) -> None:
    found(floor.engine, an_event(1), slot="s1", ago=timedelta(hours=3))
    found(floor.engine, an_event(2), slot="s2", ago=timedelta(hours=1))
    await tell(floor)
    assert "2 events" in shown_text(await the_message(floor))
    assert [(row.slot, row.refused) for row in rows(floor.engine)] == [("s1", "told with s2"), ("s2", None)]
    change(floor.engine, 1, excess="6000")
    await tell(floor)
    assert "+$6,000.00" in shown_text(await the_message(floor))


async def test_what_people_said_is_read_once_a_look_however_many_messages_stand(floor: Floor) -> None:
    for number in range(1, 5):
        found(floor.engine, an_event(number), slot=f"s{number}")
        await tell(floor)
    asked: list[str] = []
    with reading(floor.engine) as (session, _):
        engine = session.get_bind()

    def count(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    try:
        assert await tell(floor) == 0
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len([one for one in asked if "FROM anomaly_mark" in one]) == 2


async def test_what_is_over_or_explained_meanwhile_is_not_told(floor: Floor) -> None:
    old = (TODAY - timedelta(days=30)).isoformat()
    found(floor.engine, an_event(1, state=CLOSED, started=old, last_day=old), slot="s1")
    found(floor.engine, an_event(2, owner="claims"), slot="s2")
    with writing(floor.engine) as (session, now):
        planned = {"kind": str(MarkKind.PLANNED), "first_day": old, "until_day": TODAY.isoformat()}
        session.add(
            AnomalyMark(id="m-1", anomaly="A-0000000002", person="p-0a11ce01", excess="1", reason_ref="x",
                        marked_at=now, **planned)
        )  # fmt: skip
    await tell(floor)
    assert await told(floor) == []
    assert [row.refused for row in rows(floor.engine)] == ["over", "over"]


async def test_a_message_that_was_deleted_stays_away_and_one_that_nobody_invited_waits(floor: Floor) -> None:
    found(floor.engine, an_event(1, owner="fraud"), slot="s1")
    elsewhere = Place("T0BANK", ("C0NOWHERE",))
    with writing(floor.engine) as (session, now):
        people = PEOPLE + '\n[[channel]]\nteam = "T0BANK"\nid = "C0NOWHERE"\nsees_teams = ["*"]\n'
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))
    await tell(floor, elsewhere)
    assert [row.posted_at for row in rows(floor.engine)] == [None], "due until somebody invites the app"
    await tell(floor)
    message = await the_message(floor)
    client = bolt.slack_client(floor.settings)
    await client.chat_delete(channel=ROOM, ts=message["ts"])
    change(floor.engine, 1, excess="7000")
    await tell(floor)
    await tell(floor)
    assert await told(floor) == []
    assert [row.refused for row in rows(floor.engine)] == ["message_not_found"]
    assert "slack.undelivered" in floor.events()


async def test_a_channel_is_drawn_no_more_once_it_may_not_be_told(floor: Floor) -> None:
    found(floor.engine, an_event())
    await tell(floor)
    with writing(floor.engine) as (session, now):
        people = PEOPLE.replace('id = "C0AIOPS"\nsees_teams = ["*"]', 'id = "C0AIOPS"\nsees_teams = ["claims"]')
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))
    change(floor.engine, 1, excess="7000")
    await tell(floor)
    assert "7,000" not in shown_text(await the_message(floor))
    assert [row.refused for row in rows(floor.engine)] == ["out_of_scope"]


@pytest.mark.parametrize(
    ("owner", "channels", "goes_to"),
    [
        ("fraud", {"C1": ["*"], "C2": ["fraud", "claims"], "C3": ["fraud"]}, "C3"),
        ("claims", {"C1": ["*"], "C2": ["fraud", "claims"], "C3": ["fraud"]}, "C2"),
        ("kyc", {"C1": ["*"], "C3": ["fraud"]}, "C1"),
        ("kyc", {"C3": ["fraud"]}, None),
        ("", {"C1": ["*"], "C3": ["fraud"]}, "C1"),
        ("", {"C3": ["fraud"]}, None),
        ("fraud", {}, None),
    ],
    ids=["the narrowest", "of two teams", "all", "none may", "wider than a team", "wider, none may", "none there"],
)
def test_where_an_owner_is_told(owner: str, channels: dict[str, list[str]], goes_to: str | None) -> None:
    people = People(channels={("T0", name): tuple(scope) for name, scope in channels.items()})
    assert channel_for(owner, people, Place("T0", ("C1", "C2", "C3"))) == goes_to


async def test_why_is_asked_in_the_thread_by_whoever_pressed(floor: Floor) -> None:
    found(floor.engine, an_event())
    await tell(floor)
    message = await the_message(floor)
    at = {"channel": ROOM, "ts": message["ts"]}
    pressed = await floor.slack.click(OLIVIA, "anomaly_investigate", **at)
    assert pressed.acknowledged
    await floor.slack.replay(pressed.delivery_id)
    with reading(floor.engine) as (session, _):
        [asked] = session.exec(select(Message)).all()
        place = session.get_one(Conversation, asked.thread)
        assert open_text(session, asked.text_ref) == question(an_event())
    assert (place.channel, place.thread_ts, asked.person) == (ROOM, message["ts"], "p-0a11ce01")


@pytest.mark.parametrize(
    ("button", "values", "kind", "days"),
    [
        ("anomaly_say_acknowledged", {}, MarkKind.ACKNOWLEDGED, (None, None)),
        ("anomaly_say_snoozed", {"until": "2099-01-01"}, MarkKind.SNOOZED, (None, "2099-01-01")),
        ("Not an anomaly…", {}, MarkKind.NOT_AN_ANOMALY, (None, None)),
        ("Planned…", {"first": "2026-11-01", "until": "2099-01-01"}, MarkKind.PLANNED, ("2026-11-01", "2099-01-01")),
    ],
    ids=["acknowledge", "snooze", "not an anomaly", "planned"],
)
async def test_what_it_is_is_said_in_a_dialog_and_stands_on_the_message(
    floor: Floor, button: str, values: dict[str, str], kind: MarkKind, days: tuple[str | None, str | None]
) -> None:
    found(floor.engine, an_event())
    await tell(floor)
    message = await the_message(floor)
    await press(floor, OLIVIA, message, button)
    view = await floor.slack.until(lambda state: state["modal"], user=OLIVIA, seconds=60, hint="no dialog")
    sent = await floor.slack.submit(OLIVIA, view["id"], {"reason": "a load test <!channel>", **values})
    assert sent.closed
    with reading(floor.engine) as (session, _):
        [mark] = session.exec(select(AnomalyMark)).all()
        assert (mark.kind, mark.person, mark.anomaly) == (str(kind), "p-0a11ce01", "A-0000000001")
        assert (mark.first_day, mark.until_day) == days
        assert open_text(session, mark.reason_ref) == "a load test <!channel>"
    await floor.slack.until_message(ROOM, lambda m: "Noted" in m["text"], user=OLIVIA, seconds=60)
    await tell(floor)
    text = shown_text(await the_message(floor))
    assert "by <@U0OLIVIA>" in text
    assert "load test" not in text, "why is a private text"
    assert "anomaly.marked" in floor.events()


async def press(floor: Floor, user: str, message: dict[str, Any], button: str) -> None:
    """A button by its action, an entry of the menu by what it says."""
    if button in buttons(message):
        await floor.slack.click(user, button, channel=ROOM, ts=message["ts"])
        return
    menus = [one for block in message["blocks"] for one in block.get("elements", []) if one.get("type") == "overflow"]
    value = next(one["value"] for one in menus[0]["options"] if one["text"]["text"] == button)
    await floor.slack.click(user, "anomaly_more", value=value, channel=ROOM, ts=message["ts"])


HOSTILE = (
    '{"anomaly": "A-0000000001", "is": "approved"}', "[]", "{", "null", "[" * 5000, "\x00",
    '{"anomaly": {"$ne": 1}}', json.dumps({"anomaly": "\ud800", "is": 7}),
)  # fmt: skip


async def test_who_may_not_see_it_can_say_nothing_and_hostile_values_are_refused(floor: Floor) -> None:
    found(floor.engine, an_event())
    await tell(floor)
    message = await the_message(floor)
    with writing(floor.engine) as (session, now):
        arjun = PEOPLE.index("U0ARJUN")
        people = PEOPLE[:arjun] + PEOPLE[arjun:].replace('sees_teams = ["*"]', 'sees_teams = ["claims"]', 1)
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))
    for action in ("anomaly_investigate", "anomaly_say_acknowledged"):
        await floor.slack.click(ARJUN, action, channel=ROOM, ts=message["ts"])
        assert await floor.slack.until_message(ROOM, lambda m: m["text"] == UNKNOWN, user=ARJUN, seconds=60)
    speaker = Speaker("T0BANK", OLIVIA, ROOM)
    for number, value in enumerate(HOSTILE):
        body = {"type": "block_actions", "trigger_id": f"t{number}", "actions": [{"value": value}], "container": {}}
        stranger = speaker._replace(user=STRANGER)
        assert dialog(floor.engine, body=body, speaker=speaker) == OLD
        assert take_investigation(floor.engine, body=body, speaker=speaker) == UNKNOWN
        other = {**body, "trigger_id": f"s{number}"}
        assert "do not know who you are" in (take_investigation(floor.engine, body=other, speaker=stranger) or "")
        view = {"private_metadata": value, "state": {"values": {"until": {"day": {"selected_date": "2026-99-99"}}}}}
        sent = {"type": "view_submission", "trigger_id": f"v{number}", "view": view}
        assert take_mark(floor.engine, body=sent, speaker=speaker) == OLD
    known = {"anomaly": "A-0000000001", "is": "snoozed"}
    sent = {"type": "view_submission", "trigger_id": "w1", "view": {"private_metadata": json.dumps(known)}}
    assert "do not know who you are" in (take_mark(floor.engine, body=sent, speaker=stranger) or "")
    sent = {**sent, "trigger_id": "w2"}
    assert "It was not noted: Say why" in (take_mark(floor.engine, body=sent, speaker=speaker) or "")
    with reading(floor.engine) as (session, _):
        assert session.exec(select(AnomalyMark)).all() == []
        assert session.exec(select(Message)).all() == []
