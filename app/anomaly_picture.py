"""What is unusual as a Vega-Lite document: a panel for each event, with what the days cost, what was expected, the band
in which a day is no news, and the event itself.

Written by hand and not with Altair, which would bring Narwhals and a second of start along. Text from tags reaches the
document only as a result shows it, and stands in titles, never in an expression. Decimals stay text, exact; Vega reads
them as numbers when it draws.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tools.event_days import EventDay, EventDays
from tools.rendering import cell
from tools.result import Row, ToolResult
from tools.shown import shown

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
WIDTH, HEIGHT = 760, 170
MONTHS_FROM = 140  # days from which only the first of a month is ticked
ROUND_FROM = 20  # money a day from which cents are noise
ROOM = Decimal("1.15")  # above the highest line; a band that reaches higher is cut there

ACTUAL, EXPECTED, BAND, AGAINST = "actual", "expected", "no surprise within", "held against, a day"
EVENT, OTHER = "this event", "another event"
# Okabe and Ito's palette, which people who see few colours can tell apart; the lines differ in their dashes too.
COLOURS = {
    ACTUAL: "#0072B2",
    EXPECTED: "#444444",
    AGAINST: "#D55E00",
    BAND: "#B9CCDB",
    EVENT: "#FBEBC8",
    OTHER: "#E9E9E9",
}
DASHES = {ACTUAL: [1, 0], EXPECTED: [5, 3], AGAINST: [2, 2]}
_PLAIN = {"aria": False}  # Vega would describe marks in the time zone of the machine; the titles say the same in words

Layer = dict[str, Any]


def picture(result: ToolResult, events: Sequence[EventDays], *, only: int | None = None) -> dict[str, Any]:
    """The document of an answer's events, whose days `events` are, a row each; `only`: of this row alone, from 1."""
    rows = [
        (number, row, days)
        for number, (row, days) in enumerate(zip(result.rows, events, strict=True), start=1)
        if only in (None, number)
    ]
    legend = _legend([days for _, _, days in rows])
    drawn = [_panel(number, _titles(result, row, number), days, legend) for number, row, days in rows]
    return {
        "$schema": SCHEMA,
        "title": {
            "text": result.title,
            "subtitle": "Effective cost of usage a day, on settled days in UTC",
            "anchor": "start",
            "fontSize": 15,
            "offset": 14,
        },
        "background": "#ffffff",
        "padding": 16,
        "spacing": 26,
        "config": {"view": {"stroke": None}, "axis": {"labelFontSize": 11, "titleFontSize": 11}},
        "vconcat": drawn,
    }


def _titles(result: ToolResult, row: Row, number: int) -> list[str]:
    """Which event, its money as the answer tells it, and where most of it comes from: a line each."""
    figures = {figure.id: figure for figure in result.figures}
    said = {column: cell(row, column, figures) for column in ("actual", "expected", "excess", "driver")}
    return [
        f"{number}. {row.texts['kind'].capitalize()}: {cell(row, 'series', figures)}",
        f"{row.texts['days']}: {said['actual']}, expected {said['expected']}, {said['excess']}",
        *([f"Likely driver: {said['driver']}"] if said["driver"] else []),
    ]


def _panel(number: int, titles: Sequence[str], event: EventDays, legend: Layer) -> dict[str, Any]:
    currency = shown(event.found.incident.currency, 8)
    layers = [_spans(event), _band(), _line(ACTUAL, width=1.6), _line(EXPECTED, width=1.2)]
    if event.held_against is not None:
        layers.append(_against(event.found.event.start, event.found.event.end, event.held_against))
    for layer in layers:
        layer["encoding"]["color"] |= legend
    return {
        "name": f"event_{number}",
        "title": {
            "text": titles[0],
            "subtitle": titles[1:],
            "anchor": "start",
            "frame": "group",
            "limit": WIDTH,
            "fontSize": 12,
            "offset": 8,
        },
        "width": WIDTH,
        "height": HEIGHT,
        "data": {"values": [_value(day) for day in event.days], "format": {"parse": _READ}},
        "encoding": {"x": _days_axis(event.days), "y": _money_axis(currency, event)},
        "layer": layers,
    }


_READ = {"day": "utc:'%Y-%m-%d'", "from": "utc:'%Y-%m-%dT%H'", "until": "utc:'%Y-%m-%dT%H'"} | dict.fromkeys(
    ("actual", "expected", "low", "high", "held_against"), "number"
)


def _value(day: EventDay) -> dict[str, str | None]:
    values = {"actual": day.actual, "expected": day.expected, "low": day.low, "high": day.high}
    texts = {name: None if value is None else format(value, "f") for name, value in values.items()}
    return {"day": day.day.isoformat(), **texts}


