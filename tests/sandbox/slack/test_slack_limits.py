"""Slack's limits, one line each: what is still accepted, and where the refusal of one more points."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError

from sandbox.slack.limits import AS_OF, BLOCK, MESSAGE
from sandbox.slack.trial import Desk
from sandbox.slack.validation import findings_in_message, findings_in_view

Json = dict[str, Any]


def plain(length: int) -> Json:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int) -> Json:
    return {"type": "mrkdwn", "text": "x" * length}


def button(**more: Any) -> Json:
    return {"type": "button", "text": plain(3), **more}


def options(count: int) -> list[Json]:
    return [{"text": plain(3), "value": str(number)} for number in range(count)]


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def rows(count: int, columns: int = 2, length: int = 1) -> list[list[Json]]:
    return [[{"type": "raw_text", "text": "x" * length}] * columns for _ in range(count)]


def line(series: int = 1, points: int = 2, label: int = 3) -> Json:
    names = [f"{number:0{label}}" for number in range(points)]
    data = [{"label": name, "value": 1} for name in names]
    return {
        "type": "data_visualization",
        "title": "t",
        "chart": {
            "type": "line",
            "series": [{"name": f"s{number}", "data": data} for number in range(series)],
            "axis_config": {"categories": names},
        },
    }


def pie(segments: int, value: float = 1) -> Json:
    chart = {"type": "pie", "segments": [{"label": f"s{n}", "value": value} for n in range(segments)]}
    return {"type": "data_visualization", "title": "t", "chart": chart}


def container(*children: Json) -> Json:
    return {"type": "container", "title": plain(3), "child_blocks": list(children)}


def data_table(count: int, **more: Any) -> Json:
    return {"type": "data_table", "caption": "c", "rows": rows(count, length=1), **more}


# (what it is, the largest that passes, one more, where the refusal points)
LIMITS: list[tuple[str, Json, Json, str]] = [
    (
        "a section's text",
        {"type": "section", "text": mrkdwn(3000)},
        {"type": "section", "text": mrkdwn(3001)},
        "/text/text",
    ),
    (
        "a section's fields",
        {"type": "section", "fields": [mrkdwn(1)] * 10},
        {"type": "section", "fields": [mrkdwn(1)] * 11},
        "/fields",
    ),
    (
        "a field's text",
        {"type": "section", "fields": [mrkdwn(2000)]},
        {"type": "section", "fields": [mrkdwn(2001)]},
        "/fields/0/text",
    ),
    ("a header", {"type": "header", "text": plain(150)}, {"type": "header", "text": plain(151)}, "/text/text"),
    (
        "a context's elements",
        {"type": "context", "elements": [mrkdwn(1)] * 10},
        {"type": "context", "elements": [mrkdwn(1)] * 11},
        "/elements",
    ),
    ("an actions block", actions(*[button()] * 25), actions(*[button()] * 26), "/elements"),
    ("a button's text", actions(button(text=plain(75))), actions(button(text=plain(76))), "/elements/0/text/text"),
    ("a button's value", actions(button(value="x" * 2000)), actions(button(value="x" * 2001)), "/elements/0/value"),
    ("a button's url", actions(button(url="x" * 3000)), actions(button(url="x" * 3001)), "/elements/0/url"),
    (
        "an accessibility label",
        actions(button(accessibility_label="x" * 75)),
        actions(button(accessibility_label="x" * 76)),
        "/elements/0/accessibility_label",
    ),
    (
        "a button's style",
        actions(button(style="danger")),
        actions(button(style="green")),
        "/elements/0/style",
    ),
    (
        "an overflow menu",
        actions({"type": "overflow", "options": options(5)}),
        actions({"type": "overflow", "options": options(6)}),
        "/elements/0/options",
    ),
    (
        "a select's options",
        actions({"type": "static_select", "options": options(100)}),
        actions({"type": "static_select", "options": options(101)}),
        "/elements/0/options",
    ),
    (
        "checkboxes",
        actions({"type": "checkboxes", "options": options(10)}),
        actions({"type": "checkboxes", "options": options(11)}),
        "/elements/0/options",
    ),
    (
        "a confirm dialog's text",
        actions(button(confirm={"title": plain(100), "text": mrkdwn(300), "confirm": plain(30), "deny": plain(30)})),
        actions(button(confirm={"title": plain(100), "text": mrkdwn(301), "confirm": plain(30), "deny": plain(30)})),
        "/elements/0/confirm/text/text",
    ),
    (
        "an image's alt text",
        {"type": "image", "image_url": "http://127.0.0.1/a.png", "alt_text": "x" * 2000},
        {"type": "image", "image_url": "http://127.0.0.1/a.png", "alt_text": "x" * 2001},
        "/alt_text",
    ),
    ("a block_id", {"type": "divider", "block_id": "x" * 255}, {"type": "divider", "block_id": "x" * 256}, "/block_id"),
    ("a table's columns", {"type": "table", "rows": rows(2, 20)}, {"type": "table", "rows": rows(2, 21)}, "/rows/0"),
    ("a table's rows", {"type": "table", "rows": rows(100)}, {"type": "table", "rows": rows(101)}, "/rows"),
    ("a data table's rows", data_table(101), data_table(102), "/rows"),
    ("a data table's fewest rows", data_table(2), data_table(1), "/rows"),
    ("a data table's page", data_table(2, page_size=100), data_table(2, page_size=101), "/page_size"),
    (
        "a data table's row header",
        data_table(2, row_header_column_index=1),
        data_table(2, row_header_column_index=2),
        "/row_header_column_index",
    ),
    ("a chart's series", line(series=6), line(series=7), "/chart/series"),
    ("a chart's points", line(points=20), line(points=21), "/chart/axis_config/categories"),
    ("a chart's labels", line(label=20), line(label=21), "/chart/axis_config/categories/0"),
    ("a pie's segments", pie(6), pie(7), "/chart/segments"),
    ("a segment's value", pie(1, 0.01), pie(1, 0), "/chart/segments/0/value"),
    ("a card's body", {"type": "card", "body": mrkdwn(200)}, {"type": "card", "body": mrkdwn(201)}, "/body/text"),
    (
        "a card's actions",
        {"type": "card", "title": plain(1), "actions": [button()] * 3},
        {"type": "card", "title": plain(1), "actions": [button()] * 4},
        "/actions",
    ),
    (
        "a container's children",
        container(*[{"type": "divider"}] * 10),
        container(*[{"type": "divider"}] * 11),
        "/child_blocks",
    ),
    (
        "what a container may hold",
        container({"type": "table", "rows": rows(2)}),
        container(data_table(2)),
        "/child_blocks/0/type",
    ),
    ("markdown", {"type": "markdown", "text": "x" * 12_000}, {"type": "markdown", "text": "x" * 12_001}, "/text"),
]


@pytest.mark.parametrize(("what", "largest", "one_more", "pointer"), LIMITS, ids=[line[0] for line in LIMITS])
def test_a_limit_is_met_and_one_more_is_refused(what: str, largest: Json, one_more: Json, pointer: str) -> None:
    assert findings_in_message([largest]) == [], f"{what} at its limit"
    assert f"/blocks/0{pointer}" in [one.pointer for one in findings_in_message([one_more])], f"{what} beyond it"


@pytest.mark.parametrize(
    ("blocks", "pointer"),
    [
        ([{"type": "divider"}] * (MESSAGE.blocks + 1), "/blocks"),
        ([line(), line(), line()], "/blocks"),
        ([{"type": "alert", "text": plain(3)}], "/blocks/0/type"),
        ([{"type": "carrousel"}], "/blocks/0/type"),
        ([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}], "/blocks/1/block_id"),
        ([{"type": "section"}], "/blocks/0"),
        ([{"type": "section", "text": {"type": "markdown", "text": "x"}}], "/blocks/0/text/type"),
        ([{"type": "table", "rows": [*rows(1, 2), *rows(1, 3)]}], "/blocks/0/rows/1"),
        ([actions(button(action_id="a"), button(action_id="a"))], "/blocks/0/elements/1/action_id"),
        ([{"type": "input", "label": plain(1), "element": button()}], "/blocks/0/element/type"),
        ([None], "/blocks/0"),
        ("no list", "/blocks"),
    ],
)
def test_what_is_refused_points_to_where_it_is_wrong(blocks: Any, pointer: str) -> None:
    assert pointer in [one.pointer for one in findings_in_message(blocks)]


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        ({"type": "modal", "title": plain(25), "blocks": []}, "/view/title/text"),
        ({"type": "modal", "blocks": []}, "/view/title"),
        (
            {
                "type": "modal",
                "title": plain(3),
                "blocks": [{"type": "input", "label": plain(1), "element": {"type": "plain_text_input"}}],
            },
            "/view/submit",
        ),
        ({"type": "modal", "title": plain(3), "blocks": [], "private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"type": "home", "blocks": [{"type": "divider"}] * 101}, "/view/blocks"),
        ({"type": "home", "blocks": [line()]}, "/view/blocks/0/type"),
        ({"type": "modal", "title": plain(3), "blocks": [data_table(2)]}, "/view/blocks/0/type"),
        ({"type": "window", "blocks": []}, "/view/type"),
    ],
)
def test_what_is_wrong_with_a_view(view: Json, pointer: str) -> None:
    assert pointer in [one.pointer for one in findings_in_view(view)]


async def test_posting_and_validating_judge_alike(desk: Desk) -> None:
    bad = [{"type": "header", "text": plain(151)}]
    with pytest.raises(SlackApiError) as posted:
        await desk.client.chat_postMessage(channel="C0AIOPS", text="x", blocks=bad)
    with pytest.raises(SlackApiError) as tried:
        await desk.client.blocks_validate(blocks=bad)

    assert posted.value.response["error"] == tried.value.response["error"] == "invalid_blocks"
    said = posted.value.response["response_metadata"]["messages"]
    assert said == ["[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"]
    assert tried.value.response["errors"][0]["pointer"] == "/blocks/0/text/text"
    assert await desk.driver.messages("#ai-costs") == []
    assert (await desk.client.blocks_validate(blocks=[{"type": "divider"}]))["ok"]


async def test_all_text_of_a_message_together_has_a_limit(desk: Desk) -> None:
    blocks = [{"type": "section", "text": mrkdwn(3000)}] * 5
    with pytest.raises(SlackApiError, match="msg_blocks_too_long"):
        await desk.client.chat_postMessage(channel="C0AIOPS", text="x", blocks=blocks)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "elements", "rows", "blocks", "child_blocks", "chart", "options", "element"]
            ),
            inner
            | st.sampled_from(["section", "actions", "container", "table", "button", "line", "data_visualization"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_json_at_all_breaks_the_judgement(value: Any) -> None:
    for found in [*findings_in_message(value), *findings_in_message([value]), *findings_in_view(value)]:
        assert found.pointer == "" or found.pointer.startswith("/")


def test_the_limits_say_when_they_were_true() -> None:
    assert AS_OF == "2026-11"
    assert BLOCK.chart_series == 6, "the lower number of those that Slack's documents give"
