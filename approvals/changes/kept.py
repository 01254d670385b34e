"""What tells that somebody must keep a log's lines: its name, and its tags. One list for whoever looks for savings and
for the gate, since a draft need not come from a rule.

Rather too much is left alone than too little: lines that were deleted do not come back.
"""

import re
from collections.abc import Iterable, Mapping

KEPT_NAMES = ("audit", "cloudtrail", "compliance", "security", "guardduty", "flow-log")
"""Parts of names of log groups that are never shortened: what an auditor asks for."""
HELD = ("legal-hold", "litigation", "audit", "retain", "retention", "compliance")
"""Parts of a tag's key or value that say so; `hold` and `keep` only as words of their own, since a bank has
shareholders and housekeeping."""
UNDELETED = ("legal-hold", "litigation", "retain", "retention", "do-not-delete")
"""The same of a disk or a machine: a team that is called Audit has some like any other."""
_BETWEEN = re.compile(r"[ _-]+")


def kept_by_name(name: str, parts: Iterable[str] = KEPT_NAMES) -> str | None:
    """The first of the parts that stands in the name, in any case, whether its words are joined, hyphenated or spaced.

    >>> kept_by_name("/bank/VPC_FlowLogs")
    'flow-log'
    """
    return next((part for part in parts if _joined(part) in _joined(name)), None)


def held_by_tag(tags: Mapping[str, str], parts: Iterable[str] = HELD) -> str | None:
    """The key of the first tag, in their order by name, that says that somebody must keep what bears it.

    >>> held_by_tag({"team": "Shareholders", "Legal Hold": "case 7"})
    'Legal Hold'
    """
    return next((key for key in sorted(tags) if _says_held(key, parts) or _says_held(tags[key], parts)), None)


def _says_held(text: str, parts: Iterable[str]) -> bool:
    words = _BETWEEN.split(text.casefold().strip())
    return kept_by_name(text, parts) is not None or "hold" in words or "keep" in words


def _joined(text: str) -> str:
    return _BETWEEN.sub("", text.casefold())
