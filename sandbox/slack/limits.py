"""Slack's limits on messages, blocks and views, as known in November 2026.

Slack moved several of them during 2026; where its documentation, its SDK and its validator disagreed, the lower number
stands here, so that what passes the sandbox passes Slack. Change a number here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

AS_OF = "2026-11"


@dataclass(frozen=True)
class MessageLimits:
    """One message."""

    blocks: int = 50
    post_text: int = 40_000
    update_text: int = 4_000
    all_block_text: int = 13_000
    markdown_text: int = 12_000
    table_text: int = 10_000
    charts: int = 2
    tables: int = 1
    metadata: int = 8_000


@dataclass(frozen=True)
class ViewLimits:
    """One modal or App Home."""

    blocks: int = 100
    title: int = 24
    submit: int = 24
    close: int = 24
    private_metadata: int = 3_000
    callback_id: int = 255
    external_id: int = 255
    stack: int = 3


@dataclass(frozen=True)
class BlockLimits:
    """Each block; text lengths in characters."""

    block_id: int = 255
    section_text: int = 3_000
    section_fields: int = 10
    section_field: int = 2_000
    header: int = 150
    context_elements: int = 10
    context_text: int = 3_000
    context_actions: int = 5
    actions: int = 25
    image_url: int = 3_000
    alt_text: int = 2_000
    image_title: int = 2_000
    input_label: int = 2_000
    input_hint: int = 2_000
    card_title: int = 150
    card_subtitle: int = 150
    card_body: int = 200
    card_subtext: int = 200
    card_actions: int = 3
    carousel: int = 10
    container_title: int = 150
    container_children: int = 10
    alert_text: int = 200
    plan_tasks: int = 50
    table_rows: int = 100
    table_columns: int = 20
    data_table_rows: int = 101
    data_table_columns: int = 20
    page_size: int = 100
    chart_title: int = 50
    chart_series: int = 6
    chart_segments: int = 6
    chart_points: int = 20
    chart_label: int = 20
    chart_axis_label: int = 50


@dataclass(frozen=True)
class ElementLimits:
    """What can be pressed or filled in."""

    action_id: int = 255
    button_text: int = 75
    button_value: int = 2_000
    button_url: int = 3_000
    accessibility_label: int = 75
    confirm_title: int = 100
    confirm_text: int = 300
    confirm_button: int = 30
    overflow_options: int = 5
    select_options: int = 100
    option_text: int = 75
    option_value: int = 150
    choices: int = 10
    placeholder: int = 150
    text_input: int = 3_000
    feedback_text: int = 75


@dataclass(frozen=True)
class AssistantLimits:
    """Statuses, prompts and sessions of the agent's conversation."""

    prompts: int = 4
    session_title: int = 200


@dataclass(frozen=True)
class StreamLimits:
    """One chunk of a streaming message: its title, and each of its texts."""

    field: int = 256


MESSAGE = MessageLimits()
STREAM = StreamLimits()
VIEW = ViewLimits()
BLOCK = BlockLimits()
ELEMENT = ElementLimits()
ASSISTANT = AssistantLimits()

# Where each block may stand. A chart in App Home is disputed between sources: treated as not allowed.
_EVERYWHERE = frozenset({"message", "modal", "home"})
SURFACES: dict[str, frozenset[str]] = {
    "section": _EVERYWHERE,
    "header": _EVERYWHERE,
    "context": _EVERYWHERE,
    "context_actions": frozenset({"message"}),
    "actions": _EVERYWHERE,
    "divider": _EVERYWHERE,
    "image": _EVERYWHERE,
    "input": _EVERYWHERE,
    "markdown": frozenset({"message"}),
    "rich_text": _EVERYWHERE,
    "table": frozenset({"message", "home"}),
    "data_table": frozenset({"message", "home"}),
    "data_visualization": frozenset({"message"}),
    "card": _EVERYWHERE,
    "carousel": frozenset({"message", "home"}),
    "container": frozenset({"message", "home"}),
    "alert": frozenset({"modal"}),
    "plan": frozenset({"message"}),
    "task_card": frozenset({"message"}),
}
CONTAINER_CHILDREN = frozenset(
    {"actions", "context", "divider", "header", "image", "input", "rich_text", "section", "table"}
)
