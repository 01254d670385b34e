"""What every look at a resource keeps to, whatever is looked at."""

import json
from typing import Any

from approvals.changes.change import parse_change
from approvals.inspectors.port import NotSealable, Snapshot
from sandbox.aws.serve import ServedAws


def refusal_of(inspector: Any, aws: ServedAws, change: dict[str, Any]) -> str | None:
    """The code of the look's refusal, None where the change can be sealed: nothing is changed by looking, and the team
    is told by the bill's name while no tag stands in clear in what is sealed."""
    before = len(aws.journal.calls())
    seen = inspector.look(parse_change(change))
    assert len(aws.journal.calls()) == before
    if isinstance(seen, Snapshot):
        assert (seen.environment, seen.team) == ("development", "risk models")
        assert b"Risk Models" not in json.dumps(seen.fields).encode()
    return seen.code if isinstance(seen, NotSealable) else None
