"""Which proposals a question is about, for the offline model: by id, machine, team or requester, open or ended."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

NO_FILTERS = ("service", "category", "model", "provider", "environment", "account", "region")
"""What a proposal cannot be chosen by, although a question may name it."""
_PROPOSAL = re.compile(r"(?<![\w-])P-[A-Z0-9]{4,}(?![\w-])", re.IGNORECASE)
_INSTANCE = re.compile(r"(?<![\w-])i-[0-9a-f]{6,17}(?![\w-])", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“‘`](?P<name>[^\"”’`]{2,80})[\"”’`]")
# A machine's name has a digit in it; `sign-off` and `kill-switch` name nothing.
_MACHINE = re.compile(r"(?<![\w-])(?=[a-z0-9-]*\d)(?=[\w-]*[a-z])[a-z0-9]+(?:-[a-z0-9]+)+(?![\w-])", re.IGNORECASE)
_MANY = re.compile(r"\bproposals\b|\bwait|\bdecisions?\b|\b(?:anything|something)\b|\bto\s+(?:approve|decide)\b", re.I)
_WHO = re.compile(r"\bwho\b|\bvot(?:e|es|ed)\b|\b(?:did|has|have)\s+any(?:one|body)\b", re.IGNORECASE)
_MINE = re.compile(
    r"\b(?:my|mine)\b(?!\s+(?:approval|vote|decision|sign|team))|\b(?:did|have|had)\s+i\b|\bi(?:['’]ve)?\s+(?:propos|ask|request)",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:open|pending|outstanding|undecided)\b|\bwait|\b(?:not|n['’]t)\s+(?:yet\s+)?(?:been\s+)?(?:decided|done)\b|"
    r"\bneeds?\b|\b(?:to|must|can|should)\s+(?:approve|decide|vote|sign)\b|\bdecision\b",
    re.IGNORECASE,
)
_ENDED = re.compile(
    r"\b(?:ended|closed|expired|rejected|declined|withdrawn|finished|executed|done|past|carried\s+out|decided|over)\b",
    re.IGNORECASE,
)


def asked_proposals(question: str, *, where: Mapping[str, Sequence[str]], own: Sequence[str]) -> dict[str, Any] | None:
    """Arguments of `find_proposals`; None if the question is about where the conversation's `own` proposals stand."""
    who = bool(_WHO.search(question))
    if named := _named(question):
        return None if named in own and not who else {"which": named}
    if own and who and not re.search(r"\bproposals\b", question, re.IGNORECASE):
        return {"which": own[-1]}
    if own and not _MANY.search(question):
        return None
    if teams := where.get("team"):
        return {"which": teams[0], **_state(question)}
    if _MINE.search(question):
        several = re.search(r"\bproposals\b", question, re.IGNORECASE)
        return {"mine": True, **(_state(question) if several else {})}
    return _state(question) or {"state": "open" if who else "all"}


def _named(question: str) -> str:
    if found := _PROPOSAL.search(question):
        return found.group().upper()
    if found := _QUOTED.search(question):
        return found["name"]
    found = _INSTANCE.search(question) or _MACHINE.search(question)
    return found.group() if found else ""


def _state(question: str) -> dict[str, Any]:
    if _OPEN.search(question):
        return {"state": "open"}
    return {"state": "ended"} if _ENDED.search(question) else {}
