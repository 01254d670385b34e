"""The world of a campaign: machines, people, rules, an account, and the database with its first policy."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

OLIVIA = "p-0a11ce01"
VOTERS = ("p-0b0b0002", "p-05e00005", "p-0b0b0003")
ACCOUNT, REGION = "471852036911", "eu-central-1"
TYPES = ("g5.xlarge", "g5.2xlarge")
MACHINES = 160
IN_PRODUCTION = 10
"""Every tenth machine is of production and needs two people's votes."""

PEOPLE = """
[[person]]
id = "p-0a11ce01"
name = "Olivia Ortiz"
roles = ["ops_manager"]

[[person]]
id = "p-0b0b0002"
name = "Arjun Rao"
roles = ["approver", "owner"]

[[person]]
id = "p-05e00005"
name = "Sam Reliable"
roles = ["sre"]

[[person]]
id = "p-0b0b0003"
name = "Dana Director"
roles = ["director", "owner"]
"""


def write_machines(path: Path) -> None:
    """As many machines as a campaign needs while some wait for their lease or their settling."""
    launched = (datetime.now(UTC) - timedelta(days=90)).isoformat()
    machines: list[dict[str, Any]] = [
        {
            "instance_id": f"i-{at:017x}",
            "instance_type": TYPES[0],
            "region": REGION,
            "zone": f"{REGION}a",
            "account": ACCOUNT,
            "state": "running" if at % 3 else "stopped",
            "launch_time": launched,
            "tags": {"Name": f"m-{at}", "environment": "production" if at % IN_PRODUCTION == 0 else "development"},
            "gpus": 1,
        }
        for at in range(1, MACHINES + 1)
    ]
    path.write_text(json.dumps({"machines": machines}))
