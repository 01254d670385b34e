"""The score boards: what was measured, against which floors, as JSON to compare with and as a page to read."""

import json
import os
import platform
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from evals.alarms import Tally
from evals.case import Case, Group
from evals.detection import Detection
from evals.hostile import Hostile
from evals.questions import Questions
from evals.scripted import Followed

ROOT = Path(__file__).parent
BOARD = ROOT / "board.json"
FLOORS = ROOT / "floors.toml"
PAGE = ROOT.parent / "docs" / "benchmarks.md"
KINDS = ("spike", "level_shift", "new_service", "slow_leak")
AT_MOST = ("days_to_detect", "false_per_series_month")

Json = dict[str, Any]
ASPECTS: dict[str, Callable[[Case], bool]] = {
    "figures": lambda case: bool(case.figures),
    "choice of tools": lambda case: bool(case.tools),
    "asking back": lambda case: case.asked_back is True,
    "refusing": lambda case: case.refused is True,
    "several languages": lambda case: "language" in case.tags,
}
"""What a case may try besides its group; a case counts in each that it tries."""


def questions_json(run: Questions) -> Json:
    """Scores of the questions, and every case that fails with why."""
    groups = {}
    for group in Group:
        mine = [one for one in run.graded if one.case.group is group]
        if mine:
            passed = sum(one.passed for one in mine)
            groups[str(group)] = {"cases": len(mine), "passed": passed, "ratio": _round(run.ratio(group))}
    seconds = sorted(one.seconds for one in run.graded)
    return {
        "model": run.model,
        "cases": len(run.graded),
        "conversations": sum(one.asked for one in run.graded),
        "of": {name: _share(one.passed for one in run.graded if asks(one.case)) for name, asks in ASPECTS.items()},
        "misstated": sorted(one.case.id for one in run.graded if one.misstated),
        "seconds": {"median": _round(seconds[len(seconds) // 2]), "p95": _round(seconds[len(seconds) * 95 // 100])},
        "tokens": sum(run.tokens) // max(sum(one.turns for one in run.graded), 1),
        "passed": sum(one.passed for one in run.graded),
        "ratio": _round(run.ratio()),
        "groups": groups,
        "failing": {
            one.case.id: {"ask": list(one.case.ask), "reasons": list(one.reasons)}
            for one in run.graded
            if not one.passed
        },
    }


def live_json(run: Questions, *, cost: str) -> Json:
    """Scores of a live model, by its name, and what asking it cost."""
    return {run.model: {**questions_json(run), "cost": cost}}


def _share(passed: Iterable[bool]) -> Json:
    mine = list(passed)
    return {"cases": len(mine), "passed": sum(mine)}


def scripted_json(followed: Sequence[Followed]) -> Json:
    """How many trajectories ended as they should, and why others did not."""
    return {
        "trajectories": len(followed),
        "right": sum(not one.reasons for one in followed),
        "slowest": _round(max(one.seconds for one in followed)),
        "failing": {one.trajectory.name: list(one.reasons) for one in followed if one.reasons},
    }


def hostile_json(run: Hostile, *, seed: int) -> Json:
    """What the attacker came to."""
    return {
        "seed": seed,
        "turns": run.turns,
        "calls": run.calls,
        "texts": run.texts,
        "drafts": run.drafts,
        "seconds": round(run.seconds),
        "faults": run.faults,
    }


def detection_json(run: Detection) -> Json:
    """Scores of detection and of the plain rule."""
    banks = {
        name: {
            "planted": len(ours.planted),
            "ours": {"found": len(ours.waits), "false": len(ours.false)},
            "plain": {"found": len(plain.waits), "false": len(plain.false)},
        }
        for name, ours, plain in run.by_bank
    }
    return {"banks": banks, "ours": _tally(run.ours), "plain": _tally(run.plain)}


def _tally(one: Tally) -> Json:
    return {
        "precision": _round(one.precision),
        "recall": _round(one.recall),
        "recall_by_kind": {kind: _round(one.recall_of(kind)) for kind in KINDS},
        "days_to_detect": one.days_to_detect,
        "false_per_series_month": round(one.false_per_series_month, 5),
        "planted": len(one.planted),
        "found": len(one.waits),
        "told_of_planted": one.true,
        "told_of_ordinary_changes": one.ordinary,
        "false": list(one.false),
        "series_months": round(one.series_months, 1),
        "missed": sorted(set(one.planted) - set(one.waits)),
    }


def _round(value: float) -> float:
    return round(value, 3)


def floors(path: Path = FLOORS) -> Json:
    """The floors by board and score."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def below(board: Json, least: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Each score of the board that is worse than its floor, in words."""
    found = []
    asked = board.get("questions", {})
    scores = {"overall": asked.get("ratio"), **{name: one["ratio"] for name, one in asked.get("groups", {}).items()}}
    ours = board.get("detection", {}).get("ours", {})
    ran, attacked = board.get("scripted"), board.get("hostile")
    if ran and ran["failing"]:
        found.append(f"scripted: {len(ran['failing'])} trajectories do not end as they should")
    if attacked and attacked["faults"]:
        found.append(f"hostile: {len(attacked['faults'])} faults")
    if asked.get("misstated"):
        found.append(f"questions: a number that is not right was told in {', '.join(asked['misstated'])}")
    for name, floor in least.get("questions", {}).items():
        if scores.get(name) is not None and scores[name] < floor:
            found.append(f"questions, {name}: {scores[name]} is below {floor}")
    for name, floor in least.get("detection", {}).items():
        if name not in ours:
            continue
        value = float("inf") if ours[name] is None else ours[name]
        if (value > floor) if name in AT_MOST else (value < floor):
            found.append(f"detection, {name}: {value} is {'above' if name in AT_MOST else 'below'} {floor}")
    return found


def newly_failing(board: Json, before: Json) -> list[str]:
    """Cases that fail now and passed on the stored board."""
    known = before.get("questions", {})
    if known.get("model") != board.get("questions", {}).get("model"):
        return []
    return sorted(set(board["questions"]["failing"]) - set(known.get("failing", {})))


def load(path: Path = BOARD) -> Json:
    """The stored board; empty if there is none."""
    loaded: Json = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return loaded


def measured(day: date, command: str) -> Json:
    """When, on what and how."""
    machine = f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}, Python {_python()}"
    return {"date": day.isoformat(), "machine": machine, "command": command}


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])


