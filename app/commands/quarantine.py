"""`spendgate lake quarantine`: the rows of bills that count in no total, each with its place, its reason and its text.

A row that cannot be read says of no team whose it is, so only those who may see every team see them.
"""

from itertools import islice

from app.commands.console import hint, print_json, print_table
from app.errors import Exit, Problem
from lake.engine import Lake
from lake.quarantine import HeldRow, held_rows
from lake.question import EVERY_TEAM

SHOWN = ("ChargePeriodStart", "BilledCost", "BillingCurrency", "ServiceName", "ResourceId")
HEADINGS = ("Source", "Period", "File", "Row", "Why", "From", "Billed", "Currency", "Service", "Resource")


def run(*, lake: Lake, source: str | None, top: int, teams_seen: tuple[str, ...], as_json: bool) -> None:
    """Lists the first `top` of them; how many there are in all goes to stderr."""
    if EVERY_TEAM not in teams_seen:
        raise Problem(
            "Rows that were held back are not shown to you.",
            why="They cannot be read, so nobody can tell whose they are; you see some teams only.",
            do="Ask whoever sees every team, or whoever loads the bills.",
            exit_code=Exit.DENIED,
        )
    current = tuple(one for one in lake.current() if source in (None, one.source))
    if source is not None and not current:
        raise Problem(
            f"There is no source {source[:60]!r} in the lake.",
            why="Nothing was loaded under this name.",
            do="See which there are: spendgate lake status.",
            exit_code=Exit.NOT_FOUND,
        )
    rows, whole = list(islice(held_rows(lake.folder, current), top)), sum(one.rows_quarantined for one in current)
    if as_json:
        print_json({"held_back": whole, "rows": rows})
        return
    if rows:
        print_table(HEADINGS, [_told(one) for one in rows], right=frozenset({"Row", "Billed"}))
    hint(_summed(len(rows), whole))


def _told(one: HeldRow) -> tuple[str, ...]:
    place = (one.source, one.period, one.file, f"{one.row}", one.reason)
    return (*place, *(one.values.get(name, "") for name in SHOWN))


def _summed(shown: int, whole: int) -> str:
    if not whole:
        return "No row is held back: every row of what is loaded counts."
    rest = f"; {whole - shown:,} more with --top" if whole > shown else ""
    return (
        f"{whole:,} held back, in no total{rest}. Rows are counted after the header; mend them in the bill and load it"
        " again. --json has every column."
    )
