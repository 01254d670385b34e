"""An answer's figures as a chart and a table: the same data three times, valid, and text where blocks are refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.database import writing
from app.inbox import conversation
from app.slack.answer_data import as_lines, data_blocks
from app.slack.answers import answer_blocks
from app.turns import StoredAnswer
from sandbox.slack.driver import buttons, shown_text
from sandbox.slack.validation import findings_in_message
from tests.app.slack.test_clicks_and_messages import OLIVIA, Floor


def figure(row: int, label: str, value: str, **more: str) -> dict[str, Any]:
    made = {"id": f"q1.r{row}.effective", "label": label, "value": value, "unit": "USD", "period": "October 2026"}
    return made | {"display": f"${value}"} | more


BODY = {
    "answer": "AI cost **$1200.00** in October 2026.",
    "tools": ["query_spend"],
    "model": "offline",
    "figures": [figure(n, f"team-{n}: effective cost", f"{n}00.00") for n in range(1, 6)],
}


def test_a_chart_and_a_table_say_what_the_text_says() -> None:
    chart, table = data_blocks(BODY)
    points = chart["chart"]["series"][0]["data"]
    assert [(point["label"], point["value"]) for point in points][:2] == [("team-1", 100.0), ("team-2", 200.0)]
    assert [cell["text"] for cell in table["rows"][1]] == ["team-1: effective cost", "October 2026", "$100.00"]
    assert as_lines(BODY).splitlines()[0].split() == ["team-1:", "effective", "cost", "$100.00", "(October", "2026)"]


@pytest.mark.parametrize(
    ("labels", "bars"),
    [
        (("Effective cost, team fraud", "Effective cost, team risk"), ["fraud", "risk"]),
        (("Saving a month by stopping gpu-a", "Saving a month by stopping gpu-b"), ["gpu-a", "gpu-b"]),
    ],
    ids=["what all are of ends in a comma", "a phrase"],
)
def test_bars_are_named_by_what_tells_them_apart_and_a_total_is_no_bar(
    labels: tuple[str, ...], bars: list[str]
) -> None:
    total = figure(1, "Total effective cost", "300") | {"id": "q1.t1.effective"}
    parts = [figure(at, label, f"{at}00") for at, label in enumerate(labels, start=1)]
    chart = data_blocks({**BODY, "figures": [total, *parts]})[0]
    assert chart["chart"]["axis_config"]["categories"] == bars


def test_one_figure_is_a_sentence() -> None:
    assert data_blocks({**BODY, "figures": BODY["figures"][:1]}) == []


def test_figures_of_different_kinds_are_not_compared_in_one_chart() -> None:
    mixed = [figure(1, "a", "1"), figure(2, "b", "2", unit="%"), figure(3, "c", "3", unit="hours")]
    assert [block["type"] for block in data_blocks({**BODY, "figures": mixed})] == ["data_table"]


texts = st.text(max_size=60)


@settings(max_examples=60)
@given(labels=st.lists(st.tuples(texts, texts), max_size=130), native=st.booleans())
def test_no_answer_with_figures_breaks_slacks_limits(labels: list[tuple[str, str]], native: bool) -> None:
    figures = [figure(n, label, "1.5", period=period, display=label) for n, (label, period) in enumerate(labels)]
    _, blocks = answer_blocks({**BODY, "figures": figures}, native=native, thread="t-1")
    assert findings_in_message(blocks) == []


@pytest.fixture
async def asked(floor: Floor, engine: Engine) -> Floor:
    """Olivia has asked, in her conversation with the app."""
    said = await floor.slack.say(OLIVIA, "@app", "hello")
    with writing(engine) as (session, now):
        place = conversation(
            session, surface="slack", team="T0BANK", channel="D0OLIVIA", thread_ts=said.ts, private=True
        )
        session.add(StoredAnswer(turn="m:1", thread=place.thread, body=BODY, answered_at=now))
    return floor


async def test_the_buttons_under_an_answer_ask_on_in_its_conversation(asked: Floor, engine: Engine) -> None:
    from sqlmodel import select

    from app.database import reading
    from app.inbox import Message

    answer = await asked.slack.until_message("@app", lambda m: "ask_on_why" in buttons(m), user=OLIVIA, seconds=60)
    assert "data_table" in json.dumps(answer)
    pressed = await asked.slack.click(OLIVIA, "ask_on_service", channel="D0OLIVIA", ts=answer["ts"])
    assert pressed.acknowledged
    await asked.slack.replay(pressed.delivery_id)
    with reading(engine) as (session, _):
        found = session.exec(select(Message)).all()
    assert len({message.thread for message in found}) == 1
    assert len(found) == 2


async def test_where_blocks_are_refused_the_data_is_text(floor: Floor, engine: Engine) -> None:
    # The app posts more than answers by itself; what is to be refused is the answer's table.
    fault = {"fault": "error", "error": "invalid_blocks", "method": "chat.postMessage", "having": "data_table"}
    await floor.slack.faults(fault)
    said = await floor.slack.say(OLIVIA, "@app", "hello")
    with writing(engine) as (session, now):
        place = conversation(
            session, surface="slack", team="T0BANK", channel="D0OLIVIA", thread_ts=said.ts, private=True
        )
        session.add(StoredAnswer(turn="m:1", thread=place.thread, body=BODY, answered_at=now))
    answer = await floor.slack.until_message("@app", lambda m: "team-5" in shown_text(m), user=OLIVIA, seconds=60)
    assert "data_table" not in json.dumps(answer)
    assert "team-1: effective cost  $100.00" in shown_text(answer)


def test_bars_are_named_by_what_tells_them_apart() -> None:
    figures = [figure(n, f"Effective cost, team {name}", f"{n}.00") for n, name in enumerate(("fraud", "frogs"), 1)]
    chart = data_blocks({**BODY, "figures": figures})[0]
    assert chart["chart"]["axis_config"]["categories"] == ["fraud", "frogs"]
    assert chart["title"] == "Effective cost, October 2026"
    same = [figure(n, "Effective cost, team fraud", f"{n}.00") for n in (1, 2)]
    assert len(set(data_blocks({**BODY, "figures": same})[0]["chart"]["axis_config"]["categories"])) == 2
