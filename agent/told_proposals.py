"""The offline model's sentences about proposals: each in the words of its stored row, amounts by reference."""

from typing import Any

Json = dict[str, Any]
LINES = 10
NOT_BY = (
    "I can look for proposals by id, machine or team, for those that are open or ended, and for yours, and by nothing "
    "else: a list that leaves a condition out would pass for what you asked."
)


def told(content: Json, *, counted: bool = False) -> str:
    """One proposal whole, several in a list that begins with those that wait for votes; `counted`: with how many."""
    rows = content.get("rows", [])
    totals = content.get("totals", [])
    count = [f"In total {{{totals[0]['at']}.count}}."] if counted and totals else []
    if not rows:
        return "\n".join([*count, str(content.get("title") or "There is none.")])
    if len(rows) == 1:
        return "\n".join([*count, whole(rows[0])])
    waiting = [row for row in rows if row.get("waits_for") == "votes"]
    others = [row for row in rows if row.get("waits_for") != "votes"]
    lines = count
    if waiting:
        lines += ["These wait for a decision:", *(line(row) for row in waiting[:LINES])]
    if others:
        lines += ["These do not wait for votes:" if waiting else "There are these:"]
        lines += [line(row) for row in others[:LINES]]
    if len(waiting) > LINES or len(others) > LINES or content.get("rows_left_out"):
        lines.append("Further proposals are not listed here.")
    return "\n".join(lines)


def whole(row: Json) -> str:
    """Everything that is known of one: state, who voted, who has to, what it saves, until when."""
    votes = row.get("votes")
    lines = [
        f"Proposal {_called(row)}: {row['state']}.",
        f"It says: {row['change']}; {row['asked']}.",
        f"Votes: {votes}." if votes else "Nobody has voted on it.",
    ]
    if row.get("needs"):
        lines.append(f"Still needed: {row['needs']}.")
    if "per_year" in row:
        lead = "The saving that was expected is" if row.get("ended") else "It would save"
        lines.append(f"{lead} {_at(row, 'per_year')}.")
    if "annual_cost" in row:
        lines.append(f"The amount for the rules is {_at(row, 'annual_cost')}.")
    if row.get("expires"):
        lines.append(f"It expires on {row['expires']}.")
    if row.get("ended"):
        lines.append(f"It ended on {row['ended']}.")
    if row.get("reason"):
        lines.append(f"Reason: {str(row['reason']).rstrip('.')}.")
    return "\n".join(lines)


def line(row: Json) -> str:
    """One of several: nothing but its own words beside the amount, so that a list's caption stands above it once."""
    votes = f"; {row['votes']}" if row.get("votes") else ""
    saves = f": {_at(row, 'per_year')}" if "per_year" in row else ""
    return f"- {_called(row)}: {row['state']}; {row['asked']}{votes}{saves}"


def _called(row: Json) -> str:
    data = row.get("data") or {}
    return f"{data.get('proposal', '')} ({data['name']})" if data.get("name") else str(data.get("proposal", ""))


def _at(row: Json, column: str) -> str:
    return f"{{{row['at']}.{column}}}"
