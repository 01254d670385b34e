"""An answer's figures as Slack's own chart and table, with the same data as text for whoever sees neither.

Nothing is computed here: a cell shows a figure's display as the tool gave it, and a bar's height is the figure's value,
rounded by nothing but the number type that Slack takes.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import takewhile
from typing import Any

from tools.shown import shown

Block = dict[str, Any]
MOST_ROWS, MOST_BARS, LABEL, TITLE, CAPTION, CELL = 100, 20, 20, 50, 300, 200
TOTAL = "t"
"""How the address of a total's row begins (`q1.t1.effective`)."""
PHRASE = 4
"""So many words say what is measured, not whose it is."""
LEAST = 2
"""One figure is a sentence, not a table."""
TABLE_TEXT = 9_000
"""Of the 10,000 characters that all tables of a message may have."""


def data_blocks(body: dict[str, Any]) -> list[Block]:
    """A chart where figures of one kind can be compared, and a table of all figures; nothing for fewer than two."""
    figures = [one for one in body.get("figures", ()) if isinstance(one, dict) and one.get("display")]
    if len(figures) < LEAST:
        return []
    return [*_chart(figures), *_table(figures)]


def as_lines(body: dict[str, Any]) -> str:
    """The same data as aligned text, for a workspace that does not take the blocks."""
    rows = [(_name(one), str(one.get("period", "")), str(one["display"])) for one in body.get("figures", ())]
    wide = max((len(name) for name, _, _ in rows), default=0)
    return "\n".join(f"{name.ljust(wide)}  {figure}  ({period})" for name, period, figure in rows[:MOST_ROWS])


def _chart(figures: Sequence[Block]) -> list[Block]:
    """Bars of the largest group of figures that have column, unit and period in common. A total is none of them: it
    would stand beside its own parts."""
    groups: dict[tuple[str, str, str, str], list[Block]] = {}
    for one in figures:
        query, row, column = _address(one)
        if row.startswith(TOTAL):
            continue
        groups.setdefault((query, column, str(one.get("unit")), str(one.get("period"))), []).append(one)
    if not groups:
        return []
    (_, column, unit, period), group = max(groups.items(), key=lambda item: len(item[1]))
    labels = _labels(group[:MOST_BARS])
    if len(labels) < LEAST or len(set(labels)) < len(labels):
        return []
    points = [
        {"label": label, "value": float(Decimal(str(one["value"])))} for label, one in zip(labels, group, strict=False)
    ]
    axis = {"categories": labels, "x_label": shown(_what(group, column), TITLE), "y_label": shown(unit, TITLE)}
    series = [{"name": shown(_what(group, column), LABEL), "data": points}]
    title = shown(f"{_what(group, column)}, {period}", TITLE)
    chart = {"type": "bar", "series": series, "axis_config": axis}
    return [{"type": "data_visualization", "title": title, "chart": chart}]


def _table(figures: Sequence[Block]) -> list[Block]:
    rows = [[_cell("What"), _cell("Period"), _cell("Figure")]]
    used = 0
    for one in figures[:MOST_ROWS]:
        told = [shown(_name(one), CELL), shown(str(one.get("period", "")), CELL), shown(str(one["display"]), CELL)]
        used += sum(map(len, told))
        if used > TABLE_TEXT:
            break
        rows.append([_cell(text) for text in told])
    if len(rows) <= LEAST:
        return []
    left = len(figures) - (len(rows) - 1)
    caption = "The figures of this answer" + (f"; {left} more are not shown" if left else "")
    table = {"type": "data_table", "caption": caption, "rows": rows, "page_size": 10, "row_header_column_index": 0}
    return [table]


def _cell(text: str) -> Block:
    return {"type": "raw_text", "text": text}


def _address(figure: Block) -> tuple[str, str, str]:
    """Query, row and column of a figure's address (`q1.r3.effective`)."""
    parts = str(figure.get("id", "")).split(".")
    return (parts[0], parts[1], parts[-1]) if len(parts) >= 3 else (parts[0], "", "figure")


def _name(figure: Block) -> str:
    return str(figure.get("label", "")) or "figure"


def _what(group: Sequence[Block], column: str) -> str:
    """What the bars are of: what all labels say after their colon or before what tells them apart, or else the
    column's name."""
    tails = {_name(one).partition(":")[2].strip() for one in group}
    tail = tails.pop() if len(tails) == 1 else ""
    stem, comma, _ = _alike([_name(one) for one in group]).rpartition(", ")
    told = tail or (stem if comma else "") or column.replace("_", " ")
    return told[:1].upper() + told[1:]


def _alike(names: Sequence[str]) -> str:
    """Whole words with which all of several names begin, where one of them ends in a comma or they are a phrase of
    their own (`Saving a month by stopping …`); empty otherwise."""
    words = zip(*(name.split(" ") for name in names), strict=False)
    same = [at[0] for at in takewhile(lambda at: len(set(at)) == 1, words)]
    start = "".join(f"{word} " for word in same)
    return start if len(names) > 1 and (", " in start or len(same) >= PHRASE) else ""


def _labels(group: Sequence[Block]) -> list[str]:
    """What tells the bars apart: each label without what all begin with (`Effective cost, team …`), or up to its colon,
    cut to what an axis takes."""
    names = [_name(one) for one in group]
    ends = [shown(name[len(_alike(names)) :], LABEL) for name in names]
    if _alike(names) and all(name[len(_alike(names)) :].strip() for name in names) and len(set(ends)) == len(ends):
        return ends
    heads = [shown(_name(one).split(":")[0].strip(), LABEL) for one in group]
    if len(set(heads)) == len(heads):
        return heads
    return [f"{number}. {shown(_name(one), LABEL - 4)}"[:LABEL] for number, one in enumerate(group, start=1)]
