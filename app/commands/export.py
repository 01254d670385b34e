"""`spendgate export`: the lake's charges as one FOCUS file, whole under its name or not at all."""

from collections.abc import Sequence
from pathlib import Path

from app.commands.console import hint, print_json
from app.errors import Exit, Problem
from app.new_file import new_file
from lake.engine import Lake
from lake.export import ENDINGS, VERSION, Exported, export
from lake.period import Period


def run(
    *,
    lake: Lake,
    focus: str,
    out: Path,
    period: str | None,
    source: str | None,
    teams_seen: Sequence[str],
    as_json: bool,
) -> Exported:
    """Writes `out`, whose ending says in which form; raises Problem or LakeError with nothing written."""
    if focus != VERSION:
        raise Problem(
            f"FOCUS {focus} is not written here.",
            why=f"The lake stores FOCUS {VERSION}; another version would lack columns or make some up.",
            do=f"Write --focus {VERSION}.",
            exit_code=Exit.USAGE,
        )
    form = next((ending.removeprefix(".") for ending in ENDINGS if out.name.lower().endswith(ending)), None)
    if form is None:
        raise Problem(
            f"{out.name} does not say in which form it is to be written.",
            why="The ending of the file's name says it.",
            do=f"Let it end in {' or '.join(ENDINGS)}.",
            exit_code=Exit.USAGE,
        )
    with new_file(out) as stream:
        done = export(
            lake,
            Path(stream.name),
            form=form,
            period=Period.parse(period) if period else None,
            source=source,
            teams_seen=teams_seen,
        )
    if as_json:
        print_json(
            {
                "file": str(out),
                "rows": done.rows,
                "snapshots": list(done.snapshots),
                "findings": [finding.model_dump() for finding in done.findings],
            }
        )
        return done
    hint(f"{done.rows} charges in FOCUS {VERSION} written to {out}, of {len(done.snapshots)} snapshots.")
    for finding in done.findings:
        hint(f"  not conforming: {finding.text}.")
    return done
