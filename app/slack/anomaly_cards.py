"""What is unusual, as Slack blocks: one message for the owner of some events, a pure function of their stored rows.

Each event says how much it cost beyond what was expected, since when, and what people have said of it since; then come
the buttons. Names come from a bill: they are data, escaped and made visible. What a mark says is shown, but never why:
the reason is a private text of whoever wrote it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from app.anomaly_rows import BURST, OPEN, Anomaly
from app.slack.cards import data, mention
from approvals.person import People
from lake.question import UNTAGGED
from tools.detection.marks import Mark, MarkKind
from tools.periods import spoken_day
from tools.result import display
from tools.shown import shown, unpriced

Block = dict[str, Any]
MOST_EVENTS = 8
LONGEST_NAME = 120
INVESTIGATE, SAY, MORE = "anomaly_investigate", "anomaly_say", "anomaly_more"
BUTTONS = {MarkKind.ACKNOWLEDGED: "Acknowledge", MarkKind.SNOOZED: "Snooze"}
MENU = {MarkKind.NOT_AN_ANOMALY: "Not an anomaly", MarkKind.PLANNED: "Planned"}
SAID = {
    MarkKind.ACKNOWLEDGED: "acknowledged",
    MarkKind.SNOOZED: "snoozed",
    MarkKind.NOT_AN_ANOMALY: "called no anomaly",
    MarkKind.PLANNED: "called planned",
}
PLAIN = re.compile(r"[\w][\w .:/@+-]*")
"""Names that can stand in a question as they are; any other is left out of it."""
MOST_WORDS, MOST_WORDS_OF_SERVICES = 3, 5
"""Whoever tags a machine names a team in a sentence if they like; how a service is called its provider says."""
SENTENCE = re.compile(r"[.:]\s")


class Proposed(NamedTuple):
    """Where a proposal stands that a scan drafted for an event."""

    id: str
    title: str
    words: str


@dataclass(frozen=True)
class Told:
    """What one message tells: whose events (empty: wider than one team), what was said last of each, and what was
    proposed for it."""

    owner: str
    events: Sequence[Anomaly]
    said: Mapping[str, Mark]
    proposed: Mapping[str, Proposed] = field(default_factory=dict)


def anomaly_blocks(told: Told, *, people: People, team: str) -> tuple[str, list[Block]]:
    """The fallback text and the blocks."""
    count = len(told.events)
    title = f"{_whose(told.owner)}: {count} event{'' if count == 1 else 's'}"
    blocks: list[Block] = [{"type": "header", "text": {"type": "plain_text", "text": title[:150]}}]
    for row in told.events[:MOST_EVENTS]:
        blocks.append(_section(_event(row)))
        mark = told.said.get(row.id)
        line = [f"`{row.id}`", _state(row), *([_mark(mark, people, team)] if mark else [])]
        blocks.append(_context(" · ".join(line)))
        if asked := told.proposed.get(row.id):
            blocks.append(_context(f"Proposed by a rule: `{asked.id}`, {data(asked.title)} · {asked.words}"))
        blocks.append(_buttons(row))
    if count > MOST_EVENTS:
        blocks.append(_section(f"… and {count - MOST_EVENTS} more: `spendgate anomalies stored` lists them."))
    first = told.events[0]
    whose = data(_whose(told.owner))
    return f"{whose}: {_amount(first)} beyond what was expected, {data(series(first))}", blocks


def _whose(owner: str) -> str:
    if owner == UNTAGGED:
        return "Unusual cost without a team"
    return f"Unusual cost of {_cut(owner)}" if owner else "Unusual cost"


def series(row: Anomaly) -> str:
    """`team fraud, Amazon Bedrock`, for people; names at most so long."""
    names = [f"{'team ' if key == 'team' else ''}{_cut(value)}" for key, value in _ordered(row)]
    return ", ".join(names) or "the whole bill"


def question(row: Anomaly) -> str:
    """What is asked where somebody wants to know why, in words that name the event's series and its days.

    A name that is no plain one is left out: it would stand in what a person asks, where names of a bill give no orders
    and state no amounts, since an answer may repeat an amount that the question holds.
    """
    known = [f"{key.replace('_', ' ')} {value}" for key, value in _ordered(row) if _is_plain(key, value)]
    of = "the cost" if known else "the total cost"
    if dict(row.names).get("team") == UNTAGGED:
        of = "the untagged cost"  # how a question says it; the name itself is no plain word
    if known:
        of += f" of {' '.join(known)}"
    days = row.started if row.started == row.last_day else f"{row.started} to {row.last_day}"
    return f"Why did {of} change {'on' if row.started == row.last_day else 'from'} {days}?"


def _is_plain(key: str, value: str) -> bool:
    if len(value) > LONGEST_NAME or PLAIN.fullmatch(value) is None or SENTENCE.search(value):
        return False
    most = MOST_WORDS_OF_SERVICES if key == "service" else MOST_WORDS
    words = re.split(r"[\s_/@+-]+", value)
    return len(value.split()) <= most and unpriced(" ".join(words)) == " ".join(words)


def _ordered(row: Anomaly) -> list[tuple[str, str]]:
    """From the widest to the narrowest, as people say it."""
    order = ("team", "service", "model", "api_key", "resource")
    return sorted(row.names, key=lambda one: (order.index(one[0]) if one[0] in order else len(order), one[0]))


def _cut(value: str) -> str:
    return shown(value, LONGEST_NAME)


def _event(row: Anomaly) -> str:
    """Figures as they are stored; a burst says that it is an estimate."""
    told = f"*{data(series(row))}*\n*{_amount(row)}* beyond the expected {_money(row.expected, row)}"
    since = f"{row.kind}, {_hours(row)}" if row.kind == BURST else f"{row.kind}, {_days(row)}"
    estimated = "\n_Estimated from usage; the bill will tell._" if row.kind == BURST else ""
    return f"{told} (cost {_money(row.actual, row)})\n{since}{estimated}"


def _amount(row: Anomaly) -> str:
    return display(Decimal(row.excess), row.currency, signed=True)


def _money(amount: str, row: Anomaly) -> str:
    return display(Decimal(amount), row.currency)


def _days(row: Anomaly) -> str:
    first = spoken_day(date.fromisoformat(row.started))
    if row.started == row.last_day:
        return first
    return f"{first} to {spoken_day(date.fromisoformat(row.last_day))}"


def _hours(row: Anomaly) -> str:
    first, last = (datetime.fromisoformat(one) for one in (row.first_hour or "", row.last_hour or ""))
    return f"{spoken_day(first.date())}, {first:%H:%M} to {spoken_day(last.date())}, {last:%H:%M} UTC"


def _state(row: Anomaly) -> str:
    return "still open" if row.state == OPEN else "over"


def _mark(mark: Mark, people: People, team: str) -> str:
    until = f" until {spoken_day(mark.until)}" if mark.until else ""
    since = f" from {spoken_day(mark.first)}" if mark.first else ""
    return f"{SAID[mark.kind]} by {mention(mark.person, people, team)}{since}{until}"


def _buttons(row: Anomaly) -> Block:
    menu = [{"text": _plain(f"{text}…"), "value": _value(row, kind)} for kind, text in MENU.items()]
    return {
        "type": "actions",
        "block_id": f"anomaly-{row.id}",
        "elements": [
            {
                "type": "button",
                "action_id": INVESTIGATE,
                "text": _plain("Investigate"),
                "value": _value(row),
                "accessibility_label": "Ask in this thread why it changed",
            },
            *(
                {"type": "button", "action_id": f"{SAY}_{kind.name.lower()}", "text": _plain(f"{text}…"),
                 "value": _value(row, kind)}
                for kind, text in BUTTONS.items()
            ),
            {"type": "overflow", "action_id": MORE, "options": menu},
        ],
    }  # fmt: skip


def _value(row: Anomaly, kind: MarkKind | None = None) -> str:
    return json.dumps({"anomaly": row.id, **({"is": kind.name.lower()} if kind else {})})


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text[:3000]}]}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
