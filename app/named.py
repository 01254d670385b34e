"""Names put to opaque ids, at the last moment: what is stored about people holds their ids alone.

An answer is kept, and its thread remembered; a name in it would outlive the person's erasure from the people file.
"""

import re

from approvals.person import People
from tools.shown import shown

PERSON = re.compile(r"\bp-[0-9A-Za-z]{1,40}\b")


def with_names(text: str, people: People) -> str:
    """`text` with each known person's id as the name, fit to show; an id that nobody bears any more stays."""

    def name(found: re.Match[str]) -> str:
        known = people.by_id.get(found[0])
        return shown(known.name) if known is not None else found[0]

    return PERSON.sub(name, text)
