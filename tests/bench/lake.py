"""`./dev bench lake`: what a load costs and how fast questions are answered, beside other tools in one run.

A generated bill of N charges is loaded by the lake and copied by DuckDB alone into the same column types, each in a
process of its own. Then the everyday questions are asked of the lake, and of the charges' files by hand-written SQL,
Polars and pandas; all must come to the same figures. Ratios are what counts: absolute times are those of the machine.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lake import compiled, expressions
from lake.engine import Answered, Lake
from lake.period import Period
from lake.question import Question
from tests.bench import lake_bill
from tests.bench.lake_questions import Figures, by_pandas, by_polars, by_sql, drill_down, everyday, same

MOST_FOR_PANDAS = 1_000_000
Ways = dict[str, Callable[[], Figures]]


def main(arguments: list[str] | None = None) -> int:
    """Prints tables for people, or one JSON document; 1 if two ways came to different figures."""
    parser = argparse.ArgumentParser(prog="./dev bench lake", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="charges of the bill (1000000)")
    parser.add_argument("--months", type=int, default=12, help="that they are spread over (12)")
    parser.add_argument("--form", choices=("csv", "parquet"), default="csv", help="of the bill (csv)")
    parser.add_argument("--repeat", type=int, default=7, help="times that each question is asked (7)")
    parser.add_argument("--bill", type=Path, help="this bill of an earlier run, or where to keep it for the next")
    parser.add_argument("--folder", type=Path, help="for the bill and the lake; a temporary one, removed, by default")
    parser.add_argument("--alone", action="store_true", help="load with the lake alone, without DuckDB's own copy")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="bench-lake-") as folder:
        found = measure(
            Path(folder),
            rows=given.rows,
            months=given.months,
            form=given.form,
            repeat=given.repeat,
            kept=given.bill,
            alone=given.alone,
        )
    print(json.dumps(found, indent=1) if given.json else table(found))
    wrong = [one["said"] for one in found["questions"] if not one["same"]]
    wrong += [] if found["drill_down"]["same"] else ["drill-down of a month"]
    if wrong:
        print(f"Two ways came to different figures: {'; '.join(wrong)}.", file=sys.stderr)
    return 1 if wrong else 0


def measure(
    folder: Path,
    *,
    rows: int,
    months: int,
    form: str,
    repeat: int,
    kept: Path | None = None,
    alone: bool = False,
) -> dict[str, Any]:
    """All of it; the folder takes the bill (about 740 bytes a charge as CSV), the copy and the lake.

    `kept` is where a bill of just these charges lies or will lie, for several runs; `alone` leaves DuckDB's copy out,
    which takes as long as the load.
    """
    if kept is not None and kept.exists():
        bill = lake_bill.Bill(kept, rows, lake_bill.months_of(months))
    else:
        say(f"writing a bill of {rows} charges")
        bill = lake_bill.write(kept or folder / f"bill.{form}", rows, months=months)
    loads: dict[str, dict[str, Any]] = {}
    for how in ("lake",) if alone else ("duckdb", "lake"):
        say(f"loading it with {how}")
        loads[how] = _child(how, bill.path, folder / how)
        loads[how]["rows_a_second"] = round(rows / loads[how]["seconds"])
        say("  {seconds:.1f} s, {cpu:.1f} processor s, {rows_a_second:,} rows/s".format(**loads[how]))
    shutil.rmtree(folder / "duckdb", ignore_errors=True)
    if kept is None:
        bill.path.unlink()
    lake = Lake(folder / "lake", keep=0)  # each time is to be an answer from the files
    asked: list[dict[str, Any]] = [
        _ask(lake, one.said, one.question, one.detail, rows, repeat) for one in _everyday(lake, bill.months[-1])
    ]
    return {
        "rows": rows,
        "months": months,
        "form": form,
        "processors": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "ingest": loads,
        "questions": asked,
        "drill_down": _drill_down(lake, bill.months[-1], repeat),
        "overhead_ms": _overhead(lake, bill.months[-1], repeat),
        "held": _held(lake),
    }


def say(text: str) -> None:
    """Tells what goes on, where it disturbs no document."""
    print(text, file=sys.stderr, flush=True)


def _child(how: str, bill: Path, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.lake_child", how, str(bill), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _everyday(lake: Lake, newest: date) -> Iterable[Any]:
    account, team = lake.values("account", 1)[0], lake.values("team", 2)[-1]
    return everyday(Period.of_months(newest, 1), account=account, team=team)


def _files(lake: Lake) -> list[Path]:
    return [lake.folder / file.path for snapshot in lake.store.current() for file in snapshot.files]


def _ask(lake: Lake, said: str, question: Question, detail: bool, rows: int, repeat: int) -> dict[str, Any]:
    say(said)
    files = _files(lake)
    read = lake.ask(question).read
    ways: Ways = {"lake": lambda: _figures(lake.ask(question)), "sql": by_sql(question, files)}
    if find_spec("polars"):
        ways["polars"] = by_polars(question, files)
    if find_spec("pandas") and rows <= MOST_FOR_PANDAS:
        ways["pandas"] = by_pandas(question, files)
    times, figures = _times(ways, repeat)
    found: dict[str, Any] = {
        "said": said,
        "read": read,
        "same": all(same(figures["sql"], figures[way], exactly=way != "pandas") for way in ways),
        "detail": detail,
        **{way: _spread(measured) for way, measured in times.items()},
    }
    found["ratio"] = round(found["sql"]["p50"] / found["lake"]["p50"], 2)
    return found


def _times(ways: Ways, repeat: int) -> tuple[dict[str, list[float]], dict[str, Figures]]:
    """Milliseconds of each way, in turns so that what else the machine does falls on all of them; the first is warm."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    figures = {way: ask() for way, ask in ways.items()}
    for _ in range(repeat):
        for way, ask in ways.items():
            start = time.perf_counter()
            ask()
            times[way].append((time.perf_counter() - start) * 1000)
    return times, figures


