"""What the gate's tests share: people, rules, a cloud that is a folder, an inspector and an executor on it.

The cloud is files, so that real processes share it and every effect is counted where a killed process cannot lose it.
"""

import json
import os
import signal
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from approvals.changes.step import Request
from approvals.executors.port import NoAnswer, Receipt, Refused
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from audit.moment import utc_text, utc_time

PEOPLE = """
[[person]]
id = "p-0a11ce01"
name = "Olivia Ortiz"
slack = [{ team = "T0BANK", user = "U0OLIVIA" }]
os_user = "olivia"
roles = ["ops_manager"]
sees_teams = ["*"]

[[person]]
id = "p-0b0b0002"
name = "Arjun Rao"
slack = [{ team = "T0BANK", user = "U0ARJUN" }]
roles = ["approver", "owner"]
sees_teams = ["*"]

[[person]]
id = "p-0a0d1703"
name = "Edith Okafor"
slack = [{ team = "T0BANK", user = "U0EDITH" }]
roles = ["auditor"]
sees_teams = ["*"]

[[person]]
id = "p-0d1e0004"
name = "Dana Director"
roles = ["director"]

[[person]]
id = "p-05e00005"
name = "Sam Reliable"
roles = ["sre", "owner"]
"""
OLIVIA, ARJUN, EDITH, DANA, SAM = "p-0a11ce01", "p-0b0b0002", "p-0a0d1703", "p-0d1e0004", "p-05e00005"
RULES = (Path(__file__).parents[2] / "app" / "defaults" / "rules.toml").read_text()
INSTANCE = "i-0123456789abcdef0"
ACCOUNT, REGION = "123456789012", "eu-central-1"
STOP = {"kind": "stop_instance", "account": ACCOUNT, "region": REGION, "instance_id": INSTANCE}
FIELDS: dict[str, Any] = {
    "account": ACCOUNT,
    "instance_id": INSTANCE,
    "state": "running",
    "type": "g5.12xlarge",
    "launched_at": "2026-08-01T00:00:00Z",
    "lifecycle": "on-demand",
    "root_device": "ebs",
    "stop_protection": False,
    "termination_protection": False,
    "scaling_group": "none",
    "tags": {"environment": "aa", "team": "bb"},
    "disks": ["vol-1"],
}
RESIZE = {**STOP, "kind": "resize_instance", "from_type": "g5.12xlarge", "to_type": "g5.xlarge"}
VOLUME = "vol-0123456789abcdef0"
DELETE = {"kind": "delete_volume", "account": ACCOUNT, "region": REGION, "volume_id": VOLUME}
VOLUME_FIELDS: dict[str, Any] = {
    "account": ACCOUNT,
    "volume_id": VOLUME,
    "state": "available",
    "attached_to": [],
    "size_gib": 500,
    "type": "gp3",
    "created_at": "2026-08-01T00:00:00Z",
    "snapshot": "none",
    "encrypted": False,
    "key": "none",
    "tags": {"team": "bb"},
}
SCALE = {
    "kind": "scale_node_group",
    "account": ACCOUNT,
    "region": REGION,
    "cluster": "batch",
    "nodegroup": "gpu",
    "before": {"min": 1, "max": 4, "desired": 3},
    "after": {"min": 0, "max": 4, "desired": 0},
}
GROUP_FIELDS: dict[str, Any] = {
    "account": ACCOUNT,
    "cluster": "batch",
    "nodegroup": "gpu",
    "status": "ACTIVE",
    "min": "1",
    "max": "4",
    "desired": "3",
    "instance_types": ["g5.xlarge"],
    "capacity": "ON_DEMAND",
    "issues": [],
    "tags": {"team": "bb"},
}


