"""Writes the bank: its bill by provider and month, its machines and their utilisation, and the truth about them."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from json import dumps
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from sandbox.bank.calendar import Calendar
from sandbox.bank.commitments import add_commitments
from sandbox.bank.errors import BankError
from sandbox.bank.events import plant
from sandbox.bank.focus import Bill, bills
from sandbox.bank.folder import prepared
from sandbox.bank.line import Book
from sandbox.bank.machines import add_machines, machine_list
from sandbox.bank.platform_aws import AWS_SERVICES
from sandbox.bank.platform_azure import AZURE_SERVICES
from sandbox.bank.services import add_services
from sandbox.bank.tokens import add_tokens
from sandbox.bank.truth import truth
from sandbox.bank.utilisation import utilisation
from sandbox.bank.waste import HOURS_PER_MONTH, add_waste, waste_in_cloud, waste_truth, waste_utilisation
from sandbox.bank.waste_gateway import gateway_log, gateway_truth
from sandbox.bank.waste_keys import keys_in_cloud, keys_truth
from sandbox.bank.waste_models import EVALUATED, REPEATED, THROUGH
from sandbox.bank.waste_projects import projects_truth

LEAST_MONTHS = 6


@dataclass(frozen=True)
class BankSummary:
    """What was written, for the one who asked. `effective_cost` is of all rows, in `currency`."""

    folder: Path
    first: date
    until: date
    rows: int
    files: tuple[Path, ...]
    machines: int
    effective_cost: Decimal
    currency: str
    untagged_share: Decimal


def write_bank(
    folder: Path, *, until: date, seed: int = 7, months: int = 14, csv: bool = False, waste: bool = False
) -> BankSummary:
    """The bill of `months` calendar months up to and including the day `until`; same arguments, same bytes.

    Writes `bill/<provider>/<YYYY-MM>.parquet` (or `.csv`), `usage/utilization.parquet`, `machines.json`,
    `calendar.csv`, `truth.json`.
    With `waste` there is planted waste besides, which the truth tells under that name, and `gateway.json`, the log of
    a LiteLLM proxy that goes on to the next morning.

    Raises BankError; a bank that stands in the folder is replaced as a whole or stays as it was.
    """
    if months < LEAST_MONTHS:
        raise BankError(
            f"A bank of {months} months cannot be made.",
            why="What is planted in its bill reaches back further.",
            do=f"Ask for at least {LEAST_MONTHS} months.",
        )
    with prepared(folder) as target:
        summary = _write(target, until=until, seed=seed, months=months, csv=csv, waste=waste)
    return replace(summary, folder=folder, files=tuple(folder / path.relative_to(target) for path in summary.files))


def _write(folder: Path, *, until: date, seed: int, months: int, csv: bool, waste: bool) -> BankSummary:
    book = Book(Calendar.back_from(until, months=months, seed=seed))
    add_machines(book)
    add_services(book, AWS_SERVICES + AZURE_SERVICES)
    add_tokens(book)
    if waste:
        add_waste(book)
    events = plant(book)
    add_commitments(book)
    written, files, sums = 0, [], _Sums()
    for bill in bills(book):
        files.append(_write_bill(folder, bill, csv=csv))
        written += bill.table.num_rows
        sums.add(bill)
    used = utilisation(book.calendar)
    if waste:
        used = pa.concat_tables([used, waste_utilisation(book.calendar)], promote_options="default")
    files.append(_write_parquet(folder / "usage" / "utilization.parquet", used))
    more = {**waste_in_cloud(book.calendar), "access_keys": keys_in_cloud(until)} if waste else {}
    listed = machine_list(book.calendar) + more.pop("machines", [])
    kinds = "".join(f"{day.isoformat()},{kind}\n" for day, kind in book.calendar.kinds())
    (folder / "calendar.csv").write_text(f"date,kind\n{kinds}", encoding="utf-8")
    _write_json(folder / "machines.json", {"machines": listed, **more})
    told: dict[str, Any] = {}
    if waste:
        told = {
            "waste": waste_truth(book),
            "evaluated": EVALUATED,
            "through": THROUGH,
            "repeated": REPEATED,
            "gateway": gateway_truth(until),
            "keys": keys_truth(),
            "projects": projects_truth(book, hours_per_month=HOURS_PER_MONTH),
        }
        _write_json(folder / "gateway.json", {"data": gateway_log(until)})
    _write_json(folder / "truth.json", {**truth(book, events), **told, **sums.as_json()})
    return BankSummary(
        folder=folder, first=book.calendar.first, until=until, rows=written, files=tuple(files),
        machines=len(machine_list(book.calendar)), effective_cost=sums.total, currency="USD",
        untagged_share=sums.untagged_share,
    )  # fmt: skip


class _Sums:
    """Effective cost by month and provider, and how much of it carries no team."""

    def __init__(self) -> None:
        self.months: dict[str, dict[str, str]] = {}
        self.total = Decimal(0)
        self.untagged = Decimal(0)

    def add(self, bill: Bill) -> None:
        costs = bill.table["EffectiveCost"]
        total = pa.compute.sum(costs).as_py() or Decimal(0)
        bare = pa.compute.is_null(bill.table["Tags"])
        self.total += total
        self.untagged += pa.compute.sum(costs.filter(bare)).as_py() or Decimal(0)
        self.months.setdefault(f"{bill.month:%Y-%m}", {})[bill.provider.name] = str(total)

    @property
    def untagged_share(self) -> Decimal:
        return (self.untagged / self.total).quantize(Decimal("0.0001"))

    def as_json(self) -> dict[str, Any]:
        return {
            "untagged_share": str(self.untagged_share),
            "effective_cost_by_billing_month": self.months,
            "effective_cost": str(self.total),
        }


def _write_bill(folder: Path, bill: Bill, *, csv: bool) -> Path:
    path = folder / "bill" / bill.provider.folder / f"{bill.month:%Y-%m}.{'csv' if csv else 'parquet'}"
    if not csv:
        return _write_parquet(path, bill.table)
    path.parent.mkdir(parents=True, exist_ok=True)
    pa.csv.write_csv(_as_text(bill.table), path)
    return path


def _write_parquet(path: Path, table: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pa.parquet.write_table(table, path, compression="zstd", store_schema=False)
    return path


def _as_text(table: Any) -> Any:
    """Times as FOCUS writes them in text (ISO 8601 with a Z), text columns plain."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_timestamp(column.type):
            column = pa.compute.strftime(column.cast(pa.timestamp("s", tz="UTC")), format="%Y-%m-%dT%H:%M:%SZ")
        elif pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        columns[name] = column
    return pa.table(columns)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
