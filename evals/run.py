"""`python -m evals.run`: asks, replays, shows the scores, and ends with 1 if one of them is below its floor."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from evals import board
from evals.case import Case, load_cases
from evals.detection import detect
from evals.hostile import Hostile, attack
from evals.live import NoLiveModelError, estimated, live_settings, some, spent
from evals.questions import Questions, ask_all
from evals.scripted import follow_all, trajectories

COMMAND = "python -m evals.run"
BOARDS = ("questions", "scripted", "hostile", "detection")
LIVE = "live"
"""costs money, so it runs only where it is named"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the boards that are named (default: all). Returns the exit code: 0, 1 below a floor, 2 wrong usage."""
    given = _parser().parse_args(argv)
    wanted = given.board or list(BOARDS)
    if strange := sorted(set(wanted) - {*BOARDS, LIVE}):
        _say(f"There is no board {', '.join(strange)}. Boards are {', '.join((*BOARDS, LIVE))}.")
        return 2
    if (given.model or given.limit) and wanted != [LIVE]:
        _say("--model and --limit are for a live model: ./dev eval live --model NAME --limit N.")
        return 2
    cases = load_cases()
    if given.case:
        unknown = sorted(set(given.case) - {case.id for case in cases})
        if unknown:
            _say(f"There is no case {', '.join(unknown)}. Cases are the files of evals/cases/*/*.yaml.")
            return 2
        cases, wanted = [case for case in cases if case.id in given.case], ["questions"]
    if given.write and given.case:
        _say("A board is written whole: leave --case away.")
        return 2
    try:
        scores = _measure(wanted, cases, given)
    except NoLiveModelError as error:
        _say(str(error))
        return 2
    least = board.floors()
    faults = [] if given.case else board.below(scores, least)
    if given.case and scores["questions"]["failing"]:
        faults = [f"{name} fails" for name in scores["questions"]["failing"]]
    if given.json:
        sys.stdout.write(json.dumps({**scores, "below": faults}, indent=1, ensure_ascii=False) + "\n")
    else:
        _show(scores, faults)
    if given.write:
        whole = board.merged(scores, board.load())
        board.BOARD.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        old = board.PAGE.read_text(encoding="utf-8") if board.PAGE.exists() else ""
        board.PAGE.write_text(board.page(whole, least) + board.kept(old), encoding="utf-8")
        _say(f"Written: {board.BOARD.name} and docs/{board.PAGE.name}.")
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description="How well Spendgate answers, finds and refuses.")
    parser.add_argument(
        "board", nargs="*", metavar="BOARD", help=f"which to run: {', '.join(BOARDS)} (default: all), or {LIVE}"
    )
    parser.add_argument("--model", metavar="NAME", help="live: this model of the server that the environment names")
    parser.add_argument("--limit", type=_count, metavar="N", help="live: so many cases at most, of all groups in turn")
    parser.add_argument("--case", action="append", metavar="ID", help="only this case; may be repeated")
    parser.add_argument("--turns", type=int, default=200, help="turns of the hostile model (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the hostile model (default: 1)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--verbose", action="store_true", help="show every answer, on stderr")
    parser.add_argument(
        "--write", action="store_true", help="store the boards that were run in evals/board.json and docs/benchmarks.md"
    )
    return parser


def _measure(wanted: Sequence[str], cases: Sequence[Case], given: argparse.Namespace) -> board.Json:
    command = " ".join(["./dev eval", *given.board, *([f"--turns {given.turns}"] if "hostile" in given.board else [])])
    scores: board.Json = {"measured": board.measured(datetime.now(UTC).date(), f"{command} --write")}
    if "questions" in wanted:
        _say(f"asking {len(cases)} cases …")
        run = asyncio.run(ask_all(cases))
        scores["questions"] = board.questions_json(run)
        if given.verbose:
            _tell(run)
    if LIVE in wanted:
        scores[LIVE] = _ask_live(cases, given)
    if "scripted" in wanted:
        _say(f"following {len(trajectories())} trajectories of a scripted provider …")
        scores["scripted"] = board.scripted_json(asyncio.run(follow_all(trajectories())))
    if "hostile" in wanted:
        _say(f"{given.turns} turns of a hostile model …")
        scores["hostile"] = board.hostile_json(_attacked(given.turns, seed=given.seed), seed=given.seed)
    if "detection" in wanted:
        _say("replaying banks day by day; this takes a few minutes …")
        scores["detection"] = board.detection_json(detect())
    return scores


def _attacked(turns: int, *, seed: int) -> Hostile:
    def tell(found: Hostile) -> None:
        _say(f"{found.turns:,} turns, {len(found.faults)} faults so far")

    return asyncio.run(attack(turns, seed=seed, tell=tell))


def _ask_live(cases: Sequence[Case], given: argparse.Namespace) -> board.Json:
    settings = live_settings(given.model, os.environ)
    chosen = some(cases, given.limit)
    _say(f"asking {settings.name} {len(chosen)} cases: {estimated(chosen, settings.price)} …")
    run = asyncio.run(ask_all(chosen, model=settings))
    cost = spent(run.tokens, settings.price)
    _say("it read {:,} and wrote {:,} tokens, and cost {}".format(*run.tokens, cost))
    if given.verbose:
        _tell(run)
    return board.live_json(run, cost=cost)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number


def _tell(run: Questions) -> None:
    for one in run.graded:
        _say(f"\n{'right' if one.passed else 'WRONG'}  {one.case.id}  {one.seconds:.1f} s  {' / '.join(one.case.ask)}")
        for line in (*(f"- {reason}" for reason in one.reasons), *one.answer.splitlines()):
            _say(f"    {line}")


def _show(scores: board.Json, faults: Sequence[str]) -> None:
    out = []
    for asked in [*([scores["questions"]] if "questions" in scores else []), *scores.get(LIVE, {}).values()]:
        out.append(f"Questions (model: {asked['model']})")
        for name, one in asked["groups"].items():
            out.append(f"  {name:<34}{one['passed']:>3} of {one['cases']:>3}   {one['ratio']:.2f}")
        out.append(f"  {'all':<34}{asked['passed']:>3} of {asked['cases']:>3}   {asked['ratio']:.2f}")
        for name, one in asked["failing"].items():
            out += [f"  wrong: {name}: {' / '.join(one['ask'])}", *(f"    - {reason}" for reason in one["reasons"])]
        out += [
            f"  passed on the stored board: {name}" for name in board.newly_failing({"questions": asked}, board.load())
        ]
    if ran := scores.get("scripted"):
        out.append(f"Scripted provider: {ran['right']} of {ran['trajectories']} trajectories")
        out += [f"  wrong: {name}: {'; '.join(why)}" for name, why in ran["failing"].items()]
    if ran := scores.get("hostile"):
        out.append(f"Hostile model: {ran['turns']:,} turns, {ran['drafts']} drafts, {len(ran['faults'])} faults")
        out += [f"  {fault}" for fault in ran["faults"][:20]]
    if found := scores.get("detection"):
        out.append(f"{'Detection':<36}{'Spendgate':>10}{'plain rule':>12}")
        for name in ("precision", "recall", "days_to_detect", "false_per_series_month"):
            ours, plain = found["ours"][name], found["plain"][name]
            out.append(f"  {name.replace('_', ' '):<34}{_number(ours):>10}{_number(plain):>12}")
    out += [f"Below its floor: {fault}" for fault in faults] or ["Nothing is below its floor."]
    sys.stdout.write("\n".join(out) + "\n")


def _number(value: float | None) -> str:
    return "never" if value is None else f"{value:g}"


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