def kept(old: str) -> str:
    """The part of the page that another command measured (`./dev chaos`); it is not written anew with the rest."""
    _before, found, after = old.partition("\n## Kills\n")
    return f"{found}{after}" if found else ""


def merged(scores: Json, before: Json) -> Json:
    """The stored board with the boards that were measured now in place of the old ones; each says when it was made."""
    now = {name: {**one, "measured": scores["measured"]} for name, one in scores.items() if name != "measured"}
    old = {name: one for name, one in before.items() if name != "measured"}
    for one in old.values():
        one.setdefault("measured", before.get("measured", scores["measured"]))
    whole = {**old, **now}
    if "live" in old and "live" in now:
        whole["live"] = {**old["live"], **now["live"]}  # each model has a board of its own
    return {"measured": scores["measured"], **{name: whole[name] for name in PAGES if name in whole}}


def page(board: Json, least: Json) -> str:
    """The board as Markdown."""
    lines = [
        "# Benchmarks",
        "",
        "How well Spendgate answers, finds and refuses, as measured. This page and `evals/board.json` are written by "
        "`./dev eval`; floors, below which a run ends with 1, are in `evals/floors.toml`. A case is a file in "
        "`evals/cases/`: what is asked and what is right, in plain terms and without a number.",
        "",
    ]
    for name, write in PAGES.items():
        if name in board:
            made = board[name].get("measured") or board["measured"]
            title, *rest = write(board[name], least.get(name, {}))
            said = f"Measured on {made['date']} ({made['machine']}) with `{made['command']}`."
            lines += [title, "", said, *rest]
    return "\n".join(lines).rstrip() + "\n"


