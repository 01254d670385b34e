"""Asks the lake: a typed question in, rows and totals out, with the query, the snapshots and how far to trust them.

Every question is asked of the Parquet files of the snapshots that counted when it began, by a DuckDB in memory: no two
processes ever share a database file, and a load never disturbs a question that is under way.
"""

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from lake import as_written, completeness, expressions, measures, rollup
from lake.at_hand import AtHand
from lake.completeness import SourceCompleteness
from lake.errors import LakeError
from lake.money import add, difference
from lake.period import Period, add_months
from lake.price_book import PriceBook, shipped
from lake.question import EVERY_TEAM, MAX_ROWS, MEASURES, METRIC_COLUMNS, OTHERS, RATIOS, Question
from lake.reading import Reader
from lake.remembered import MOST_CELLS, Answers, Kept
from lake.series import DailySeries, series, through
from lake.server import OpenReader, Server
from lake.speaking import in_words
from lake.store import Snapshot, Store

Row = dict[str, str | Decimal | None]


@dataclass(frozen=True)
class Unknown:
    """Charges that are in no sum of an answer, since they have no such cost: how many, and what they were billed."""

    currency: str
    charges: int
    billed: Decimal


@dataclass(frozen=True)
class Answered:
    """What the lake says to a question. Amounts are exact and stand with their currency, never summed over two.

    A sum is of the charges that have the asked cost; None where none has one, which is not a zero. `unknown` tells of
    the others, and a row has what its own were billed as `unknown_billed` (None: every charge of it has the cost).
    """

    question: Question
    rows: list[Row]
    totals: list[tuple[str, Decimal]]
    query: str
    snapshots: list[str]
    complete: bool
    completeness: list[SourceCompleteness]
    truncated: bool
    read: str
    """charges, or the rollup from which the rows were summed: the smallest that can answer"""
    others: list[Row] = field(default_factory=list)
    """of each currency what the rows beyond the limit come to; with the rows they make the total, to the last digit"""
    previous_totals: list[tuple[str, Decimal]] = field(default_factory=list)
    untagged: list[tuple[str, Decimal]] = field(default_factory=list)
    """what of each total has no team: never spread over those that have one"""
    unknown: list[Unknown] = field(default_factory=list)
    previous_unknown: list[Unknown] = field(default_factory=list)
    previous_completeness: list[SourceCompleteness] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether there is any charge of the period, with the asked cost or without it."""
        return bool(self.totals or self.unknown)

    def amounts(self) -> int:
        """How many cells it holds, what it names of the bill included."""
        named = len(self.snapshots) + 4 * (len(self.completeness) + len(self.previous_completeness))
        return named + sum(len(row) for row in (*self.rows, *self.others))

    @property
    def comparable(self) -> bool:
        """Whether the compared period can be set against this one: the bill reaches back to it and holds charges of
        both. Charges before the first bill are not known to be nothing."""
        compare = self.question.compare
        both = bool(self.totals and self.previous_totals)
        return compare is not None and both and reaches_back(self.completeness, compare)


def reaches_back(states: Sequence[SourceCompleteness], period: Period) -> bool:
    """Whether some source's bills cover the first day of this period."""
    return any(state.begins <= period.start for state in states)


@dataclass(frozen=True)
class Coverage:
    """What the lake holds of one source."""

    source: str
    periods: list[str]
    first_day: date
    data_through: str
    final: bool
    rows: int
    quarantined: int
    snapshots: list[str]


