"""What tells that somebody must keep a log's lines: its name, and its tags. One list for whoever looks for savings and
for the gate, since a draft need not come from a rule.

Rather too much is left alone than too little: lines that were deleted do not come back.
"""

import re
from collections.abc import Iterable, Mapping

KEPT_NAMES = ("audit", "cloudtrail", "compliance", "security", "guardduty", "flow-log")
"""Parts of names of log groups that are never shortened: what an auditor asks for."""
HELD = ("legal-hold", "litigation", "audit", "retain", "retention", "compliance")
"""Parts of a tag's key or value that say so; `hold` only as a word of its own, since a bank has shareholders."""
_BETWEEN = re.compile(r"[ _-]+")


def kept_by_name(name: str, parts: Iterable[str] = KEPT_NAMES) -> str | None:
    """The first of the parts that stands in the name, in any case, whether its words are joined, hyphenated or spaced.

    >>> kept_by_name("/bank/VPC_FlowLogs")
    'flow-log'
    """
    return next((part for part in parts if _joined(part) in _joined(name)), None)


def held_by_tag(tags: Mapping[str, str]) -> str | None:
    """The key of the first tag, in their order by name, that says that somebody must keep what bears it.

    >>> held_by_tag({"team": "Shareholders", "Legal Hold": "case 7"})
    'Legal Hold'
    """
    return next((key for key in sorted(tags) if _says_held(key) or _says_held(tags[key])), None)


def _says_held(text: str) -> bool:
    return kept_by_name(text, HELD) is not None or "hold" in _BETWEEN.split(text.casefold().strip())


def _joined(text: str) -> str:
    return _BETWEEN.sub("", text.casefold())
