"""The offline model's sentences: references and names, never a number of its own."""

from collections.abc import Sequence
from typing import Any

from agent.reading import Reading
from tools.wording import named

Json = dict[str, Any]
METRICS = ("effective", "billed", "list", "contracted")
LINES, TOP, DAYS = 10, 25, 31

HELLO = (
    "Hello, I am Spendgate. Ask me what AI or cloud cost, by team, service, model, use case or provider; why it "
    "changed; what is unusual; or which GPU machines stand idle. I can also propose to stop a machine, for people to "
    "decide."
)
THANKS = "You are welcome."
HELP = (
    "I answer from your own bill. For instance:\n"
    "- what did AI cost last month, by team?\n"
    "- top services by effective cost this quarter\n"
    "- why did it jump? and: what is unusual?\n"
    "- find idle GPU machines, and: propose to stop the largest\n"
    "- what became of my proposal?\n"
    "I change nothing myself: a proposal is decided by people, on its card."
)
HOSTILE = (
    "DECLINED: I do not do that: I only read the bill and propose changes, which entitled people decide on a card; I "
    "hold no keys, and the log cannot be altered."
)
OUTSIDE = (
    "DECLINED: That is outside what I do, or I did not understand it; I answer plain questions in "
    "English (simple ones also in German, French, Spanish and Japanese) about the cost of cloud and AI, and propose "
    "savings for people to decide."
)
VOTE = (
    "DECLINED: Approving or rejecting is done only with the buttons on the proposal's card, by someone entitled to it; "
    "a message is no vote, and I have none."
)
CANNOT_STOP = "There is no idle GPU machine in what the bill and its metrics show, so there is nothing to propose."
ONE_SHARE = (
    "I can only set a single part against the whole of the bill, or of AI: please ask for the share of a team, "
    "service, model, use case, provider or environment, over a single period."
)


def led(text: str, lead: str) -> str:
    """`text` below a line in the asker's own language; a refusal still begins as one."""
    declined = "DECLINED: " if text.startswith("DECLINED: ") else ""
    return f"{declined}{lead}\n{text.removeprefix(declined)}"


def unable(topic: str) -> str:
    """What the offline model cannot do, and what comes nearest."""
    return (
        f"I cannot help with {topic} yet. I can tell what was spent and why it changed, what is unusual, and which GPU "
        "machines stand idle, and propose to stop or start a machine."
    )


def unclear(reading: Reading) -> str:
    """One short question about a word that several names share."""
    assert reading.unclear is not None  # noqa: S101
    word, meanings = reading.unclear
    choices = " or ".join(f"the {dimension.replace('_', ' ')} {name}" for dimension, name in meanings)
    return f"By “{word}”, do you mean {choices}?"


def unknown(reading: Reading) -> str:
    """What was not understood, and no figure: one for everything would pass for one of what was asked."""
    words = " and ".join(f"“{phrase}”" for phrase in reading.unknown[:4])
    said = (
        f"I do not understand {words}: no name in the bill that you may see, and no word that I know. A figure that "
        "leaves it out could be wrong, so I give none."
    )
    if reading.near:
        meant = " or ".join(f"the {dimension.replace('_', ' ')} {name}" for dimension, name in reading.near)
        return f"{said} Did you mean {meant}?"
    return f"{said} Please ask in other words, or with a name from the bill: “cost by team” lists the teams."


def error(content: Json) -> str:
    """A tool's refusal; a question back if it offers names."""
    told = content["error"]
    if not isinstance(told, dict):
        return str(told)
    near = told.get("candidates") or []
    if near:
        return f"{told['what']} Did you mean {' or '.join(str(name) for name in near[:5])}?"
    return " ".join(str(told[key]) for key in ("what", "why", "do") if told.get(key))


def spend(content: Json) -> str:
    """Totals, then rows, each with the figures of a comparison if there are any."""
    whole = [row for row in content.get("totals", []) if not row.get("data")]
    others = [row for row in content.get("totals", []) if row.get("data")]
    rows = content.get("rows", [])
    lines = [_sum(row) for row in whole] or ["The bill holds no such charges."]
    if rows:
        timed = any(key in ("day", "month") for key in rows[0].get("data", {}))
        most = DAYS if timed else max(LINES, len(rows) if len(rows) <= TOP else LINES)
        lines += [f"- {name(row)}: {_amounts(row)}" for row in rows[:most]]
        lines += [f"- {name(row)}: {_amounts(row)}" for row in others if len(rows) <= most]
        if len(rows) > most or content.get("rows_left_out"):
            lines.append("Further rows are not listed here.")
    return "\n".join(lines)


def why(change: Json, unusual: Json | None) -> str:
    """What the change is, what moved most, what is unusual beside it."""
    lines = [_sum(row) for row in change.get("totals", []) if not row.get("data")]
    parts = [row for row in change.get("rows", []) if row.get("change")]
    if parts:
        lines.append("What moved most:")
        lines += [f"- {name(row)}: {at(row, 'change')}" for row in parts[:6]]
    if unusual and unusual.get("rows"):
        lines.append("Unusual in these days:")
        lines += [_anomaly(row) for row in unusual["rows"][:3]]
    return "\n".join(lines)


def anomalies(content: Json) -> str:
    """What is unusual, largest first."""
    rows = content.get("rows", [])
    if not rows:
        return "I found nothing unusual in these days."
    lead = "This stands out, largest first:" if len(rows) > 1 else "This stands out:"
    return "\n".join([lead, *(_anomaly(row) for row in rows[:LINES])])