class Lake:
    """The bills loaded below one folder; with a `server`, asked there instead of in the folder's files. `prices` says
    what machines are; `keep`, how many amounts of answers are kept until a load."""

    def __init__(
        self,
        folder: Path,
        *,
        server: Server | None = None,
        prices: Callable[[], PriceBook] = shipped,
        keep: int = MOST_CELLS,
    ) -> None:
        self.folder = folder
        self.store = Store(folder)
        self.server, self.prices = server, prices
        self._remembered = as_written.Remembered()
        self._answers = Answers(keep)
        self._at_hand = AtHand(folder)

    def keep_at_hand(self) -> None:
        """Reads the rollups of the bill as it is now into memory, for a process that will answer many questions of it.
        LakeError if a file cannot be read. A server keeps its own."""
        if self.server is None:
            with in_words("A snapshot's file cannot be read.", do="Load that billing period again from its source."):
                self._at_hand.keep(self.current())

    def files(self) -> "Lake":
        """The same lake asked in its folder, for what a server cannot do."""
        return Lake(self.folder, prices=self.prices)

    def current(self) -> tuple[Snapshot, ...]:
        """The snapshots that count now where this lake is asked."""
        return self.store.current() if self.server is None else self.server.current()

    def reader(
        self, snapshots: Sequence[Snapshot], *, rolled: rollup.Rolled | None = None, tags: Sequence[str] = ()
    ) -> AbstractContextManager[OpenReader]:
        """What answers expressions over these snapshots; `rolled`, from what they add up to (`lake.rollup`)."""
        if self.server is not None:
            return self.server.reader(snapshots, tags=tags)
        return Reader(self.folder, snapshots, rolled=rolled, tags=tags, at_hand=self._at_hand)

    def ask(self, question: Question) -> Answered:
        """Rows grouped and filtered as asked; NameNotKnown if a filter names what no charge in scope carries."""
        snapshots = self.snapshots()
        if question.metric not in METRIC_COLUMNS:  # these depend on the price book too
            return self._asked(question, snapshots)
        key = ("ask", question.model_dump_json())
        found = self._answers.of(snapshots, key, lambda: self._asked(question, snapshots), Answered.amounts)
        return replace(found, rows=[dict(row) for row in found.rows], others=[dict(row) for row in found.others])

    def remembered(
        self,
        key: Hashable,
        make: Callable[[], Kept],
        weigh: Callable[[Kept], int],
        *,
        bill: Sequence[Snapshot] | None = None,
    ) -> Kept:
        """What `make` makes of the bill as it is now, kept until a load changes it. The key names all else that it
        depends on, the asker's scope above all; `weigh` says how many amounts it holds. Nobody may change it.

        What was read before and is only put together by `make` may be of an earlier bill: `bill` is then the one that
        counted before it was read.
        """
        return self._answers.of(self.current() if bill is None else bill, key, make, weigh)

    def _asked(self, question: Question, snapshots: tuple[Snapshot, ...]) -> Answered:
        limit = min(question.limit or MAX_ROWS, MAX_ROWS)
        with self.reader(snapshots, tags=expressions.tags(question)) as reader:
            question = as_written.known(reader, snapshots, question, self._remembered)
            scope = as_written.sources(reader, snapshots, question, self._remembered)
            held = [snapshot for snapshot in snapshots if snapshot.source in scope]
            read = [snapshot for snapshot in held if _touches(snapshot, question)]
            rolled = rollup.answers(question, read or snapshots[:1])
            reader.hold(read or snapshots[:1], rolled=rolled)
            rows, sums, query = _found(reader, read or snapshots[:1], question, limit, self.prices)
        verdicts = completeness.judge(question.period, held)
        answered = Answered(
            question=question,
            rows=[],
            totals=[(row["currency"], row["value"]) for row in sums if row["value"] is not None],
            previous_totals=[(row["currency"], row["previous"]) for row in sums if row.get("previous") is not None],
            untagged=[
                (row["currency"], row[expressions.NO_TEAM] or _NOTHING)
                for row in sums
                if row["value"] is not None and question.metric not in RATIOS
            ],
            unknown=_unknown(sums, expressions.VALUE),
            previous_unknown=_unknown(sums, expressions.PREVIOUS),
            previous_completeness=completeness.judge(question.compare, held) if question.compare else [],
            query=query,
            snapshots=[snapshot.id for snapshot in read],
            complete=bool(verdicts) and all(verdict.complete for verdict in verdicts),
            completeness=verdicts,
            truncated=len(rows) > limit,
            read=rolled or "charges",
        )
        others = _others(answered, sums, rows, limit) if answered.truncated else []
        return replace(answered, rows=[_row(row, answered) for row in rows[:limit]], others=others)

    def values(
        self, dimension: str, limit: int = MAX_ROWS, *, teams_seen: tuple[str, ...] = (EVERY_TEAM,)
    ) -> list[str]:
        """The names that charges in this scope carry, those with most charges first."""
        snapshots = self.snapshots()
        tags = expressions.tags(Question(period=as_written.ANY, by=(dimension,)))
        with self.reader(snapshots, tags=tags) as reader:
            return as_written.names(reader, snapshots, dimension, teams_seen=teams_seen, limit=limit)

    def daily(
        self,
        *,
        by: tuple[str, ...],
        since: date | None = None,
        until: date | None = None,
        ai: bool | None = None,
        where: dict[str, tuple[str, ...]] | None = None,
        teams_seen: tuple[str, ...] = (EVERY_TEAM,),
        settled: bool = True,
    ) -> list[DailySeries]:
        """Daily effective cost of each series up to the last complete day (`until` excluded), from `since` on.

        Days without a charge are zero. With `settled=False` the days that were delivered but may still be restated are
        included.
        """
        snapshots = self.snapshots()
        first = max(min(snapshot.first_day for snapshot in snapshots), since or date.min)
        ends = {source: through(source, held, settled) for source, held in completeness.by_source(snapshots).items()}
        end = min(max(ends.values()), until or date.max)
        if end <= first:
            return []
        question = Question(period=Period(first, end), by=by, ai=ai, where=where or {}, teams_seen=teams_seen)
        rolled = rollup.answers(question, snapshots, daily=True)
        with self.reader(snapshots, rolled=rolled, tags=expressions.tags(question)) as reader:
            question = as_written.known(reader, snapshots, question, self._remembered)
            reader.hold(snapshots, rolled=rolled)
            rows, _ = reader.fetch(expressions.daily, question)
        return series(rows, by, {source: min(day, end) for source, day in ends.items()})

    def last_complete_period(self) -> Period | None:
        """The newest calendar month that every source has delivered and settled; None if there is none."""
        snapshots = self.current()
        if not snapshots:
            return None
        month = self.latest_period()
        while month.end > min(snapshot.period_start for snapshot in snapshots):
            if all(verdict.complete for verdict in completeness.judge(month, snapshots)):
                return month
            month = month.previous()
        return None

    def latest_period(self) -> Period:
        """The newest calendar month with a charge."""
        last = max(snapshot.last_day for snapshot in self.snapshots())
        return Period(last.replace(day=1), add_months(last, 1))

    def coverage(self) -> list[Coverage]:
        """What is held of each source."""
        return [
            Coverage(
                source=source,
                periods=[snapshot.period for snapshot in held],
                first_day=min(snapshot.first_day for snapshot in held),
                data_through=max(snapshot.data_through for snapshot in held).isoformat(),
                final=all(snapshot.final for snapshot in held),
                rows=sum(snapshot.rows for snapshot in held),
                quarantined=sum(snapshot.rows_quarantined for snapshot in held),
                snapshots=[snapshot.id for snapshot in held],
            )
            for source, held in completeness.by_source(self.current()).items()
        ]

    def snapshots(self) -> tuple[Snapshot, ...]:
        """What counts now; a LakeError if nothing was loaded yet."""
        snapshots = self.current()
        if not snapshots:
            raise LakeError(
                "The lake is empty.",
                why="No bill has been loaded yet.",
                do="Load one: spendgate ingest FILE, or try ./dev demo.",
            )
        return snapshots


