"""Where proposals stand, told in any conversation: state, votes, what is still needed, and what it would save.

Only read. The port on the desk leaves out what its speaker may not hear of, so a proposal that is hidden and one that
never was have the same answer here.
"""

import difflib
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from lake.period import Period
from tools.asked import scope_notes
from tools.desk import Desk, ProposalLine, failed
from tools.periods import spoken
from tools.result import Problem, Row, ToolResult
from tools.sheet import Sheet
from tools.shown import shown

TOOL = "find_proposals"
OPEN, ENDED, ALL = "open", "ended", "all"
STATES = (OPEN, ENDED, ALL)
_KINDS = {OPEN: "Open proposals", ENDED: "Ended proposals", ALL: "Proposals"}
WAITS = "votes"
"""What a row's text `waits_for` says where people have still to decide."""
DECIDED_BY_BUTTON = (
    "People who are entitled to it decide with the buttons on a proposal's card; a message is never a vote."
)


def find_proposals(desk: Desk, *, state: str = "", which: str = "", mine: bool = False) -> ToolResult:
    """The proposals in `state` that `which` names (an id, a machine or a team), or the speaker's own; the undecided
    first. Without a state: the open ones, but all of those that were named."""
    which = which.strip()
    chosen = state or (ALL if which or mine else OPEN)
    if chosen not in STATES:
        return failed(desk, TOOL, _UNKNOWN_STATE)
    known = desk.proposals(which)
    lines = [line for line in known if not which or _means(line, which)]
    if which and not lines:
        return failed(desk, TOOL, _absent(which, known))
    lines = [line for line in lines if (line.mine or not mine) and chosen in (ALL, OPEN if line.open else ENDED)]
    sheet = Sheet(desk, TOOL)
    for line in sorted(lines, key=lambda line: (not line.awaits_votes, not line.open, -line.changed.toordinal())):
        _put(sheet, line)
    _count(sheet, lines, chosen, mine=mine)
    sheet.notes.extend(scope_notes(desk, None)[1:])
    if any(line.awaits_votes for line in lines):
        sheet.notes.append(DECIDED_BY_BUTTON)
    return sheet.done(
        title=_title(lines, chosen, mine=mine),
        columns=("proposal", "name", "state", "asked", "votes", "needs", "per_year", "annual_cost"),
    )


def _put(sheet: Sheet, line: ProposalLine) -> None:
    names = {"proposal": line.id, "name": line.resource_name or line.instance}
    if line.team:
        names["team"] = line.team
    row = sheet.row(names, texts={key: text for key, text in _texts(line).items() if text})
    who = shown(line.resource_name or line.instance)
    rate = f"at the rate of {shown(line.window)}" if line.window else f"as proposed on {_day(line.created)}"
    currency = line.currency or "units"
    if line.saving is not None:
        sheet.put(row, "per_year", line.saving, label=f"Saving a year, {who}", unit=currency, period=rate)
    if line.amount is not None:
        said = f"Effective cost a year that the approval rules go by, {who}"
        sheet.put(row, "annual_cost", line.amount, label=said, unit=currency, period=rate)


def _texts(line: ProposalLine) -> dict[str, str]:
    return {
        "change": shown(line.title, 200),
        "state": line.words,
        "waits_for": WAITS if line.awaits_votes else "the worker" if line.open else "",
        "asked": f"asked by {shown(line.requester)} on {_day(line.created)}",
        "votes": "; ".join(f"{vote.choice} by {shown(vote.person)} on {_day(vote.day)}" for vote in line.votes),
        "needs": ", ".join(shown(slot.role) for slot in line.slots if not slot.person) if line.awaits_votes else "",
        "expires": f"{_day(line.expires.date())} at {line.expires:%H:%M} UTC" if line.open and line.expires else "",
        "ended": "" if line.open else _day(line.changed),
        "reason": shown(line.reason, 300) if line.reason else "",
    }


def _count(sheet: Sheet, lines: Sequence[ProposalLine], state: str, *, mine: bool) -> None:
    total: Row = sheet.row({}, total=True)
    whose = ", asked by you" if mine else ""
    counted = _KINDS[state] + whose
    period = f"as of {_day(sheet.desk.today)}"
    sheet.put(total, "count", Decimal(len(lines)), label=counted, unit="count", period=period)
    waiting = sum(line.awaits_votes for line in lines)
    if state != ENDED:
        said = f"Proposals that wait for votes{whose}"
        sheet.put(total, "waiting", Decimal(waiting), label=said, unit="count", period=period)


def _title(lines: Sequence[ProposalLine], state: str, *, mine: bool) -> str:
    if not lines:
        what = {OPEN: "is open", ENDED: "has ended yet", ALL: "is stored"}[state]
        return f"No proposal {'of yours' if mine else 'that you may see'} {what}."
    return f"{_KINDS[state]}, those that wait for votes first"


def _means(line: ProposalLine, which: str) -> bool:
    folded = which.casefold()
    names = (line.id, line.resource, line.instance, line.resource_name, shown(line.resource_name), line.team)
    return any(name and name.casefold() == folded for name in names)


def _absent(which: str, known: Sequence[ProposalLine]) -> Problem:
    names = {name.casefold(): name for line in known for name in (line.id, line.resource_name, line.instance) if name}
    close = difflib.get_close_matches(which.casefold(), list(names), n=3, cutoff=0.6)
    near = ", ".join(shown(names[one]) for one in close)
    return Problem(
        what=f"There is no proposal that you may see for '{shown(which)}'.",
        why=f"The closest: {near}." if near else "None has this id, or this machine's name or id.",
        do="Ask which proposals are open, or for your own.",
    )


def _day(day: date) -> str:
    return spoken(Period(day, day + timedelta(days=1)))


_UNKNOWN_STATE = Problem(
    what="Proposals cannot be chosen by that state.",
    why="They are open until they were decided and carried out, and ended after that.",
    do=f"Use one of: {', '.join(STATES)}.",
    candidates=STATES,
)
