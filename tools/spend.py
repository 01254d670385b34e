"""What was spent: sums of the bill by any dimension, over any days, alone or against another period.

No charges is told as no data and never as a cost of zero; a period that is not over, or not yet billed, is said to be
so beside the figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from lake.engine import Answered, Unknown, reaches_back
from lake.engine import Row as LakeRow
from lake.errors import LakeError
from lake.expressions import UNKNOWN
from lake.question import MAX_ROWS, METRIC_COLUMNS, RATIOS, TIME_DIMENSIONS, Question
from tools.asked import Asked, NotUnderstoodError, Where, asked, problem_of
from tools.desk import Desk, failed
from tools.detection.contributions import EXACT, ZERO, add, percent, percent_change
from tools.periods import spoken, spoken_day
from tools.result import Row, ToolResult, display
from tools.sheet import Sheet, source_states
from tools.shown import shown
from tools.wording import METRICS, heading, label

TOOL = "query_spend"
SHOWN_ROWS = 20
MOST_SHOWN = 400


@dataclass(frozen=True)
class Line:
    """One row of an answer, with its counterpart of the compared period; None where that has no such charge.

    `partial`: some charges of either have no such cost, so that the two cannot be set against each other.
    """

    names: dict[str, str]
    currency: str
    value: Decimal | None
    before: Decimal | None = None
    partial: bool = False


def query_spend(
    desk: Desk,
    *,
    metric: str = "effective",
    period: str | None = None,
    by: Sequence[str] = (),
    where: Where | None = None,
    compare: str | None = None,
    top: int | None = None,
    ai: bool | None = None,
    currency: str | None = None,
) -> ToolResult:
    """Spend by `by`, largest first (days and months in order of time), with totals per currency and, with `compare`,
    what it was before and how much it changed. `ai` True: AI alone; None: everything."""
    try:
        definite = asked(
            desk, metric=metric, period=period, by=by, where=where, compare=compare, ai=ai, currency=currency
        )
        return _answer(desk, definite, most=min(max(top or SHOWN_ROWS, 1), MOST_SHOWN))
    except NotUnderstoodError as error:
        return failed(desk, TOOL, error.problem)
    except LakeError as error:
        return failed(desk, TOOL, problem_of(error))


def _answer(desk: Desk, definite: Asked, *, most: int) -> ToolResult:
    # One question over both periods: two, each cut at its largest rows, would set a row against one that was cut off.
    question = definite.question
    now = desk.lake.ask(question.model_copy(update={"compare": definite.compare}))
    then = _before(now) if definite.compare else None
    lines = sorted((_line(question.by, row) for row in now.rows), key=_gone_last) if question.by else []
    sheet = Sheet(desk, TOOL)
    sheet.notes.extend(definite.notes)
    if then is not None:
        whole = bool(now.totals and then.totals) and reaches_back(then.completeness, then.question.period)
        definite = replace(definite, comparable=whole)
    timed = any(name in TIME_DIMENSIONS for name in question.by)
    kept = lines[: MOST_SHOWN if timed else most]
    totals = _totals(now)
    both = {total.currency for total in totals if total.value is not None and total.before is not None}
    for line in kept:
        # a currency of one period alone has no data in the other, and each of its rows none either
        write(sheet, replace(definite, comparable=definite.comparable and line.currency in both), line)
    for total in totals:
        row = write(sheet, definite, total, total=True)
        _note_untagged(sheet, definite, row, now, currency=total.currency)
        _others(sheet, definite, total, now=now, lines=lines, kept=kept)
    note_gaps(sheet, now, then)
    against = f" against {spoken(definite.compare)}" if definite.compare else ""
    above = heading(METRICS[question.metric], where=question.where, ai=question.ai, by=question.by)
    return sheet.done(
        title=f"{above}, {spoken(question.period)}{against}",
        columns=(*question.by, str(question.metric), *(("before", "change", "change_pct") if then else ())),
        **provenance(now, then),
    )


def write(
    sheet: Sheet, definite: Asked, line: Line, *, total: bool = False, texts: dict[str, str] | None = None
) -> Row:
    """One line as a row of figures: the cost and, against another period, what it was, its change and change in %."""
    question, compare = definite.question, definite.compare
    metric = str(question.metric)
    row = sheet.row(line.names, texts=texts, total=total)
    said = label(METRICS[question.metric], line.names, where=question.where, ai=question.ai)
    if total and line.names == {}:
        said = f"Total {said[0].lower()}{said[1:]}"
    days = spoken(question.period)
    if line.value is not None:
        sheet.put(row, metric, line.value, label=said, unit=line.currency, period=days)
    if compare is None:
        return row
    if line.before is not None:
        sheet.put(row, "before", line.before, label=said, unit=line.currency, period=spoken(compare))
    unequal = line.value is None or line.before is None
    if not definite.comparable or line.partial or (unequal and (total or question.metric in RATIOS)):
        return row  # a period without data is no zero to subtract, nor is a cost that is not known
    value, before, both = line.value or ZERO, line.before or ZERO, f"{days} against {spoken(compare)}"
    change = EXACT.subtract(value, before)
    said = f"Change of {said[0].lower()}{said[1:]}"
    sheet.put(row, "change", change, label=said, unit=line.currency, period=both, signed=True)
    if (share := percent_change(before, value)) is not None:
        sheet.put(row, "change_pct", _short(share), label=said, unit="%", period=both, signed=True)
    return row


def write_share(sheet: Sheet, definite: Asked, row: Row, change: Decimal, whole: Decimal, *, named: str = "") -> None:
    """Into a row: which part of the `whole` change its own is, in percent; nothing where the whole is nothing."""
    share = percent(change, whole)
    if share is None or definite.compare is None:
        return
    said = f"Share of the change, {named or ', '.join(row.names.values())}"
    days = f"{spoken(definite.question.period)} against {spoken(definite.compare)}"
    sheet.put(row, "share", EXACT.quantize(share, Decimal("0.0001")), label=said, unit="%", period=days)


def provenance(*answers: Any) -> dict[str, Any]:
    """Queries, snapshots and completeness of one or two answers of the lake, as a result carries them."""
    given = [answer for answer in answers if answer is not None]
    states = [state for answer in given for state in source_states(answer.completeness)]
    return {
        "query": ";\n".join(dict.fromkeys(answer.query for answer in given)),
        "snapshots": tuple(dict.fromkeys(str(name) for answer in given for name in answer.snapshots)),
        "complete": all(answer.complete for answer in given),
        "completeness": tuple(dict.fromkeys(states)),
    }


def _others(
    sheet: Sheet, definite: Asked, total: Line, *, now: Answered, lines: Sequence[Line], kept: Sequence[Line]
) -> None:
    """What the rows that are not shown come to, so that a list of the largest still adds up to its total."""
    mine = [line for line in kept if line.currency == total.currency]
    left = sum(1 for line in lines if line.currency == total.currency) - len(mine)
    beyond = any(row["value"] or row.get("previous") for row in now.others if unit_of(row) == total.currency)
    if left <= 0 and not beyond:
        return
    # how many rows the lake did not list is not known
    count = f"more than {left}" if beyond and left else "beyond the list" if beyond else f"{left}"
    said = f"{count} more rows" if left else "Rows beyond the list"
    said = f"{said[0].upper()}{said[1:]}"
    if definite.question.metric in RATIOS:
        sheet.notes.append(f"{said} are not shown; the total is of all of them.")
        return  # ratios do not add up, nor does what is left of them
    value = None if total.value is None else _rest(total.value, [line.value or ZERO for line in mine])
    before = None if total.before is None else _rest(total.before, [line.before or ZERO for line in mine])
    names = {definite.question.by[0]: f"all others ({count})"}
    write(sheet, definite, Line(names, total.currency, value, before, partial=total.partial))
    sheet.notes.append(f"{said} are summed up as 'all others'.")


def _note_untagged(sheet: Sheet, definite: Asked, row: Row, now: Any, *, currency: str) -> None:
    """What of a total has no team, where its rows do not tell it: it is never spread over the teams."""
    question, value = definite.question, dict(now.untagged).get(currency)
    if not value or "team" in (*question.by, *question.where):
        return
    said = label(METRICS[question.metric], {}, where=question.where, ai=question.ai)
    said = f"Total {said[0].lower()}{said[1:]}, without team"
    sheet.put(row, "untagged", value, label=said, unit=currency, period=spoken(question.period))


def _rest(whole: Decimal, parts: Sequence[Decimal]) -> Decimal:
    return EXACT.subtract(whole, add(parts))


def note_gaps(sheet: Sheet, now: Any, then: Any) -> None:
    """Says where the bill holds nothing, is not complete yet, or does not reach back to the days that were asked."""
    for answer in (now, then):
        if answer is None:
            continue
        period = answer.question.period
        if not answer.holds:
            sheet.notes.append(f"The bill holds no such charges for {spoken(period)}: no data, which is not a zero.")
            note_end(sheet, answer)
        elif not answer.complete:
            late = [f"{state.source}: {state.reason}" for state in source_states(answer.completeness) if state.reason]
            sheet.notes.append(f"{spoken(period)} is not complete" + (f": {'; '.join(late)}." if late else "."))
        for one in answer.unknown:
            sheet.notes.append(_lacking(answer.question, one))
        if answer.truncated:
            sheet.notes.append(f"More than {MAX_ROWS} rows: only the first {MAX_ROWS} are listed; totals are of all.")
        if answer.holds or answer is then:
            note_beginning(sheet, answer, compared=answer is then)


def note_end(sheet: Sheet, answer: Any) -> None:
    """Says how far the bill reaches where all of the period lies behind that."""
    ends = [(state.data_through - timedelta(microseconds=1)).date() for state in answer.completeness]
    if ends and max(ends) < answer.question.period.start:
        sheet.notes.append(f"The bill reaches to {spoken_day(max(ends))}.")


def note_beginning(sheet: Sheet, answer: Any, *, compared: bool) -> None:
    """Says which days of the period lie before the bill, for all of it or for some of its sources."""
    period, states = answer.question.period, answer.completeness
    late = [state for state in states if state.begins > period.start]
    if not late:
        return
    what = f"{'the comparison period ' if compared else ''}{spoken(period)}"
    if len(late) < len(states):
        begin = "; ".join(f"{shown(state.source)} on {spoken_day(state.begins)}" for state in late)
        sheet.notes.append(f"Not all sources cover {what}; their bills begin later: {begin}.")
        return
    begins = spoken_day(min(state.begins for state in late))
    end = " No change is computed." if compared else ""
    extent = "not covered" if min(state.begins for state in late) >= period.end else "not wholly covered"
    sheet.notes.append(f"The bill begins on {begins}; {what} is {extent}.{end}")


def _lacking(question: Question, unknown: Unknown) -> str:
    counted = f"{unknown.charges:,} charges" if unknown.charges > 1 else "One charge"
    has = "have" if unknown.charges > 1 else "has"
    billed = display(unknown.billed, unknown.currency)
    if question.metric not in METRIC_COLUMNS:
        of = f"{spoken(question.period)}, billed {billed}"
        return f"{counted} of {of}: how many GPUs the machine has is not known, so they are in no figure here."
    said = METRICS[question.metric].lower()
    return (
        f"{counted} of {spoken(question.period)}, billed {billed}, {has} no {said}: not known, and in no figure here."
    )


def _before(answer: Answered) -> Answered:
    """What the same answer says of the compared period alone, without its rows."""
    assert answer.question.compare is not None  # noqa: S101
    states = answer.previous_completeness
    return replace(
        answer,
        question=answer.question.model_copy(update={"period": answer.question.compare, "compare": None}),
        totals=answer.previous_totals,
        unknown=answer.previous_unknown,
        completeness=states,
        complete=bool(states) and all(state.complete for state in states),
        truncated=False,
    )


def _totals(answer: Answered) -> list[Line]:
    """A total for each currency of either period; None where no charge has the asked cost."""
    known, before = dict(answer.totals), dict(answer.previous_totals)
    lacking = {one.currency for one in (*answer.unknown, *answer.previous_unknown)}
    return [
        Line({}, currency, known.get(currency), before.get(currency), partial=currency in lacking)
        for currency in dict.fromkeys((*known, *(one.currency for one in answer.unknown), *before, *sorted(lacking)))
    ]


def unit_of(row: Any) -> str:
    """The currency of a cost, the unit of a quantity, or both of a ratio."""
    return str(row["currency"] if "currency" in row else row["unit"])


def _line(by: Sequence[str], row: LakeRow) -> Line:
    value, before = row["value"], row.get("previous")
    assert not isinstance(value, str)  # noqa: S101
    assert not isinstance(before, str)  # noqa: S101
    partial = any(row.get(name) is not None for name in UNKNOWN.values())
    return Line({name: str(row[name]) for name in by}, unit_of(row), value, before, partial=partial)


def _gone_last(line: Line) -> tuple[bool, Decimal]:
    """Rows as they come, then those that only the compared period has, by what they were."""
    gone = line.value is None
    return gone, -(line.before or ZERO) if gone else ZERO


def _short(value: Decimal) -> Decimal:
    return EXACT.quantize(value, Decimal("0.0001"))
