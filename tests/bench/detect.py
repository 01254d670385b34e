"""`./dev bench detect`: how well unusual cost is found, beside other people's rules, on folders of labelled series.

Without `--data` it makes series of three characters that the rule was not tuned on (`detect_made.py`). Precision,
recall and F1 are by event; what counts as found and as false is in `detect_score.py`, the same for every rule.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.detect_baselines import rules
from tests.bench.detect_folder import DAY, Folder, UnreadableError, read_folder
from tests.bench.detect_made import MAKERS, made
from tests.bench.detect_score import Score, score
from tools.detection import evidence, expected, idle, modes
from tools.detection.clock import Clock
from tools.detection.discoveries import controlled
from tools.detection.families import told_at
from tools.detection.robust import scores

UPDATE_DAYS, UPDATE_BATCH = 400, 2000
SIZES = {"bank": (480, 430), "tokens": (480, 430), "gateway": (60, 90)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table for each folder, or one JSON document; 2 where a folder cannot be measured."""
    given = _parser().parse_args(arguments)
    if given.update:
        report = days_update(given.update)
        sys.stdout.write(json.dumps([report]) + "\n" if given.json else update_line(report) + "\n")
        return 0
    told: list[dict[str, Any]] = []
    try:
        for folder in _folders(given):
            report = measured(folder, only_ours=given.only_ours, ablation=given.ablation)
            told.append(report)
            if not given.json:
                sys.stdout.write(table(report) + "\n")
    except UnreadableError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if given.json:
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev bench detect", description=__doc__)
    parser.add_argument("--data", type=Path, action="append", metavar="DIR", help="a labelled folder; may be repeated")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="N", help="of the series made here (1)")
    parser.add_argument("--made", nargs="+", choices=sorted(MAKERS), default=list(MAKERS), help="which kinds to make")
    parser.add_argument("--only-ours", action="store_true", help="leave the other rules away")
    parser.add_argument("--ablation", action="store_true", help="also measure ours without each of its parts")
    parser.add_argument(
        "--update", type=_many, metavar="SERIES", help="instead: what judging one more day of so many series costs"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser


def _many(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of series, such as 100000")
    return int(text)


def days_update(series: int) -> dict[str, Any]:
    """What it costs to judge one more day of `series` series of 400 days: seconds and processor seconds of all that
    must run for the scores of the last day. The rule keeps nothing from the day before, so that is the replay."""
    folder = made("tokens", seed=1, series=min(series, UPDATE_BATCH), days=UPDATE_DAYS)
    seconds, cpu, left, alarms = 0.0, 0.0, series, 0
    while left > 0:
        costs = folder.values[:left]
        began, used = time.perf_counter(), time.process_time()
        [scored] = controlled([scores(costs, folder.first_day, clock=clock_of(folder))])
        seconds += time.perf_counter() - began
        cpu += time.process_time() - used
        alarms += int(scored.alarm[:, -1].sum())
        left -= len(costs)
    return {
        "series": series,
        "days": UPDATE_DAYS,
        "seconds": round(seconds, 2),
        "processor_seconds": round(cpu, 2),
        "alarms_of_the_last_day": alarms,
    }


def update_line(report: dict[str, Any]) -> str:
    """The update for people."""
    each = report["series"] / max(report["seconds"], 1e-9)
    return (
        f"a day's update: {report['series']:,} series of {report['days']} days judged anew in {report['seconds']:.1f} "
        f"s, {report['processor_seconds']:.1f} s of processor time ({each:,.0f} series/s), "
        f"{report['alarms_of_the_last_day']} alarms on the last day"
    )


def _folders(given: argparse.Namespace) -> Any:
    if given.data:
        yield from (read_folder(path) for path in given.data)
        return
    for kind in given.made:
        for seed in given.seeds:
            series, days = SIZES[kind]
            folder = made(kind, seed=seed, series=series, days=days)
            folder.name = f"{kind}, seed {seed}"
            yield folder


def clock_of(folder: Folder) -> Clock:
    """The folder's columns as the detector knows them."""
    return Clock(folder.first_day, timedelta(seconds=folder.step), folder.calendar)


def measured(folder: Folder, *, only_ours: bool = False, ablation: bool = False) -> dict[str, Any]:
    """All rules on one folder."""
    found = {"Spendgate": _ours(folder)}
    for name, (module, changes) in ABLATIONS.items() if ablation else ():
        with _changed(module, changes):
            found[f"- without {name}"] = _ours(folder)
    if ablation and folder.calendar:
        found["- without the calendar"] = _ours(replace(folder, calendar={}))
    if ablation and (folder.parent >= 0).any():
        found["- without the parents"] = _ours(folder, families=False)
    for name, (rule, few) in {} if only_ours else rules(folder).items():
        part = _first(folder, few) if few else folder
        began = time.process_time()
        with np.errstate(all="ignore"):
            alarm = rule(part)
        seconds = time.process_time() - began
        label = f"{name} ({len(part.series)} series)" if few else name
        found[label] = _row(score(part, alarm), len(part.series) / max(seconds, 1e-9))
    return {
        "folder": folder.name,
        "series": len(folder.series),
        "steps": folder.values.shape[1],
        "step_days": folder.step / DAY,
        "events": len(folder.labels),
        "notes": folder.notes,
        "rules": found,
    }


def _ours(folder: Folder, *, families: bool = True) -> dict[str, Any]:
    """Our rule; without `families` it does not know whose children the series are, and the score still does."""
    began = time.process_time()
    [scored] = controlled([scores(folder.values, folder.first_day, clock=clock_of(folder))])
    seconds = time.process_time() - began
    together = told_at(scored, scored.alarm, folder.parent) if families and len(folder.parent) else None
    return _row(score(folder, scored.alarm, together), len(folder.series) / max(seconds, 1e-9))


def _without(place: int) -> tuple[float, ...]:
    """The weights with one of them 0."""
    return tuple(0.0 if at == place else weight for at, weight in enumerate(evidence.WEIGHTS))


def _no_twins(_clock: Clock, count: int) -> list[Any]:
    return [np.full(count, -1)]


ABLATIONS: dict[str, tuple[Any, dict[str, Any]]] = {
    "the day alone": (evidence, {"WEIGHTS": _without(0)}),
    **{
        f"the {width} days" + (f" {apart} days on" if apart else ""): (evidence, {"WEIGHTS": _without(place)})
        for place, (width, apart) in enumerate(evidence.STRETCHES, start=1)
    },
    "two levels": (modes, {"WINDOWS": ()}),
    "the second day beyond two levels": (evidence, {"WEIGHTS": _without(len(evidence.STRETCHES) + 2)}),
    "days of rest": (idle, {"LEAST_RESTS": 10**9}),
    "the tails of all series": (evidence, {"REACH_POWER": 0.0}),
    "the edges of months": (Clock, {"month_twins": _no_twins}),
    "a series' own stretches": (evidence, {"OWN_SHARE": 0.0}),
    "its weekly tails": (evidence, {"TAIL_NORMAL": 1e9}),
    "the least change": (evidence, {"LEAST_CHANGE": 0.0}),
    "the slope": (expected, {"SLOPE_SHARE": 0.0}),
}


@contextmanager
def _changed(module: Any, changes: dict[str, Any]) -> Iterator[None]:
    before = {name: getattr(module, name) for name in changes}
    try:
        for name, value in changes.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def _first(folder: Folder, few: int) -> Folder:
    """The first series alone."""
    kept = [label for label in folder.labels if label.series < few]
    cut: Callable[[Any], Any] = lambda values: None if values is None else values[:few]  # noqa: E731
    parent = np.where(folder.parent < few, folder.parent, -1)[:few]
    return Folder(
        folder.name,
        folder.series[:few],
        folder.first,
        folder.step,
        folder.values[:few],
        kept,
        cut(folder.mean),
        cut(folder.sigma),
        folder.calendar,
        parent,
    )


def _row(one: Score, speed: float) -> dict[str, Any]:
    return {**asdict(one), "series_per_second": round(speed, 1)}


def table(report: dict[str, Any]) -> str:
    """One folder for people: the rules, and ours by kind and size."""
    lines = [
        f"{report['folder']}: {report['series']} series, {report['steps']} steps of {report['step_days']:g} days, "
        f"{report['events']} events",
        *(f"  note: {note}" for note in report["notes"]),
        f"  {'rule':<30}{'precision':>10}{'recall':>8}{'F1':>7}{'false':>9}{'money':>7}{'delay':>7}{'series/s':>10}",
    ]
    for name, one in report["rules"].items():
        waits = list(one["delay"].values())
        delay = f"{one['delay'].get('spike', min(waits)):.1f}" if waits else "never"
        lines.append(
            f"  {name:<30}{one['precision']:>10.3f}{one['recall']:>8.3f}{one['f1']:>7.3f}"
            f"{one['false_per_series_month']:>9.4f}{one['money']:>7.3f}{delay:>7}{one['series_per_second']:>10.0f}"
        )
    ours = next(iter(report["rules"].values()))
    for title, what in (("by kind", "by_kind"), ("by size", "by_size")):
        if ours[what]:
            lines.append(f"  Spendgate, recall {title}: " + ", ".join(f"{k} {v:.2f}" for k, v in ours[what].items()))
    lines.append("  (false: alarms a series and month; delay: median days, of spikes where there are any)")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
