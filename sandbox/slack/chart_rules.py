"""The rules of a data_visualization block: line, bar, area and pie."""

from __future__ import annotations

from typing import Any

from sandbox.slack.findings import Findings
from sandbox.slack.limits import BLOCK

Json = dict[str, Any]


def check_chart(place: Findings, block: Json) -> None:
    """The title and the chart itself."""
    place.text(block, "title", BLOCK.chart_title, required=True, least=1)
    chart = block.get("chart")
    spot = place.at("chart")
    if not isinstance(chart, dict):
        spot.add("", "missing required field: chart", code="missing_field")
    elif spot.one_of(chart, "type", ("line", "bar", "area", "pie")):
        if chart["type"] == "pie":
            _pie(spot, chart)
        else:
            _series(spot, chart)


def _pie(place: Findings, chart: Json) -> None:
    for index, segment in enumerate(place.items(chart, "segments", BLOCK.chart_segments)):
        spot = place.at("segments").at(str(index))
        _point(spot, segment)
        if isinstance(segment, dict) and _is_number(segment.get("value")) and segment["value"] <= 0:
            spot.add("/value", "must be more than 0")


def _series(place: Findings, chart: Json) -> None:
    categories = _categories(place, chart)
    names: set[str] = set()
    for index, one in enumerate(place.items(chart, "series", BLOCK.chart_series)):
        spot = place.at("series").at(str(index))
        if not isinstance(one, dict):
            spot.add("", "must be an object", code="invalid_type")
            continue
        spot.text(one, "name", BLOCK.chart_label, required=True, least=1)
        if str(one.get("name")) in names:
            spot.add("/name", "must be unique among the series", code="duplicate")
        names.add(str(one.get("name")))
        points = spot.items(one, "data", BLOCK.chart_points)
        for number, point in enumerate(points):
            _point(spot.at("data").at(str(number)), point)
        labels = [str(point.get("label")) for point in points if isinstance(point, dict)]
        if categories and sorted(labels) != sorted(categories):
            spot.add("/data", "must have one point for each of axis_config.categories")


def _categories(place: Findings, chart: Json) -> list[str]:
    axis = chart.get("axis_config")
    if not isinstance(axis, dict):
        place.add("/axis_config", "missing required field: axis_config", code="missing_field")
        return []
    spot = place.at("axis_config")
    spot.text(axis, "x_label", BLOCK.chart_axis_label)
    spot.text(axis, "y_label", BLOCK.chart_axis_label)
    categories = spot.items(axis, "categories", BLOCK.chart_points)
    for index, category in enumerate(categories):
        spot.at("categories").text({str(index): category}, str(index), BLOCK.chart_label, required=True, least=1)
    if len({str(one) for one in categories}) != len(categories):
        spot.add("/categories", "must be unique", code="duplicate")
    return [str(one) for one in categories]


def _point(place: Findings, point: Any) -> None:
    if not isinstance(point, dict):
        place.add("", "must be an object", code="invalid_type")
        return
    place.text(point, "label", BLOCK.chart_label, required=True, least=1)
    if not _is_number(point.get("value")):
        place.add("/value", "must be a number", code="invalid_type")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
