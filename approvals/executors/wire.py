"""A sealed request as AWS's client takes it.

What AWS wants as a JSON text within a parameter is sealed as what it says, part by part, so that a card can show every
part of it; the text follows from that alone.
"""

import json
from typing import Any

from approvals.changes.step import Request


def wired(request: Request) -> dict[str, Any]:
    """The parameters to be sent; they differ from the sealed ones only where a part must be written as JSON text."""
    if request.operation != "scheduler:CreateSchedule":
        return dict(request.parameters)
    target = dict(request.parameters["Target"])
    return request.parameters | {"Target": target | {"Input": json.dumps(target["Input"], sort_keys=True)}}