class Clock:
    """A clock in a file, which tests move and every process reads."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> datetime:
        return utc_time(self.path.read_text())

    def set(self, moment: datetime) -> None:
        fresh = self.path.with_suffix(f".{os.getpid()}")
        fresh.write_text(utc_text(moment))
        fresh.replace(self.path)


class Cloud:
    """Resources as JSON files, and one line in `effects` for each mutation that took effect.

    An instance and a volume are known by their ids, a node group as cluster/group.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, fields: dict[str, Any], environment: str = "development") -> None:
        path = self._path(named(fields))
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps({"fields": fields, "environment": environment}))
        fresh.replace(path)

    def change(self, instance: str = INSTANCE, **fields: Any) -> None:
        known = self.read(instance)
        self.put(known["fields"] | fields, known["environment"])

    def read(self, instance: str = INSTANCE) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self._path(instance).read_text())
        return loaded

    def remove(self, name: str) -> None:
        self._path(name).unlink()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name.replace('/', '--')}.json"

    def effects(self) -> list[str]:
        path = self.folder / "effects"
        return path.read_text().splitlines() if path.exists() else []

    def effect(self, line: str) -> None:
        handle = os.open(self.folder / "effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, line.encode() + b"\n")
        os.fsync(handle)
        os.close(handle)


class StubInspector:
    """Looks into the folder. `down`: no answer. `after_look` and `after_read` run when that was done."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.down = cloud, False
        self.looks = self.reads = 0
        self.after_look: Any = None
        self.after_read: Any = None

    def look(self, change: Any) -> Snapshot | NotSealable:
        self.looks += 1
        known = self._read(change)
        if isinstance(known, NotSealable):
            return known
        fields = known["fields"]
        if self.after_look is not None:
            self.after_look()
        for name, wanted in change.starts_from().items():
            if fields[name] != wanted:
                return NotSealable(f"{change.target} is {fields[name]}", "wrong_state", fields)
        return Snapshot(fields, name="trainer", environment=known["environment"])

    def read_back(self, change: Any) -> dict[str, Any]:
        self.reads += 1
        known = self._read(change)
        if self.after_read is not None:
            self.after_read()
        return {"state": "gone", "status": "gone"} if isinstance(known, NotSealable) else known["fields"]

    def _read(self, change: Any) -> Any:
        if self.down:
            raise CannotLook("the stub is down")
        try:
            return self.cloud.read(change.target)
        except FileNotFoundError:
            return NotSealable(f"there is no {change.target}", "not_found")


def named(fields: dict[str, Any]) -> str:
    """The name under which a resource's file is kept: what a change calls its target."""
    if "nodegroup" in fields:
        return f"{fields['cluster']}/{fields['nodegroup']}"
    return str(fields.get("instance_id") or fields["volume_id"])


def take_effect(cloud: Cloud, request: Request, token: str) -> None:
    """What the provider does with a request. A node group's token that is known has no second effect."""
    operation, parameters = request.operation, request.parameters
    if operation == "eks:UpdateNodegroupConfig":
        name, sizes = f"{parameters['clusterName']}/{parameters['nodegroupName']}", parameters["scalingConfig"]
        line = f"{operation} {name} {token}"
        if line not in cloud.effects():
            cloud.effect(line)
            read = {"min": "minSize", "max": "maxSize", "desired": "desiredSize"}
            cloud.change(name, **{field: str(sizes[key]) for field, key in read.items()})
        return
    name = parameters.get("VolumeId") or parameters.get("InstanceId") or parameters["InstanceIds"][0]
    cloud.effect(f"{operation} {name} {token}")
    if operation == "ec2:DeleteVolume":
        cloud.remove(name)
    elif operation == "ec2:ModifyInstanceAttribute":
        cloud.change(name, type=parameters["InstanceType"]["Value"])
    else:
        cloud.change(name, state="stopped" if "Stop" in operation else "running")


class StubExecutor:
    """Takes effect in the folder. `behaviour` says what goes wrong, and where the process kills itself.

    It does so at every send, or at the one whose number is in `only`.
    """

    name = "stub"
    rehearsal = False

    def __init__(self, cloud: Cloud, behaviour: str = "", only: int | None = None) -> None:
        self.cloud, self.behaviour, self.only, self.sent = cloud, behaviour, only, 0

    def send(self, request: Request, *, token: str) -> Receipt:
        self.sent += 1
        behaviour = self.behaviour if self.only in (None, self.sent) else ""
        if behaviour == "refused":
            raise Refused("UnauthorizedOperation", "not permitted")
        if behaviour == "lost before":
            raise NoAnswer("connection reset")
        if behaviour == "die before":
            os.kill(os.getpid(), signal.SIGKILL)
        if behaviour == "slow":
            time.sleep(0.2)
        take_effect(self.cloud, request, token)
        if behaviour == "die after":
            os.kill(os.getpid(), signal.SIGKILL)
        if behaviour == "lost after":
            raise NoAnswer("read timeout")
        if behaviour == "surprise":
            raise ValueError("a fault of the executor after the request went out")
        return Receipt(request_id=f"r-{token[:8]}", response_hash="ab" * 32)
