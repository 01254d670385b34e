"""The price book: what types of machines are, and what an hour of one costs on demand, from dated public lists.

Every line names the list that it was taken from, with its date and source, so that a saving can say by which prices it
was reckoned. A bank's own book (prices that it negotiated, regions that the shipped lists lack) goes before the shipped
one, line by line. Nothing is guessed: what no list holds is refused, with the date of the book that lacks it.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path

from lake.errors import LakeError
from lake.machine_shapes import MachineShape
from lake.money import as_written

SHIPPED = Path(__file__).parent / "books" / "ec2"
LISTS, SHAPES, OFFERED, ON_DEMAND = "lists.csv", "shapes.csv", "offered.csv", "on_demand.csv"
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    LISTS: ("list", "dated", "currency", "source"),
    SHAPES: (
        "instance_type", "vcpus", "memory_gib", "gpus", "gpu", "gpu_memory_gib", "architectures", "current", "list",
    ),
    OFFERED: ("name", "regions", "list"),
    ON_DEMAND: ("instance_type", "region", "per_hour", "list"),
}  # fmt: skip


class NotInBook(LakeError):
    """What was asked for stands in no list of the price book."""

    exit_code = 4


@dataclass(frozen=True)
class PriceList:
    """One dated publication that lines of the book were taken from; `currency` is empty if it holds no prices."""

    name: str
    dated: date
    currency: str
    source: str


@dataclass(frozen=True)
class OnDemand:
    """What an hour of one machine of this type costs in this region without any commitment."""

    instance_type: str
    region: str
    per_hour: Decimal
    currency: str
    dated: date
    source: str


@dataclass(frozen=True)
class PriceBook:
    """Shapes and prices by name; make one with `shipped` or `read`."""

    lists: Mapping[str, PriceList]
    kinds: Mapping[str, MachineShape]
    prices: Mapping[tuple[str, str], OnDemand]
    regions: frozenset[str] = field(default=frozenset())

    @property
    def dated(self) -> date:
        """The day of its newest list of prices, or of its newest list if none has prices."""
        priced = [one.dated for one in self.lists.values() if one.currency]
        return max(priced or [one.dated for one in self.lists.values()])

    def shape(self, instance_type: str) -> MachineShape:
        """What this type is; NotInBook if no list describes it."""
        found = self.kinds.get(instance_type)
        if found is None:
            raise NotInBook(
                f"{instance_type[:40]} is not in the price book of {self.dated}.",
                why=f"None of its lists describes such a type; it knows {len(self.kinds)} others.",
                do=_OWN.format(file=SHAPES),
            )
        return found

    def price(self, instance_type: str, region: str) -> OnDemand:
        """What an hour of this type costs on demand in this region; NotInBook if no list tells."""
        found = self.prices.get((instance_type, region))
        if found is None:
            raise NotInBook(
                f"The price of {instance_type[:40]} in {region[:40]} is not in the price book of {self.dated}.",
                why=self._why(instance_type, region),
                do=_OWN.format(file=ON_DEMAND),
            )
        return found

    def current(self, region: str) -> Sequence[tuple[MachineShape, OnDemand]]:
        """Current types without GPUs that are priced and known to be offered there, the cheapest first."""
        return self._current.get(region, ())

    @cached_property
    def _current(self) -> Mapping[str, Sequence[tuple[MachineShape, OnDemand]]]:
        found: dict[str, list[tuple[MachineShape, OnDemand]]] = {}
        for (name, region), price in self.prices.items():
            shape = self.kinds.get(name)
            if shape is not None and shape.current and not shape.gpus and shape.offered(region):
                found.setdefault(region, []).append((shape, price))
        return {
            region: sorted(pairs, key=lambda pair: (pair[1].per_hour, pair[0].instance_type))
            for region, pairs in found.items()
        }

    def family(self, name: str) -> Sequence[MachineShape]:
        """The sizes of one family, `g5`, as the lists order them; none of a family that no list describes."""
        return self._families.get(name, ())

    @cached_property
    def _families(self) -> Mapping[str, Sequence[MachineShape]]:
        found: dict[str, list[MachineShape]] = {}
        for shape in self.kinds.values():
            found.setdefault(shape.family, []).append(shape)
        return found

    def shapes(self) -> Iterator[MachineShape]:
        """All types that the book describes, by family and size as its lists order them."""
        return iter(self.kinds.values())

    def _why(self, instance_type: str, region: str) -> str:
        if region not in self.regions:
            return f"Its lists hold prices of {', '.join(sorted(self.regions)) or 'no region'}."
        elsewhere = sorted(where for kind, where in self.prices if kind == instance_type)
        if elsewhere:
            return f"Its lists price that type in {', '.join(elsewhere)} only."
        return "None of its lists prices that type."


_OWN = (
    "Add it to {file} in the folder price-book of Spendgate's home, with the list that you took it from in lists.csv."
)


@cache
def shipped() -> PriceBook:
    """The book that comes with this version."""
    return read(SHIPPED)


def own(folder: Path) -> PriceBook:
    """The shipped book with the lines of this folder before it; the shipped one alone if there is no such folder."""
    return read(folder, behind=shipped()) if folder.is_dir() else shipped()


def read(folder: Path, *, behind: PriceBook | None = None) -> PriceBook:
    """The book in this folder; what it lacks is taken from the one `behind`. LakeError names file, line and fault."""
    lists = {**(behind.lists if behind else {}), **{one.name: one for one in _lists(folder)}}
    if not lists:
        raise _wrong(folder / LISTS, 1, "It names no list that prices were taken from.")
    offered = {row.text("name"): frozenset(row.text("regions").split()) for row in _rows(folder / OFFERED, lists)}
    kinds = dict(behind.kinds) if behind else {}
    kinds |= {shape.instance_type: _behind(shape, kinds) for shape in _shapes(folder, lists)}
    # a line about where a type is offered counts whichever book describes the type
    kinds |= {name: replace(shape, offered_in=found) for name, shape in kinds.items() if (found := _of(name, offered))}
    prices = dict(behind.prices) if behind else {}
    prices |= {(one.instance_type, one.region): one for one in _prices(folder, lists)}
    return PriceBook(lists, kinds, prices, frozenset(region for _, region in prices))


@dataclass(frozen=True)
class _Row:
    path: Path
    line: int
    values: Mapping[str, str]

    def text(self, name: str) -> str:
        found = self.values[name].strip()
        if not found:
            raise _wrong(self.path, self.line, f"It has no {name}.")
        return found

    def number(self, name: str) -> Decimal:
        found = as_written(self.values[name])
        if found is None or found < 0:
            raise _wrong(self.path, self.line, f"{name} '{self.values[name][:40]}' is no amount, such as 1.006.")
        return found

    def day(self, name: str) -> date:
        try:
            return date.fromisoformat(self.values[name].strip())
        except ValueError:
            raise _wrong(
                self.path, self.line, f"{name} '{self.values[name][:40]}' is no day, such as 2026-01-19."
            ) from None


def _lists(folder: Path) -> Iterable[PriceList]:
    for row in _rows(folder / LISTS, None):
        yield PriceList(row.text("list"), row.day("dated"), row.values["currency"].strip(), row.text("source"))


def _of(name: str, offered: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return offered.get(name) or offered.get(name.partition(".")[0]) or frozenset()


def _behind(shape: MachineShape, kinds: Mapping[str, MachineShape]) -> MachineShape:
    """The shape, offered where the book behind it says: a line of shapes tells nothing of regions."""
    known = kinds.get(shape.instance_type)
    return shape if known is None else replace(shape, offered_in=known.offered_in)


def _shapes(folder: Path, lists: Mapping[str, PriceList]) -> Iterable[MachineShape]:
    for row in _rows(folder / SHAPES, lists):
        name = row.text("instance_type")
        vcpus = row.number("vcpus")
        if vcpus < 1 or vcpus != vcpus.to_integral_value():
            raise _wrong(row.path, row.line, f"vcpus '{vcpus}' is no whole number of processors.")
        yield MachineShape(
            instance_type=name,
            vcpus=int(vcpus),
            memory_gib=row.number("memory_gib"),
            gpus=row.number("gpus"),
            gpu=row.values["gpu"].strip(),
            gpu_memory_gib=row.number("gpu_memory_gib"),
            architectures=tuple(row.text("architectures").split()),
            current=row.text("current") == "yes",
            offered_in=frozenset(),
            list=row.text("list"),
        )


def _prices(folder: Path, lists: Mapping[str, PriceList]) -> Iterable[OnDemand]:
    for row in _rows(folder / ON_DEMAND, lists):
        origin = lists[row.text("list")]
        per_hour = row.number("per_hour")
        if not per_hour:
            raise _wrong(row.path, row.line, "A price of nothing is how lists write that they do not know it.")
        if not origin.currency:
            raise _wrong(row.path, row.line, f"The list {origin.name} has no currency in {LISTS}.")
        kind, region = row.text("instance_type"), row.text("region")
        yield OnDemand(kind, region, per_hour, origin.currency, origin.dated, origin.source)


def _rows(path: Path, lists: Mapping[str, PriceList] | None) -> Iterator[_Row]:
    """The lines of one file, if it is there; `lists` are those that a line may name."""
    if not path.is_file():
        return
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [name for name in _COLUMNS[path.name] if name not in (reader.fieldnames or ())]
            if missing:
                raise _wrong(path, 1, f"It lacks the columns {', '.join(missing)}.")
            for values in reader:
                row = _Row(path, reader.line_num, {name: values[name] or "" for name in _COLUMNS[path.name]})
                if lists is not None and row.text("list") not in lists:
                    raise _wrong(path, row.line, f"It names the list '{row.text('list')[:40]}'; {LISTS} does not.")
                yield row
    except (csv.Error, UnicodeError, OSError) as error:
        raise _wrong(path, 1, f"It cannot be read as CSV in UTF-8: {error}.") from error


def _wrong(path: Path, line: int, why: str) -> LakeError:
    return LakeError(
        f"The price book cannot be used: {path}, line {line}.",
        why=why,
        do="Mend that line, or move the file away to use the shipped book alone.",
    )
