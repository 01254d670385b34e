"""The card's Undo: one click asks for the sealed way back, once, in the name of whoever may ask."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from app.database import beginner, reading, writing
from app.processes.worker import Worker
from app.slack.clicks import undo
from app.slack.people import Speaker
from approvals.seal import seal
from approvals.store import Draft, Proposal, proposal_of
from sandbox.slack.driver import buttons, shown_text
from tests.app.conftest import Machine
from tests.app.slack.test_clicks_and_messages import (  # noqa: F401 (the fixture is used by its name)
    ARJUN,
    CHANNEL,
    EDITH,
    OLIVIA,
    STRANGER,
    Floor,
    floor,
    thread,
)

pytestmark = pytest.mark.slow


async def done(floor: Floor, name: str, worker: Worker) -> str:  # noqa: F811
    """Approves it with a click and lets the worker carry it out; the timestamp of its card, which offers Undo now."""
    card = await floor.card(name)
    await floor.slack.click(ARJUN, "approve", channel=CHANNEL, ts=card["ts"])
    await floor.becomes(name, "approved")
    for _ in range(4):
        worker.round()
    assert floor.state(name) == "verified"
    shown = await floor.slack.until_message(
        CHANNEL, lambda m: name in json.dumps(m) and "undo" in buttons(m), seconds=60, hint="no button to undo"
    )
    return str(shown["ts"])


def undoing(engine: Engine, name: str) -> list[Draft]:
    with reading(engine) as (session, _):
        return list(session.exec(select(Draft).where(Draft.inverse_of == name)))


async def test_one_click_drafts_the_sealed_inverse_once(
    floor: Floor,  # noqa: F811
    engine: Engine,
    sealed: Callable[[str], str],
    worker: Worker,
    machine: Machine,
) -> None:
    name = sealed(thread(engine))
    ts = await done(floor, name, worker)
    pressed = await floor.slack.click(OLIVIA, "undo", channel=CHANNEL, ts=ts)
    assert pressed.acknowledged
    (draft,) = undoing(engine, name)
    assert draft.requester == "p-0a11ce01"
    with reading(engine) as (session, _):
        document = json.loads(proposal_of(session, name).sealed or b"")
    back = seal(beginner(engine), draft_id=draft.id, inspector=machine)
    assert back is not None
    assert json.loads(back.sealed or b"")["steps"][0]["request"] == document["steps"][0]["inverse"]
    told = await floor.slack.until_message(
        CHANNEL, lambda m: "proposes to undo" in shown_text(m), user=OLIVIA, seconds=60, hint="she was not told"
    )
    assert draft.id in told["text"]
    # The same request once more, and a second person's click: nothing is drafted a second time, nothing was sent.
    await floor.slack.replay(pressed.delivery_id)
    await floor.slack.click(ARJUN, "undo", channel=CHANNEL, ts=ts)
    told = await floor.slack.until_message(
        CHANNEL, lambda m: "not proposed" in shown_text(m), user=ARJUN, seconds=60, hint="he was not told"
    )
    assert draft.id in told["text"]
    assert len(undoing(engine, name)) == 1
    assert len(machine.sent) == 1


async def test_the_proposal_to_undo_is_decided_by_others_like_any_other(
    floor: Floor,  # noqa: F811
    engine: Engine,
    sealed: Callable[[str], str],
    worker: Worker,
    machine: Machine,
) -> None:
    name = sealed(thread(engine))
    ts = await done(floor, name, worker)
    await floor.slack.click(OLIVIA, "undo", channel=CHANNEL, ts=ts)
    (draft,) = undoing(engine, name)
    worker.round()
    card = await floor.card(draft.id)
    assert "Undoes" in json.dumps(card)
    await floor.slack.click(OLIVIA, "approve", channel=CHANNEL, ts=card["ts"])
    await floor.slack.until_message(CHANNEL, lambda m: "not counted" in shown_text(m), user=OLIVIA, seconds=60)
    assert floor.state(draft.id) == "pending"
    await floor.slack.click(ARJUN, "approve", channel=CHANNEL, ts=card["ts"])
    await floor.becomes(draft.id, "approved")


async def test_who_may_not_ask_is_told_and_logged(
    floor: Floor,  # noqa: F811
    engine: Engine,
    sealed: Callable[[str], str],
    worker: Worker,
) -> None:
    name = sealed(thread(engine))
    ts = await done(floor, name, worker)
    await floor.slack.click(EDITH, "undo", channel=CHANNEL, ts=ts)
    told = await floor.slack.until_message(
        CHANNEL, lambda m: "not proposed" in shown_text(m), user=EDITH, seconds=60, hint="she was not told"
    )
    assert "needs one of the roles" in told["text"]
    assert undoing(engine, name) == []
    assert floor.events()[-1] == "proposal.refused"


@pytest.mark.parametrize(("user", "value", "says"), [
    (STRANGER, None, "people.toml"),
    (OLIVIA, {"proposal": "P-NOTHERE000", "digest": "0" * 64}, "no such proposal"),
    (OLIVIA, None, "nothing to undo"),
    (OLIVIA, {}, "no such proposal"),
])  # fmt: skip
def test_a_click_that_asks_for_nothing_is_told_so(
    engine: Engine, sealed: Callable[[str], str], user: str, value: dict[str, str] | None, says: str
) -> None:
    name = sealed("t-1")
    told_value = json.dumps({"proposal": name, "digest": "0" * 64} if value is None else value)
    body = {"type": "block_actions", "trigger_id": "t-9", "actions": [{"value": told_value}]}
    told = undo(engine, body=body, speaker=Speaker("T0BANK", user, CHANNEL))
    assert told is not None
    assert says in told
    assert undo(engine, body=body, speaker=Speaker("T0BANK", user, CHANNEL)) is None
    with reading(engine) as (session, _):
        assert len(session.exec(select(Proposal)).all()) == 1
        assert len(session.exec(select(Draft)).all()) == 1


def test_a_click_on_other_bytes_than_those_that_were_done_asks_for_nothing(
    engine: Engine, sealed: Callable[[str], str], worker: Worker
) -> None:
    from approvals.posted import posted
    from approvals.vote import Ballot, vote

    name = sealed("t-1")
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="test")
        digest = proposal_of(session, name).digest or ""
        ballot = Ballot(proposal_id=name, person="p-0b0b0002", choice="approve", digest=digest, via="terminal")
        assert vote(session, now=now, ballot=ballot).verdict.allowed
    for _ in range(4):
        worker.round()
    body = {
        "type": "block_actions",
        "trigger_id": "t-8",
        "actions": [{"value": json.dumps({"proposal": name, "digest": "0" * 64})}],
    }
    told = undo(engine, body=body, speaker=Speaker("T0BANK", OLIVIA, CHANNEL))
    assert told is not None
    assert "not what is stored" in told
    assert undoing(engine, name) == []