def _found(
    reader: OpenReader, read: Sequence[Snapshot], question: Question, limit: int, prices: Callable[[], PriceBook]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str]:
    """Rows of what the reader holds (more than the limit, if there are more), totals, and the query behind the rows.

    `read` are the snapshots that it holds.
    """
    if question.metric in MEASURES:
        found, query = reader.fetch(expressions.quantities, question)
        counted = measures.counted(question, found, prices=prices)
        return counted.rows, counted.totals, query
    rows, query = reader.fetch(expressions.rows, question, limit)
    if len(rows) <= limit:
        return rows, _summed(rows), query
    # Its total needs none of the names that it is split by, which only charges may have.
    whole = question.model_copy(update={"by": ()})
    reader.hold(read, rolled=rollup.answers(whole, read))
    sums, _ = reader.fetch(expressions.totals, whole)
    return rows, sums, query


def _summed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What all rows of each currency come to: the totals, without reading the charges once more."""
    by_currency: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_currency.setdefault(row[expressions.CURRENCY], []).append(row)
    made = []
    for currency, held in sorted(by_currency.items()):
        total: dict[str, Any] = {expressions.CURRENCY: currency}
        for name in expressions.SUMS:
            if name in held[0]:
                some = [row[name] for row in held if row[name] is not None]
                total[name] = add(some) if some else None
        made.append(total)
    return made


def _others(answered: Answered, sums: list[dict[str, Any]], rows: list[dict[str, Any]], limit: int) -> list[Row]:
    """For each currency or unit what the rows that are not shown come to, so that a list of the largest adds up."""
    question, made = answered.question, []
    for total in sums:
        unit = total["currency"]
        if question.metric in MEASURES and total["value"] is total.get("previous") is None:
            continue  # it tells of what cannot be converted
        rest: dict[str, Any] = {"currency": unit}
        shown = [row for row in rows[:limit] if row["currency"] == unit]
        for side in ("value", "previous")[: 2 if question.compare else 1]:
            if question.metric in MEASURES:
                rest[side] = measures.rest(question, rows[limit:], unit, side)
            else:
                rest[side] = _left(total, shown, side, expressions.KNOWN_CHARGES[side])
        for side, name in expressions.UNKNOWN.items():
            if name in total:
                rest[name] = _left(total, shown, name, expressions.UNKNOWN_CHARGES[side])
        if question.metric not in MEASURES and not any(isinstance(left, Decimal) for left in rest.values()):
            continue  # all of it is shown
        names = dict.fromkeys(expressions.keys(question.by).values(), OTHERS)
        made.append(_row(names | rest, answered))
    return made


def _left(total: dict[str, Any], shown: list[dict[str, Any]], name: str, charges: str) -> Decimal | None:
    """What of a sum is none of the shown rows'; None where it is a sum of nothing, as `charges` counts what it sums."""
    if total[name] is None or (charges in total and total[charges] == sum(row[charges] or 0 for row in shown)):
        return None
    return difference(total[name], add(row[name] for row in shown if row[name] is not None))