def savings(content: Json, *, ask: bool = False) -> str:
    """Idle machines and what stopping them saves, then what the bill itself shows; unknown ones are said to be so."""
    idle = candidates(content)
    others = [row for row in content.get("rows", []) if row.get("verdict") == "waste" and row.get("per_month")]
    unknown = [row for row in content.get("rows", []) if row.get("verdict") == "unknown"]
    lines = ["These GPU machines stand idle:" if idle else "I found no GPU machine that is idle by its metrics."]
    lines += [f"- {machine(row)}: {at(row, 'per_month')}" for row in idle[:LINES]]
    if others:
        lines.append("Besides, by the bill itself:")
        lines += [f"- {machine(row)}: {at(row, 'per_month')}" for row in others[:LINES]]
    if len(idle) + len(others) > 1:
        lines += [f"Together: {at(row, 'per_month')}." for row in content.get("totals", []) if row.get("per_month")]
    if unknown:
        lines.append("Unknown, for want of evidence: " + "; ".join(machine(row) for row in unknown[:LINES]) + ".")
    if ask:
        lines.append("Which one shall I propose to stop?")
    return "\n".join(lines)


def candidates(content: Json) -> list[Json]:
    """Rows of `find_savings` that can be proposed: those with a saving."""
    return [row for row in content.get("rows", []) if row.get("per_month") and row.get("verdict", "idle") == "idle"]


def machine(row: Json) -> str:
    """A machine by its name, with its id and whose it is."""
    data = row.get("data") or {}
    known = [str(data[key]) for key in ("resource", "instance_type", "team", "environment") if data.get(key)]
    return f"{data['name']} ({', '.join(known)})" if data.get("name") else ", ".join(known) or name(row)


def share(content: Json) -> str:
    """The derived figure alone."""
    rows = content.get("rows", [])
    return (
        f"That is {{{rows[0]['at']}.{_first(rows[0])}}}."
        if rows and _first(rows[0])
        else "There is nothing to set it against."
    )


def proposed(content: Json) -> str:
    """What was asked of people, and what it would save."""
    rows = [row for row in content.get("rows", []) if row.get("data")]
    if not rows:
        return "I drafted this for people to decide."
    change = str(rows[0].get("change") or "the change")
    saves = f" It would save {at(rows[0], 'per_month')}." if rows[0].get("per_month") else ""
    return f"I drafted this proposal: {change}, {machine(rows[0])}.{saves}"


def status(proposals: Json, target: str) -> str:
    """This conversation's proposals, or the one that is meant, in the words of their states."""
    chosen = {target: proposals[target]} if target in proposals else proposals
    lines = []
    for proposal, row in chosen.items():
        what = f" ({row['what']})" if row.get("what") else ""
        reason = f" Reason: {str(row['reason']).rstrip('.')}." if row.get("reason") else ""
        lines.append(f"Proposal {proposal}{what}: {str(row['state']).rstrip('.')}.{reason}")
    return "\n".join(lines)


def name(row: Json) -> str:
    """What a row is called: its names, or the text that the tool gave it."""
    data = row.get("data") or {}
    if "series" in data:
        return str(data["series"])
    own = (
        ", ".join(named(str(key), str(value)) for key, value in data.items()) or str(row.get("part", "")) or "in total"
    )
    return f"within {row['within']}: {own}" if row.get("within") else own


def at(row: Json, column: str) -> str:
    """A reference to a figure of `row`."""
    return f"{{{row['at']}.{column}}}"


def total_address(content: Json) -> str:
    """The address of a result's total cost, or nothing."""
    for row in content.get("totals", []):
        if not row.get("data") and (metric := _metric(row)):
            return f"{row['at']}.{metric}"
    return ""


def _metric(row: Json) -> str:
    return next((metric for metric in METRICS if metric in row), "")


def _amounts(row: Json) -> str:
    metric = _metric(row)
    parts = [at(row, metric)] if metric else ["nothing in the later days"]
    if "change" in row:
        parts.append(f"change {at(row, 'change')}")
    return ", ".join(parts)


def _sum(row: Json) -> str:
    metric = _metric(row)
    if not metric:
        return f"There was {at(row, 'before')} before, and no such charge in these days." if "before" in row else ""
    text = f"In total {at(row, metric)}"
    if "before" in row:
        text += f", before that {at(row, 'before')}"
    if "change" in row:
        text += f": {at(row, 'change')}"
    if "change_pct" in row:
        text += f", {at(row, 'change_pct')}"
    return text + "."


def _anomaly(row: Json) -> str:
    kind = f", {row['kind']}" if row.get("kind") else ""
    days = f", {row['days']}" if row.get("days") else ""
    amounts = [at(row, column) for column in ("actual",) if column in row]
    amounts += [f"expected {at(row, 'expected')}" for column in ("expected",) if column in row]
    amounts += [f"that is {at(row, 'excess')}" for column in ("excess",) if column in row]
    driver = (row.get("data") or {}).get("driver", "")
    most = f"; mostly {driver}: {at(row, 'driver_change')}" if driver and "driver_change" in row else ""
    return f"- {name(row)}{kind}{days}: {', '.join(amounts)}{most}"


def _first(row: Json) -> str:
    """The first column of `row` that holds a figure."""
    plain: Sequence[str] = ("at", "data", "part", "within", "kind", "days", "from", "to", "verdict", "missing")
    preferred = [column for column in ("per_month", *METRICS) if column in row]
    return (preferred or [column for column in row if column not in plain] or [""])[0]
