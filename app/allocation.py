"""Which allocation rules a load goes by: those of `SPENDGATE_ALLOCATION`, else of the home's `allocation.toml`, if any.

The file is no rule of the gate and needs no vote: it says whose a charge is, and decides nothing about changes.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from app.home import Home
from lake.allocation_rules import TAGS_ALONE, AllocationRules, read_rules

VARIABLE = "SPENDGATE_ALLOCATION"


def rules_here(home: Home, env: Mapping[str, str] = os.environ) -> AllocationRules:
    """The rules that count here: tags alone where there is no file. Raises LakeError, with file and line, for a file
    that cannot be used."""
    named = env.get(VARIABLE, "").strip()
    if named:
        return read_rules(Path(named))
    return read_rules(home.allocation) if home.allocation.exists() else TAGS_ALONE
