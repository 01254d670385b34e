"""`./dev chaos`: kills the worker, the gate and the drafting process again and again, then counts what happened.

Exit code 1 with the evidence if anything was done twice, lost, or left half done.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from tests.chaos.campaign import Campaign, Plan
from tests.chaos.planted import FAULTS
from tests.chaos.store import DATABASES


def main() -> int:
    """Runs the campaigns that were asked for and tells what they found."""
    given = _arguments()
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _stop)
    kept = _read(given.keep)
    results = []
    for plan in _plans(given):
        known = kept.get((plan.database, plan.seed))
        if known is not None:
            results.append(known)
            continue
        results.append(result := _run(plan, keep_folder=given.folder))
        if given.keep:
            with given.keep.open("a") as file:
                file.write(json.dumps(result) + "\n")
        _say(result, as_json=given.json)
    if len(results) > 1:
        _say(total(results), as_json=given.json)
    return int(any(result["violations"] for result in results))


def total(results: list[dict[str, Any]]) -> dict[str, Any]:
    """All campaigns as one: numbers added, tables added row by row."""
    summed: dict[str, Any] = {}
    for result in results:
        for name, value in result.items():
            if isinstance(value, dict):
                summed[name] = dict(Counter(summed.get(name, {})) + Counter(value))
            elif isinstance(value, list):
                summed[name] = [*summed.get(name, []), *value]
            elif name not in ("database", "seed"):
                summed[name] = round(summed.get(name, 0) + value, 1)
    names = " and ".join(sorted({str(result["database"]) for result in results}))
    return {"database": names, "seed": "all", **summed}


def _plans(given: argparse.Namespace) -> list[Plan]:
    databases = DATABASES if given.database == "both" else (given.database,)
    shares = [(_share(given.kills, at, given.parts), _share(given.cold, at, given.parts)) for at in range(given.parts)]
    return [
        Plan(kills=kills, cold=cold, seed=given.seed + at, database=database, planted=given.planted)
        for database in databases
        for at, (kills, cold) in enumerate(shares)
    ]


def _share(whole: int, at: int, parts: int) -> int:
    return whole * (at + 1) // parts - whole * at // parts


def _run(plan: Plan, *, keep_folder: Path | None) -> dict[str, Any]:
    folder = keep_folder or Path(tempfile.mkdtemp(prefix="spendgate-chaos-"))
    here = folder / f"{plan.database}-{plan.seed}"
    result = Campaign(plan, here).run()
    if result["violations"]:
        result["folder"] = str(here)
    elif keep_folder is None:
        shutil.rmtree(folder)
    return result


def _read(path: Path | None) -> dict[tuple[str, int], dict[str, Any]]:
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return {(row["database"], row["seed"]): row for row in rows}


def _say(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
        return
    for name, value in result.items():
        if isinstance(value, dict):
            value = ", ".join(f"{word} {count}" for word, count in sorted(value.items(), key=lambda one: -one[1]))
        elif isinstance(value, list):
            value = "".join(f"\n    {line}" for line in value)
        sys.stdout.write(f"{name}: {value or 'none'}\n")
    rate = result["kills"] / max(result["seconds of killing"], 0.1)
    sys.stdout.write(f"kills and restarts a second: {rate:.1f}\n\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("--kills", type=_count, default=200, help="how many processes are killed (200)")
    parser.add_argument("--cold", type=_count, default=10, help="how many of them are `spendgate worker`, started cold")
    parser.add_argument("--seed", type=int, default=1, help="draws who is killed and where")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="sqlite")
    parser.add_argument("--parts", type=_count, default=1, help="as that many campaigns, seeds counting up")
    parser.add_argument("--keep", type=Path, help="adds each campaign to this file; those that it holds are not run")
    parser.add_argument("--folder", type=Path, help="keeps databases and logs there")
    parser.add_argument("--planted", choices=FAULTS, default="none", help="switches a fault on that must be found")
    parser.add_argument("--json", action="store_true", help="one JSON line for each campaign, and one for all")
    given = parser.parse_args()
    if given.cold > given.kills:
        parser.error(f"--cold {given.cold} is more than --kills {given.kills}: cold ones are some of all kills")
    if given.parts < 1:
        parser.error("--parts must be at least 1")
    return given


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 1000000")
    return number


def _stop(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.stderr.write("\nended; everything that it started has been ended too\n")
        sys.exit(130)