def _figures(answered: Answered) -> Figures:
    keys = expressions.keys(answered.question.by).values()
    return {
        (*(str(row[key]) for key in keys), str(row["currency"])): row["value"]
        for row in answered.rows
        if not isinstance(row["value"], str) and row["value"] is not None
    }


def _spread(milliseconds: list[float]) -> dict[str, float]:
    ordered = sorted(milliseconds)
    nearest = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return {"p50": round(statistics.median(ordered), 1), "p95": round(nearest, 1)}


def _drill_down(lake: Lake, newest: date, repeat: int) -> dict[str, Any]:
    month, team = Period.of_months(newest, 1), lake.values("team", 2)[-1]
    dearest = lake.ask(Question(period=month, by=("service",), where={"team": (team,)}, limit=1)).rows[0]
    question = drill_down(month, team=team, service=str(dearest["service"]))
    ways: Ways = {"lake": lambda: _figures(lake.ask(question)), "sql": by_sql(question, _files(lake))}
    times, figures = _times(ways, repeat)
    ratio = statistics.median(times["lake"]) / statistics.median(times["sql"])
    return {
        **{way: _spread(measured) for way, measured in times.items()},
        "ratio": round(ratio, 2),
        "rows": len(figures["lake"]),
        "same": bool(figures["lake"]) and figures["lake"] == figures["sql"],
    }


def _overhead(lake: Lake, newest: date, repeat: int) -> dict[str, dict[str, float]]:
    """From a question to its query's text, without asking it: of a shape that is new, and of one that is not."""
    question = Question(period=Period.of_months(newest, 1), by=("team", "service"), where={"environment": ("prod",)})

    def known() -> Figures:
        compiled.to_sql(expressions.rows, (), question, 1000)
        return {}

    def new() -> Figures:
        expressions.to_sql(expressions.rows(expressions.charges(), question, 1000))
        return {}

    times, _ = _times({"known": known, "new": new}, repeat * 3)
    return {way: _spread(measured) for way, measured in times.items()}


def _held(lake: Lake) -> dict[str, int]:
    current = lake.store.current()
    return {
        "snapshots": len(current),
        "bytes": sum(file.bytes for snapshot in current for file in snapshot.files),
        "rollup_rows": sum(snapshot.rollup.rows for snapshot in current if snapshot.rollup),
    }


def table(found: dict[str, Any]) -> str:
    """The measurement as Markdown tables, as docs/benchmarks.md keeps them."""
    lake, alone = found["ingest"]["lake"], found["ingest"].get("duckdb")
    lines = [
        f"{found['rows']:,} charges of {found['months']} months as {found['form']}; {found['processors']} processors, "
        f"load {found['load_average']}; {found['held']['rollup_rows']:,} rows in the rollups",
        "",
        "| load | s | processor s | rows/s | peak memory |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, one in (("DuckDB alone", alone), ("the lake", lake)):
        if one is None:
            continue
        peak = f"{one['peak'] / 2**30:.2f} GiB"
        lines.append(f"| {name} | {one['seconds']:.1f} | {one['cpu']:.1f} | {one['rows_a_second']:,} | {peak} |")
    if alone is not None:
        ratios = f"{lake['seconds'] / alone['seconds']:.2f} | {lake['cpu'] / alone['cpu']:.2f}"
        lines.append(f"| ratio | {ratios} | | {lake['peak'] / alone['peak']:.2f} |")
    lines.append("")
    ways = [way for way in ("lake", "sql", "polars", "pandas") if way in found["questions"][0]]
    lines.append(f"| question, ms p50 (p95) | read | {' | '.join(ways)} | sql : lake |")
    lines.append(f"|---|---|{'---:|' * len(ways)}---:|")
    for one in found["questions"]:
        cells = " | ".join(f"{one[way]['p50']} ({one[way]['p95']})" for way in ways)
        lines.append(f"| {one['said']} | {one['read']} | {cells} | {one['ratio']} |")
    down, overhead = found["drill_down"], found["overhead_ms"]
    lines += [
        "",
        f"Drill-down of a month: {down['lake']['p50']} ms, by hand-written SQL {down['sql']['p50']} ms, "
        f"ratio {down['ratio']}. From a question to its SQL: {overhead['known']['p50']} ms "
        f"({overhead['known']['p95']}), the first of its shape {overhead['new']['p50']} ms ({overhead['new']['p95']}).",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
