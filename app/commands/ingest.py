"""`spendgate ingest`: loads bills and utilisation into the lake, and tells what it counted, noticed and held back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from app.commands.console import hint, print_json, print_table
from app.progress import bar
from lake.allocation_rules import TAGS_ALONE, AllocationRules
from lake.engine import Lake
from lake.load import Ready, ingest
from lake.money import plain, rounded
from lake.report import Finding, IngestReport
from lake.sources.invoice_mapping import read_mapping
from tools.shown import one_line

MOST_FINDINGS = 20


def run(
    *,
    home: Path,
    now: datetime,
    paths: Sequence[str],
    source: str | None = None,
    final: bool = False,
    replace: bool = False,
    mapping: Path | None = None,
    rules: AllocationRules = TAGS_ALONE,
    as_json: bool = False,
) -> IngestReport:
    """Loads the paths into the lake of this home; raises LakeError with nothing changed if that cannot be done."""
    with bar(as_json=as_json), here(paths, home) as ready:
        report = ingest(
            Lake(home / "lake"),
            ready.paths,
            now=now,
            final=final,
            source=source,
            replace=replace,
            mapping=read_mapping(mapping) if mapping else None,
            rules=rules,
            noticed=ready.noticed,
        )
    tell(report, as_json=as_json)
    return report


@contextmanager
def here(paths: Sequence[str], home: Path) -> Iterator[Ready]:
    """The paths as files of this machine while they are loaded; what lies in a bucket is brought first."""
    if not any(path.lower().startswith("s3://") for path in paths):
        yield Ready([Path(path) for path in paths], [])
        return
    from lake.sources import s3  # AWS's library takes its time to import, and few loads need it

    with s3.brought(paths, beside=home) as ready:
        yield ready


def tell(report: IngestReport, *, as_json: bool) -> None:
    """Prints what a load counted, noticed and held back."""
    if as_json:
        print_json(_document(report))
    else:
        _tell(report)


def _document(report: IngestReport) -> dict[str, object]:
    return {
        "snapshots": report.snapshots,
        "rows_in": report.rows_in,
        "rows_loaded": report.rows_loaded,
        "rows_quarantined": report.rows_quarantined,
        "totals": [
            {"currency": total.currency, "billed": plain(total.billed), "effective": plain(total.effective)}
            for total in report.totals
        ],
        "rows_repeated": report.rows_repeated,
        "held_back": [
            {
                "currency": held.currency,
                "rows": held.rows,
                "billed": plain(held.billed),
                "effective": plain(held.effective),
            }
            for held in report.held_back
        ],
        "usage_hours": report.usage_hours,
        "findings": [finding.model_dump() for finding in report.findings],
        "quarantine": report.quarantine,
    }


def _tell(report: IngestReport) -> None:
    totals = [(total.currency, rounded(total.billed), rounded(total.effective)) for total in report.totals]
    if totals:
        print_table(("currency", "billed", "effective"), totals, right=frozenset({"billed", "effective"}))
        hint("Totals: billed, then effective cost; exact with --json.")
    if report.snapshots:
        hint(
            f"{report.rows_loaded} of {report.rows_in} rows loaded into {_counted(len(report.snapshots), 'snapshot')}."
        )
    if report.usage_hours:
        hint(f"{report.usage_hours} machine hours of utilisation loaded.")
    if report.rows_quarantined:
        hint(
            f"Counted in no total, since money, time or currency cannot be read: "
            f"{_counted(report.rows_quarantined, 'row')}{_money(report)}. See them: spendgate lake quarantine"
        )
    for finding in report.findings[:MOST_FINDINGS]:
        hint(f"  note: {_told(finding)}")
    if len(report.findings) > MOST_FINDINGS:
        hint(f"  … and {len(report.findings) - MOST_FINDINGS} more (--json lists them all).")


def _money(report: IngestReport) -> str:
    """What of the money of rows that are counted nowhere can be read, since the bill has it and the totals do not."""
    told = [
        f"{rounded(held.billed)} {held.currency or 'of no readable currency'}"
        for held in report.held_back
        if held.billed
    ]
    return f" (billed {', '.join(told)})" if told else ""


def _told(finding: Finding) -> str:
    rows = f" ({_counted(finding.rows, 'row')})" if finding.rows and str(finding.rows) not in finding.text else ""
    example = f"; {finding.example}" if finding.example else ""
    return one_line(f"{finding.file}: {finding.text}{rows}{example}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
