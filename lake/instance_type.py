"""Which type of machine a charge is for, from what its line of the bill tells: `g5.12xlarge`."""

import json
import re

from lake.expressions import INSTANCE_TYPE

_WITHIN = re.compile(INSTANCE_TYPE)


def instance_type(details: str | None, meter: str | None, description: str | None) -> str:
    """From FOCUS's SkuPriceDetails, else from the meter's name (`BoxUsage:g5.12xlarge`), else from the charge's
    description, all that a FOCUS 1.0 bill has; empty if none tells."""
    try:
        given = json.loads(details or "{}").get("InstanceType")
    except (ValueError, AttributeError):
        given = None
    if isinstance(given, str) and given:
        return given
    for text in (meter, description):
        if found := _WITHIN.search((text or "").lower()):
            return found[1]
    return ""
