"""What the runs found, for a person and as one document."""

from typing import Any

from tests.simulation.run import Found

SHOWN = 10


def document(found: Found, *, seed: int, first: int, jobs: int, wall: float, processor: float) -> dict[str, Any]:
    """Everything, as JSON knows it."""
    return {
        "seed": seed,
        "from_run": first,
        "runs": found.runs,
        "jobs": jobs,
        "transitions": found.transitions,
        "transitions_under_fault": found.under_fault,
        "effects": found.effects,
        "states": dict(sorted(found.states.items())),
        "unknown_ended_as": dict(sorted(found.unknowns.items())),
        "faults": dict(sorted(found.faults.items())),
        "met": dict(sorted(found.met.items())),
        "violations": [{"run": run, "what": what} for run, what in found.violations],
        "fingerprint": f"{found.fingerprint:032x}",
        "wall_seconds": round(wall, 1),
        "processor_seconds": round(processor, 1),
        "runs_per_second_and_core": round(found.runs / processor, 1) if processor else None,
    }


def sentences(told: dict[str, Any]) -> str:
    """The same for a person."""
    share = told["transitions_under_fault"] / told["transitions"] if told["transitions"] else 0.0
    unknown = sum(told["unknown_ended_as"].values())
    last = told["from_run"] + told["runs"] - 1
    lines = [
        f"seed {told['seed']}, runs {told['from_run']} to {last}, fingerprint {told['fingerprint']}",
        f"{told['runs']:,} runs, {told['transitions']:,} moves of proposals,"
        f" {share:.0%} of them in a run already at fault",
        f"{told['effects']:,} effects at the provider; {unknown:,} outcomes unknown at first,"
        f" which ended as {_listed(told['unknown_ended_as'])}",
        f"proposals ended as: {_listed(told['states'])}",
        f"faults: {_listed(told['faults'])}",
        f"met: {_listed(told['met'])}",
        f"{told['wall_seconds']} s of time, {told['processor_seconds']} s of processors,"
        f" {told['runs_per_second_and_core']} runs a second and core",
    ]
    broken = told["violations"]
    if not broken:
        lines.append("nothing happened that must never happen")
        return "\n".join(lines)
    runs = len({row["run"] for row in broken})
    lines.append(f"{len(broken)} VIOLATIONS in {runs} runs")
    lines += [f"  run {row['run']}: {row['what']}" for row in broken[:SHOWN]]
    lines.append(f"see one: ./dev simulate --seed {told['seed']} --from-run {broken[0]['run']} --runs 1 --trace")
    return "\n".join(lines)


def _listed(counted: dict[str, int]) -> str:
    ordered = sorted(counted.items(), key=lambda row: (-row[1], row[0]))
    return ", ".join(f"{name} {number:,}" for name, number in ordered) or "nothing"
