"""`spendgate sandbox bank`: a mid-sized bank's bill, machines and utilisation, made from a seed into a folder."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path


def run(
    *,
    into: Path,
    until: date | None = None,
    seed: int = 7,
    csv: bool = False,
    waste: bool = False,
    as_json: bool = False,
) -> int:
    """Writes the bank up to and including `until` (default: yesterday, UTC), with planted waste if asked.

    Returns the exit code. Raises BankError.
    """
    from app.commands.console import hint, print_json
    from sandbox.bank.write import write_bank

    last = until or datetime.now(UTC).date() - timedelta(days=1)
    summary = write_bank(into, until=last, seed=seed, csv=csv, waste=waste)
    if as_json:
        print_json(
            {
                "into": str(summary.folder),
                "first": summary.first,
                "until": summary.until,
                "rows": summary.rows,
                "files": [str(path) for path in summary.files],
                "machines": summary.machines,
                "effective_cost": summary.effective_cost,
                "currency": summary.currency,
            }
        )
        return 0
    print(f"{summary.rows} charges from {summary.first} to {summary.until}, {summary.machines} machines: {into}")
    hint(f"Load it with: spendgate ingest {into}; what was planted in it: {into / 'truth.json'}")
    return 0