def _days_axis(days: Sequence[EventDay]) -> Layer:
    """Days in UTC, half a day more on either side; months are named where they begin, with their year."""
    ticks = _ticks([day.day for day in days])
    named = "utcFormat(datum.value, utcdate(datum.value) == 1 ? '%b %Y' : '%-d %b')"
    axis = {"values": [_moment(day) for day in ticks], "labelExpr": named, "grid": False, "labelFlush": False}
    return {
        "field": "day",
        "type": "temporal",
        "scale": {"type": "utc", "domain": [_moment(days[0].day, -12), _moment(days[-1].day, 12)]},
        "axis": {**axis, "title": "day (UTC)"},
    }


def _ticks(days: Sequence[date]) -> list[date]:
    """The first of each month, the middle too where there is room; the first and last day of a short picture."""
    middles = len(days) < MONTHS_FROM
    ticks = [day for day in days if day.day == 1 or (day.day == 15 and middles)]
    return ticks if len(ticks) > 1 else sorted({days[0], *ticks, days[-1]})


def _moment(day: date, hours: int = 0) -> dict[str, Any]:
    """`day`, or the noon before or after it, as Vega-Lite names a moment."""
    at = datetime.combine(day, time()) + timedelta(hours=hours)
    return {"year": at.year, "month": at.month, "date": at.day, "hours": at.hour, "utc": True}


def _money_axis(currency: str, event: EventDays) -> Layer:
    lines = [value for day in event.days for value in (day.actual, day.expected) if value is not None]
    lines += [event.held_against or Decimal(0)]
    most, least = max(*lines, Decimal(0)), min(*lines, Decimal(0))
    size = max(most, -least)
    form = ",.0f" if size >= ROUND_FROM else ",.2~f" if size >= 1 else ",.2~g"
    return {
        "type": "quantitative",
        "scale": {"domain": [float(least * ROOM), float(most * ROOM) or 1.0], "nice": False},
        "axis": {"title": f"{currency} a day", "format": form, "tickCount": 5, "gridColor": "#eeeeee", "domain": False},
    }


def _legend(events: Sequence[EventDays]) -> Layer:
    """One key to all panels, of what is drawn in some."""
    absent = {AGAINST} if all(one.held_against is None for one in events) else set()
    absent |= set() if any(one.others for one in events) else {OTHER}
    drawn = {what: colour for what, colour in COLOURS.items() if what not in absent}
    shape = {"symbolType": "stroke", "symbolStrokeWidth": 5, "symbolSize": 300, "symbolOpacity": 1}
    return {
        "scale": {"domain": list(drawn), "range": list(drawn.values())},
        "legend": {"title": None, "orient": "bottom", "labelFontSize": 11, **shape},
    }


def _spans(event: EventDays) -> Layer:
    """What an event lasts, behind the lines, from the noon before it to the noon after."""
    spans = [(EVENT, event.found.event.start, event.found.event.end), *((OTHER, *other) for other in event.others)]
    first, last = event.days[0].day, event.days[-1].day
    values = [
        {"what": what, "from": _noon(max(start, first), -1), "until": _noon(min(end, last), 0)}
        for what, start, end in reversed(spans)  # the event itself above the others
        if start <= last and end >= first
    ]
    return {
        "data": {"values": values, "format": {"parse": _READ}},
        "mark": {"type": "rect", **_PLAIN},
        "encoding": {
            "x": {"field": "from", "type": "temporal"},
            "x2": {"field": "until"},
            "y": {"value": 0},
            "y2": {"value": HEIGHT},
            "color": {"field": "what", "type": "nominal"},
        },
    }


def _noon(day: date, later: int) -> str:
    return f"{day + timedelta(days=later)}T12"


def _band() -> Layer:
    return {
        "mark": {"type": "area", "opacity": 0.7, "clip": True, **_PLAIN},
        "encoding": {
            "y": {"field": "low", "type": "quantitative"},
            "y2": {"field": "high"},
            "color": {"datum": BAND},
        },
    }


def _line(what: str, *, width: float) -> Layer:
    return {
        "mark": {"type": "line", "strokeWidth": width, "strokeDash": DASHES[what], **_PLAIN},
        "encoding": {"y": {"field": what, "type": "quantitative"}, "color": {"datum": what}},
    }


def _against(start: date, end: date, amount: Decimal) -> Layer:
    """What a day of a long event was held against on average: the days before it, which the expected line forgets."""
    held = format(amount, "f")
    ends = [{"day": day.isoformat(), "held_against": held} for day in (start, end)]
    return {
        "data": {"values": ends, "format": {"parse": _READ}},
        "mark": {"type": "line", "strokeWidth": 2.2, "strokeDash": DASHES[AGAINST], **_PLAIN},
        "encoding": {"y": {"field": "held_against", "type": "quantitative"}, "color": {"datum": AGAINST}},
    }