def _touches(snapshot: Snapshot, question: Question) -> bool:
    held = snapshot.charged
    return held.overlaps(question.period) or (question.compare is not None and held.overlaps(question.compare))


def _row(row: dict[str, Any], answered: Answered) -> Row:
    """One row; with a comparison its values are None where that period has no charge, and the difference too where
    the two periods cannot be set against each other."""
    question = answered.question
    shown: Row = {name: row[key] for name, key in expressions.keys(question.by).items()}
    shown["unit" if question.metric in MEASURES else "currency"] = row["currency"]
    unknown: Row = {name: row[name] for name in expressions.UNKNOWN.values() if name in row}
    if not question.compare:
        return shown | {"value": row["value"]} | unknown
    comparable = answered.comparable and row["currency"] in dict(answered.previous_totals)
    if question.metric in RATIOS and None in (row["value"], row["previous"]):
        comparable = False  # a price of nothing is no price
    if any(billed is not None for billed in unknown.values()):
        comparable = False  # what is known of the one is no part of the other
    change = difference(_zero(row["value"]), _zero(row["previous"])) if comparable else None
    return shown | {"value": row["value"], "previous": row["previous"], "difference": change} | unknown


def _unknown(sums: Sequence[dict[str, Any]], side: str) -> list[Unknown]:
    charges, billed = expressions.UNKNOWN_CHARGES[side], expressions.UNKNOWN[side]
    return [Unknown(row["currency"], int(row[charges]), row[billed]) for row in sums if row.get(charges)]


def _zero(value: Decimal | None) -> Decimal:
    """What a group without a charge in a period that the bill covers adds to it."""
    return _NOTHING if value is None else value


_NOTHING = Decimal()