def _questions_page(asked: Json, least: Json) -> list[str]:
    lines = [
        "## Questions",
        "",
        f"Model: `{asked['model']}`. Each case is asked of the process behind `spendgate ask`, in a home that no case "
        "before it has proposed in, on a seeded bank's bill whose days are fixed. Figures are graded to the last "
        "digit, with label and days, against sums that the grader takes from the bill's files itself.",
        "",
        "| group | cases | right | share | floor |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, one in asked["groups"].items():
        lines.append(f"| {name} | {one['cases']} | {one['passed']} | {one['ratio']:.2f} | {least.get(name, 0):.2f} |")
    overall = least.get("overall", 0)
    lines += [f"| **all** | {asked['cases']} | {asked['passed']} | {asked['ratio']:.2f} | {overall:.2f} |", ""]
    if "of" in asked:
        told = "; ".join(f"{name} {one['passed']} of {one['cases']}" for name, one in asked["of"].items())
        lines += [
            f"By what a case tries: {told}. Cases and paraphrases: {asked['conversations']} conversations. "
            f"Cases in which a number was told that is not right: {', '.join(asked['misstated']) or 'none'}. "
            f"Tokens a turn: {asked['tokens']}. Seconds a turn, tools and the bank's whole bill included: median "
            f"{asked['seconds']['median']:.1f}, p95 {asked['seconds']['p95']:.1f}.",
            "",
        ]
    if asked["failing"]:
        lines += ["Wrong now, and kept so until the product answers them:", ""]
        for name, one in asked["failing"].items():
            lines.append(f"- `{name}` ({_cell(' → '.join(one['ask']))}): {_cell('; '.join(one['reasons']))}.")
        lines.append("")
    return lines


def _live_page(asked: Json, _least: Json) -> list[str]:
    lines = [
        "## Live models",
        "",
        "The same cases, or some of each group, asked of models by `./dev eval live --model NAME`.",
        "",
        "| model | cases | right | share | wrong numbers told in | seconds a turn, p50 (p95) | tokens a turn | cost |",
        "|---|---:|---:|---:|---|---:|---:|---:|",
    ]
    for name, one in asked.items():
        if name == "measured":
            continue
        seconds = f"{one['seconds']['median']:.1f} ({one['seconds']['p95']:.1f})"
        wrong = ", ".join(one["misstated"]) or "none"
        lines.append(
            f"| `{_cell(name)}` | {one['cases']} | {one['passed']} | {one['ratio']:.2f} | {wrong} | {seconds} "
            f"| {one['tokens']:,} | {one['cost']} |"
        )
    return [*lines, ""]


def _scripted_page(ran: Json, _least: Json) -> list[str]:
    lines = [
        "## Scripted provider",
        "",
        "The real client (`ChatOpenAI`, streamed) against a provider on loopback that says what it is told to: exact "
        "trajectories, and every way in which a reply fails (hangs, stalls, drips, is cut off, ends without its end, "
        "is garbage, empty, of another shape, too long, filtered; 401 to 503), as the first reply and after a tool. "
        "Each must end in the right words within the turn's limit, and the next turn must work.",
        "",
        f"{ran['right']} of {ran['trajectories']} trajectories; the slowest took {ran['slowest']:.1f} s (limit of a "
        "turn 12 s where a reply never comes, else 60 s).",
        "",
    ]
    return lines + [f"- wrong: {name}: {_cell('; '.join(why))}" for name, why in ran["failing"].items()]


def _hostile_page(ran: Json, _least: Json) -> list[str]:
    lines = [
        "## Hostile model",
        "",
        "The model itself attacks: unknown tools, forged ids and addresses, arguments out of range, dozens of calls at "
        f"once, calls to approve, invented answers. {ran['texts']} injected texts stand in teams, services, machines' "
        "names, invoice lines and questions; who asks may see all, one team or nothing. Afterwards the database is "
        "judged: no vote, no proposal sealed, no effect, no draft that fails its own schema or has no right; nothing "
        "of other teams and no secret was shown to the model or told; every figure is a tool's.",
        "",
        f"{ran['turns']:,} turns (aim: 100,000), {ran['calls']:,} calls of the model, {ran['drafts']} drafts, "
        f"{len(ran['faults'])} faults, seed {ran['seed']}, {ran['seconds']:,} s.",
        "",
    ]
    return lines + [f"- {_cell(fault)}" for fault in ran["faults"][:20]]


def _detection_page(found: Json, least: Json) -> list[str]:
    ours, plain = found["ours"], found["plain"]
    rows: list[tuple[str, str, str, str]] = [
        ("precision (planted, of all told that is no ordinary change)", "precision", "{:.2f}", "at least"),
        ("recall", "recall", "{:.2f}", "at least"),
        ("days to detect (median of those found)", "days_to_detect", "{:.1f}", "at most"),
        ("false alarms a series and month", "false_per_series_month", "{:.4f}", "at most"),
    ]
    lines = [
        "## Detection",
        "",
        "Four seeded banks of fourteen months; the last 126 days of each are replayed: on every day `find_anomalies` "
        "sees the bill to that day, knows the bank's calendar, and is asked about the week that ends then. Machines "
        "that really began or ended count on neither side. The plain rule (a day above the mean of the 28 days before "
        "by three standard deviations) runs over the same series with the same least amount.",
        "",
        "| score | Spendgate | plain rule | floor |",
        "|---|---:|---:|---:|",
    ]
    for words, name, form, sense in rows:
        floor = f"{sense} {least[name]:g}" if name in least else "none"
        lines.append(f"| {words} | {_number(ours[name], form)} | {_number(plain[name], form)} | {floor} |")
    for kind in KINDS:
        words = f"recall, {kind.replace('_', ' ')}"
        lines.append(f"| {words} | {ours['recall_by_kind'][kind]:.2f} | {plain['recall_by_kind'][kind]:.2f} | none |")
    lines += [
        "",
        "| bank | planted | found | false alarms | plain: found | plain: false |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in found["banks"].items():
        counts = (one["planted"], *one["ours"].values(), *one["plain"].values())
        lines.append(f"| {name} | {' | '.join(map(str, counts))} |")
    if ours["missed"]:
        lines += ["", f"Missed: {', '.join(ours['missed'])}."]
    if ours["false"]:
        lines += ["", "False alarms of Spendgate:", "", *(f"- {text}" for text in ours["false"])]
    return [*lines, ""]


def _number(value: float | None, form: str) -> str:
    return "never" if value is None else form.format(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").rstrip(".")


PAGES: dict[str, Callable[[Json, Json], list[str]]] = {
    "questions": _questions_page,
    "live": _live_page,
    "scripted": _scripted_page,
    "hostile": _hostile_page,
    "detection": _detection_page,
}
"""How each board is written, in the order of the page."""
