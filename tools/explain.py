"""Why spend changed: ranked contributions that add up to the change, what lies within the largest, the narrowest
slices that explain it, and the reasons.

The reasons are price, volume, mix, new and vanished usage, and charges without a quantity; they add up to the change.

Arithmetic and no more: it says where the difference is, with an explicit remainder, and leaves causes to people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lake.engine import reaches_back
from lake.errors import LakeError
from lake.parts import parts
from lake.question import METRIC_COLUMNS, Metric, Question
from tools.asked import Asked, NotUnderstoodError, Where, asked, problem_of
from tools.causes import write_causes
from tools.cells import Cells, cells
from tools.desk import Desk, failed
from tools.detection.contributions import EXACT, ZERO, Explained, add, contributions
from tools.nearby import near
from tools.periods import spoken, spoken_day
from tools.price_volume import effects
from tools.result import Problem, ToolResult
from tools.sheet import Sheet
from tools.shown import shown
from tools.spend import Line, note_gaps, provenance, write, write_share
from tools.wording import METRICS, heading

TOOL = "explain_change"
NAMED = 5
UNLISTED = "(beyond the list)"
TRIED = ("use_case", "service", "team", "model")
PRICED_BY = ("service", "region", "model", "token_class")
"""What has a price of its own: a part is one of these with one unit."""
REASONS = {
    "price": "unit prices",
    "volume": "volume",
    "mix": "mix",
    "new": "new usage",
    "gone": "usage that ended",
    "unmeasured": "charges without a quantity",
}
TRIED_WITHIN = ("service", "model", "use_case", "token_class", "resource")


@dataclass(frozen=True)
class Split:
    """The change of one currency, split by one dimension."""

    by: str
    currency: str
    explained: Explained
    before: Mapping[str, Decimal]
    after: Mapping[str, Decimal]

    @property
    def telling(self) -> Decimal:
        """How few elements carry the change, and how little they were before: the one that is nearly everything, or
        many that move together or cancel each other out, tell least."""
        moved = [abs(part.change) for part in self.explained.named]
        whole = EXACT.add(add(moved), abs(self.explained.remainder))
        base = add(max(value, ZERO) for value in self.before.values())
        if whole == 0:
            return ZERO
        shares = [
            ZERO if part.name.startswith("(") else EXACT.divide(abs(part.change), whole)
            for part in self.explained.named
        ]
        known = [EXACT.divide(max(part.before, ZERO), base) if base else ZERO for part in self.explained.named]
        return add(share * share * (1 - was) for share, was in zip(shares, known, strict=True))


def explain_change(
    desk: Desk,
    *,
    metric: str = "effective",
    period: str | None = None,
    compare: str | None = None,
    by: str | None = None,
    where: Where | None = None,
    ai: bool | None = None,
    currency: str | None = None,
) -> ToolResult:
    """What made the difference between `period` and `compare` (default: the period before), split by `by` or by the
    dimension in which fewest elements carry most of it. Contributions and remainder sum to the change exactly."""
    try:
        against = compare or "previous"
        split_by = [by] if by else []
        definite = asked(
            desk, metric=metric, period=period, by=split_by, where=where, compare=against, ai=ai, currency=currency
        )
        return _explain(desk, definite, definite.question.by)
    except NotUnderstoodError as error:
        return failed(desk, TOOL, error.problem)
    except LakeError as error:
        return failed(desk, TOOL, problem_of(error))


def _explain(desk: Desk, definite: Asked, by: tuple[str, ...]) -> ToolResult:
    if definite.question.metric not in METRIC_COLUMNS:
        return failed(desk, TOOL, _no_cost(str(definite.question.metric)), notes=definite.notes)
    definite = Asked(definite.question.model_copy(update={"by": ()}), definite.compare, definite.notes)
    question, compare = definite.question, definite.compare
    assert compare is not None  # noqa: S101  (`asked` was given a comparison)
    now, then = desk.lake.ask(question), desk.lake.ask(definite.over(compare))
    if now.unknown or then.unknown:
        return failed(desk, TOOL, _not_known(METRICS[question.metric].lower()), notes=definite.notes)
    if not now.totals or not then.totals:
        empty = question.period if not now.totals else compare
        return failed(desk, TOOL, _no_data(spoken(empty)), notes=definite.notes)
    if not reaches_back(then.completeness, compare):
        begins = min(state.begins for state in then.completeness)
        return failed(desk, TOOL, _not_covered(spoken(compare), spoken_day(begins)), notes=definite.notes)
    sheet = Sheet(desk, TOOL)
    sheet.notes.extend(definite.notes)
    note_gaps(sheet, now, then)
    answers, queries = [now, then], []
    before = dict(then.totals)
    splits: list[str] = []
    after = dict(now.totals)
    for currency in dict.fromkeys((*after, *before)):
        value = after.get(currency)
        write(sheet, definite, Line({}, currency, value, before.get(currency)), total=True)
        if value is None or currency not in before:
            sheet.notes.append(_one_sided(currency, spoken(compare if value is not None else question.period)))
            continue
        chosen = by or [name for name in TRIED if name not in question.where]
        one = definite if len({*after, *before}) == 1 else _in(definite, currency)
        whole = None if by else cells(desk, one, chosen)
        split, asked_for = _best(desk, one, chosen, currency=currency, whole=whole)
        answers += asked_for
        if split is not None:
            splits.append(split.by)
            _write_split(sheet, definite, split)
            answers += _look_within(sheet, desk, one, split, allowed=not by, whole=whole)
        if whole is not None:
            write_causes(sheet, definite, whole, currency=currency)
            answers.append(whole.answer)
        change = EXACT.subtract(value, before[currency])
        queries += _write_reasons(sheet, desk, definite, now.question, currency=currency, change=change)
    above = heading(METRICS[question.metric], where=question.where, ai=question.ai)
    if happened := near(desk, question.period, question.where):
        sheet.notes.append(happened)
    split_by = f" by {' and '.join(dict.fromkeys(splits)).replace('_', ' ')}" if splits else ""
    days = f"{spoken(question.period)} against {spoken(compare)}"
    return sheet.done(
        title=f"Change of {above[0].lower()}{above[1:]}{split_by}, {days}",
        columns=("part", str(question.metric), "before", "change", "share"),
        **_with(provenance(*answers), queries),
    )


def _in(definite: Asked, currency: str) -> Asked:
    """The same of one currency. Where there is no other, to say so would be another scope, of which the lake looks up
    anew which sources it reaches."""
    question = definite.question.model_copy(update={"currency": currency})
    return Asked(question, definite.compare, definite.notes)


def _with(told: dict[str, Any], queries: Sequence[str]) -> dict[str, Any]:
    return {**told, "query": ";\n".join(dict.fromkeys((told["query"], *queries)))}


def _write_reasons(
    sheet: Sheet, desk: Desk, definite: Asked, asked_for: Question, *, currency: str, change: Decimal
) -> list[str]:
    """How much of the change is price, volume, mix, new, gone, and of charges without a quantity; the query behind it.

    `asked_for` is the question with its names as the bill writes them. Prices are effective ones, so only that cost is
    told apart; and without any quantity on the bill there is nothing to tell.
    """
    if asked_for.metric is not Metric.EFFECTIVE or change == 0:
        return []
    update = {"by": PRICED_BY, "currency": currency, "compare": definite.compare}
    used = parts(desk.lake, asked_for.model_copy(update=update))
    found = effects(used.found, change=change)
    if found.unmeasured == change:
        return []
    days = f"{spoken(asked_for.period)} against {spoken(definite.compare) if definite.compare else ''}"
    for name, words in REASONS.items():
        amount = getattr(found, name)
        if amount == 0:
            continue
        row = sheet.row({}, texts={"part": words, "within": "price, volume and mix"})
        said = f"Change of effective cost, {words}"
        sheet.put(row, "change", amount, label=said, unit=currency, period=days, signed=True)
        write_share(sheet, definite, row, amount, change, named=words)
    return [used.query]


def _best(
    desk: Desk,
    definite: Asked,
    dimensions: Sequence[str],
    *,
    currency: str,
    whole: Cells | None,
    within: tuple[str, str] | None = None,
) -> tuple[Split | None, list[Any]]:
    """The most telling split and the lake's answers behind it; a dimension that only says "untagged" tells nothing.

    What the cells of the `whole` tell, `within` an element of it, is not asked of the lake again."""
    best: Split | None = None
    behind: list[Any] = []
    for name in dimensions:
        if whole is not None and {name, *(within or (name,))[:1]} <= set(whole.by):
            split, answers = _summed(whole, name, currency=currency, within=within), [whole.answer]
        else:
            split, answers = _split(desk, definite, name, currency=currency)
        if best is None or (len({*split.before, *split.after}) > 1 and split.telling > best.telling):
            best, behind = split, answers
    return best, behind


def _summed(whole: Cells, by: str, *, currency: str, within: tuple[str, str] | None) -> Split:
    before, after = whole.split(by, within)
    return Split(by, currency, contributions(before, after, limit=NAMED), before, after)


def _split(desk: Desk, definite: Asked, by: str, *, currency: str) -> tuple[Split, list[Any]]:
    assert definite.compare is not None  # noqa: S101
    question = Question.model_validate({**dict(definite.question), "by": (by,), "compare": definite.compare})
    answer = desk.lake.ask(question)
    after, before = _parts(answer, by, "value", answer.totals), _parts(answer, by, "previous", answer.previous_totals)
    return Split(by, currency, contributions(before, after, limit=NAMED), before, after), [answer]


def _parts(answer: Any, by: str, side: str, totals: Any) -> dict[str, Decimal]:
    """Cost by element; what the lake no longer lists stands as one element, so that sums hold."""
    parts = {str(row[by]): Decimal(row[side]) for row in answer.rows if row[side]}
    if answer.truncated:
        parts[UNLISTED] = EXACT.subtract(add(value for _, value in totals), add(parts.values()))
    return parts


def _write_split(sheet: Sheet, definite: Asked, split: Split, *, within: str = "") -> None:
    whole = split.explained.change
    texts = {"within": within} if within else {}
    for part in split.explained.named:
        if part.change == 0:
            continue
        kind = "new" if part.new else "gone" if part.gone else ""
        line = Line(
            {split.by: part.name},
            split.currency,
            None if part.gone else part.after,
            None if part.new else part.before,
        )
        row = write(sheet, definite, line, texts={**texts, **({"note": kind} if kind else {})})
        write_share(sheet, definite, row, part.change, whole)
    if split.explained.remainder_count:
        value = _left(split.after, [part.name for part in split.explained.named])
        before = _left(split.before, [part.name for part in split.explained.named])
        names = {split.by: f"all others ({split.explained.remainder_count})"}
        row = write(sheet, definite, Line(names, split.currency, value, before), texts=texts)
        write_share(sheet, definite, row, split.explained.remainder, whole)


def _look_within(
    sheet: Sheet, desk: Desk, definite: Asked, split: Split, *, allowed: bool, whole: Cells | None
) -> list[Any]:
    """The same split again inside the largest contribution, when that one carries a good part of the change."""
    if not allowed or not split.explained.named:
        return []
    largest = split.explained.named[0]
    if abs(largest.change) * 4 < abs(split.explained.change) or largest.name.startswith("("):
        return []
    where = {**definite.question.where, split.by: (largest.name,)}
    inner = Asked(definite.question.model_copy(update={"where": where}), definite.compare, ())
    rest = [name for name in TRIED_WITHIN if name not in where]
    element = (split.by, largest.name)
    found, answers = _best(desk, inner, rest, currency=split.currency, whole=whole, within=element)
    if found is None or len({*found.before, *found.after}) < 2:
        return []
    _write_split(sheet, inner, found, within=f"{split.by.replace('_', ' ')} {shown(largest.name)}")
    return answers


def _left(values: Mapping[str, Decimal], named: Sequence[str]) -> Decimal:
    return add(value for name, value in values.items() if name not in named)


def _one_sided(currency: str, period: str) -> str:
    return f"{shown(currency)} has no data for {period}, which is not a zero: its change is not explained."


def _not_covered(period: str, begins: str) -> Problem:
    return Problem(
        what="The change cannot be explained.",
        why=f"The bill begins on {begins}; the comparison period {period} is not wholly covered.",
        do="Compare two periods that the bill covers.",
    )


def _no_cost(metric: str) -> Problem:
    return Problem(
        what="The change cannot be explained.",
        why=f"{metric.replace('_', ' ').capitalize()} is no cost, and only the change of a cost is explained.",
        do="Ask for the effective or the billed cost; what was used and its unit price are parts of the answer.",
    )


def _not_known(metric: str) -> Problem:
    return Problem(
        what="The change cannot be explained.",
        why=f"Some of these charges have no {metric}: what is known of one period is no part of the other.",
        do="Ask for the effective or the billed cost, which every charge has.",
    )


def _no_data(period: str) -> Problem:
    return Problem(
        what="The change cannot be explained.",
        why=f"The bill holds no such charges for {period}: no data, which is not a zero.",
        do="Compare two periods that the bill covers.",
    )
