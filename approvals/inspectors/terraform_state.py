"""Which resources a Terraform state holds: types, addresses and ids, and nothing else of it.

A state holds passwords in plain text. So of each instance only its id, its ARN and where it stands are kept, and no
error repeats a word of the file. Read are a state of version 4 (`terraform state pull`) and `terraform show -json`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from approvals.inspectors.port import CannotLook

ROOT_DISK = "root_block_device"
MOST_BYTES = 256 * 1024 * 1024
ADDRESS = re.compile(r"[A-Za-z0-9_.\-\[\]\"/:@ ]{1,250}")
UNIQUE = re.compile(r"(i|vol|eipalloc)-[0-9a-f]{8,17}")
"""Ids that AWS gives once in the world; a name may stand in several accounts and regions."""


@dataclass(frozen=True)
class Held:
    """One resource of a state. `module` is empty for the root; `many`: its block makes several (count, for_each);
    `block`: it is what this block within the resource's tells of."""

    state: int
    type: str
    name: str
    module: str
    many: bool
    address: str
    id: str
    arn: str
    block: str = ""

    def is_of(self, type_: str, id_: str, *, account: str, region: str) -> bool:
        """Whether it is this one of AWS: by type and id, and by its ARN where the id alone does not name it."""
        if self.type != type_ or id_ not in (self.id, self.arn.rpartition("/")[2]):
            return False
        if not self.arn:
            return UNIQUE.fullmatch(id_) is not None
        return f":{region}:{account}:" in f"{self.arn}:"


class States:
    """The states in these files, read again when a file has changed."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self.paths = paths
        self._read: dict[Path, tuple[tuple[int, int], tuple[Held, ...]]] = {}

    def holding(self, type_: str, id_: str, *, account: str, region: str) -> list[Held]:
        """Every resource of all states that is this one of AWS; CannotLook for a state that cannot be read.

        Without it nobody knows who owns the resource, so nothing is sealed.
        """
        held = (one for number, path in enumerate(self.paths) for one in self._of(number, path))
        found = [one for one in held if one.is_of(type_, id_, account=account, region=region)]
        return [one for one in found if not one.block] or found

    def unreadable(self) -> list[str]:
        """Why each of them cannot be read just now; none where all can."""
        told = []
        for number, path in enumerate(self.paths):
            try:
                self._of(number, path)
            except CannotLook as error:
                told.append(str(error))
        return told

    def _of(self, number: int, path: Path) -> tuple[Held, ...]:
        try:
            told = path.stat()
            mark = (told.st_mtime_ns, told.st_size)
            known = self._read.get(path)
            if known is None or known[0] != mark:
                self._read[path] = known = (mark, _parsed(number, path, told.st_size))
        except OSError as error:
            raise _unreadable(path, str(error.strerror)) from None
        return known[1]


def _parsed(number: int, path: Path, size: int) -> tuple[Held, ...]:
    if size > MOST_BYTES:
        raise _unreadable(path, f"it has more than {MOST_BYTES // 1024 // 1024} MB")
    try:
        state = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise _unreadable(path, "it is not JSON") from None
    try:
        if isinstance(state, dict) and state.get("version") == 4:
            return tuple(_of_state(number, state))
        if isinstance(state, dict) and "format_version" in state:
            root = (state.get("values") or {}).get("root_module") or {}
            return tuple(_of_show(number, root, ""))
    except (KeyError, TypeError, AttributeError, RecursionError):
        raise _unreadable(path, "a resource in it has another shape than Terraform writes") from None
    raise _unreadable(path, "it is neither a state of version 4 nor what `terraform show -json` prints")


def _of_state(number: int, state: dict[str, Any]) -> Iterator[Held]:
    for resource in state["resources"]:
        if resource["mode"] != "managed":
            continue
        module = str(resource.get("module") or "")
        for instance in resource["instances"]:
            values = instance.get("attributes") or instance.get("attributes_flat") or {}
            held = _held(number, resource, module, instance.get("index_key"), values)
            if "deposed" in instance:
                # Another one stands in its place, and Terraform's next run deletes it: the block is not about it.
                held = replace(held, many=True, address="")
            yield from _with_disk(held, values)


def _of_show(number: int, module: dict[str, Any], address: str) -> Iterator[Held]:
    for resource in module.get("resources", []):
        if resource["mode"] == "managed":
            values = resource.get("values") or {}
            yield from _with_disk(_held(number, resource, address, resource.get("index"), values), values)
    for child in module.get("child_modules", []):
        yield from _of_show(number, child, str(child["address"]))


def _held(number: int, resource: dict[str, Any], module: str, index: Any, values: dict[str, Any]) -> Held:
    plain = f"{resource['type']}.{resource['name']}"
    at = "" if index is None else f"[{index}]" if isinstance(index, int) else f'["{index}"]'
    address = f"{module}.{plain}{at}" if module else f"{plain}{at}"
    id_, arn = _text(values.get("id")), _text(values.get("arn"))
    return Held(
        state=number, type=str(resource["type"]), name=str(resource["name"]), module=module, many=index is not None,
        address=address if ADDRESS.fullmatch(address) else "", id=id_,
        arn=arn or (id_ if id_.startswith("arn:") else ""),  # of some types the ARN is the id, and no value beside it
    )  # fmt: skip


def _with_disk(held: Held, values: dict[str, Any]) -> Iterator[Held]:
    """It, and of a machine the disk that it starts from, which Terraform owns by a block within the machine's."""
    yield held
    disks = values.get(ROOT_DISK) if held.type == "aws_instance" else None
    for disk in disks if isinstance(disks, list) else []:
        if isinstance(disk, dict):
            yield replace(held, type="aws_ebs_volume", id=_text(disk.get("volume_id")), arn="", block=ROOT_DISK)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _unreadable(path: Path, why: str) -> CannotLook:
    return CannotLook(f"the Terraform state {path.name} cannot be read: {why}")
