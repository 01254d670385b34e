"""Eyes that know what Terraform owns: of such a resource the change becomes a patch, and the cloud is left alone.

Who owns it is told by a Terraform state, or by the resource's own tags. Tags are seen as fingerprints like everywhere
behind the gate, so each value that counts is fingerprinted and compared.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from approvals.changes.terminate import TerminateInstance
from approvals.changes.terraform import MOST_LINES, Owned, PatchTerraform
from approvals.changes.volume import DeleteVolume
from approvals.inspectors.aws import fingerprints
from approvals.inspectors.port import CannotLook, Happening, NotSealable, Snapshot
from approvals.inspectors.router import Router
from approvals.inspectors.terraform_resources import Argument, Wanted, wanted
from approvals.inspectors.terraform_source import diff_of
from approvals.inspectors.terraform_state import Held, States
from approvals.inspectors.volume_type import STACK

OWNED = frozenset(one.model_fields["kind"].default for one in get_args(Owned))
TAGGING = ("add_tag", "remove_tag")
SAYS_NO = ("no", "false", "none", "")


class TerraformEyes:
    """An inspector like any other: `eyes` look, and what they see of an owned resource becomes a patch.

    `sources` has the folder of the root module of each state, or is empty. A tag of `tags` is a key, or a key and its
    value; case counts in neither.
    """

    def __init__(
        self, eyes: Router, *, states: tuple[Path, ...] = (), sources: tuple[Path, ...] = (),
        tags: tuple[tuple[str, str | None], ...] = (),
    ) -> None:  # fmt: skip
        self._eyes, self._states, self._sources, self._tags = eyes, States(states), sources, tags

    def unreadable(self) -> list[str]:
        """Why states cannot be read just now: until they can, nothing that they might hold is sealed."""
        return self._states.unreadable()

    def look(self, change: Any) -> Snapshot | NotSealable:
        """What the kind's inspector sees; with the patch as the change where Terraform owns the resource."""
        of: Any = change.of if isinstance(change, PatchTerraform) else change
        seen = self._eyes.look(of)
        if of.kind in TAGGING and isinstance(seen, Snapshot):
            return self._untaggable(of, seen) or seen
        if of.kind not in OWNED or (isinstance(seen, NotSealable) and seen.code != "not_permitted"):
            return seen
        owner = self._owner(of, seen.fields)
        if owner is None and isinstance(change, PatchTerraform):
            return NotSealable(f"Terraform does not own {of.target} any more", "not_managed", seen.fields)
        if STACK in seen.fields.get("tags", {}):
            why = f"{of.target} belongs to a stack of CloudFormation: change its template, or the next run undoes this"
            return NotSealable(why, "managed", seen.fields)
        if owner is None:
            return seen
        # Whoever lets Terraform do everything gives the worker no right to do it past Terraform, and it needs none.
        found = Snapshot(seen.fields, resolved=seen.resolved) if isinstance(seen, NotSealable) else seen
        return self._patched(found, found.resolved or of, owner)

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand: whether a patch was applied shows in the resource itself."""
        return self._eyes.read_back(change.of if isinstance(change, PatchTerraform) else change)

    def history(self, change: Any, since: datetime) -> Any:
        """What the provider's own log tells of our requests; of a patch there are none."""
        if isinstance(change, PatchTerraform):
            raise CannotLook("nothing is sent of a patch")
        told: list[Happening] = list(self._eyes.history(change, since))
        return told

    def _untaggable(self, of: Any, seen: Snapshot) -> NotSealable | None:
        """The refusal of a tag on what Terraform owns: tags stand in maps, which no patch of one argument sets."""
        type_ = "aws_instance" if of.resource_type == "instance" else "aws_ebs_volume"
        held = self._states.holding(type_, of.resource_id, account=of.account, region=of.region)
        if not held and not says_terraform(seen.fields.get("tags", {}), self._tags):
            return None
        why = f"Terraform owns {of.target}: set the tag in its configuration, or the next run undoes this"
        return NotSealable(why, "managed", seen.fields)

    def _owner(self, of: Any, fields: Mapping[str, Any]) -> list[Held] | None:
        """Where a state holds it (nowhere: only a tag says so); None where Terraform does not own it."""
        what = wanted(of)
        held = self._states.holding(what.type, what.id, account=of.account, region=of.region)
        if not what.sets:
            held = [one for one in held if not one.block]  # a machine's own disk does not go without the machine
        return held if held or says_terraform(fields.get("tags", {}), self._tags) else None

    def _patched(self, seen: Snapshot, of: Any, owner: list[Held]) -> Snapshot | NotSealable:
        if len(owner) > 1:
            named = " and ".join(sorted({self._file(one) for one in owner}))
            why = f"{of.target} stands more than once in {named}: nobody knows which of them is to be changed"
            return NotSealable(why, "managed_twice", seen.fields)
        what, held = wanted(of, seen.fields), owner[0] if owner else None
        diff = self._diff(what, held)
        patch = PatchTerraform(
            of=of, address=held.address if held else "", instruction=self._words(what, held, of), diff=tuple(diff)
        )
        where = patch.address or f"the configuration that owns {of.target}"
        radius = (f"{where}: nothing changes until somebody applies it", *seen.blast_radius)
        fields = seen.fields | {"terraform": patch.digest()}
        return Snapshot(fields, seen.name, seen.environment, seen.team, radius, resolved=patch)

    def _diff(self, what: Wanted, held: Held | None) -> list[str]:
        """The lines that set it, where one argument of one block of the root module is to be set."""
        if held is None or held.module or held.many or held.block or len(what.sets) != 1 or not self._sources:
            return []
        folders = [folder.resolve() for folder in self._sources]
        if folders.count(folders[held.state]) > 1:
            return []  # workspaces share the files: a plain value in them is each one's
        one = what.sets[0]
        lines = diff_of(self._sources[held.state], held.type, held.name, one.name, one.before, one.after)
        return lines if len(lines) <= MOST_LINES else []

    def _words(self, what: Wanted, held: Held | None, of: Any) -> str:
        type_ = "aws_instance" if held and held.block else held.type if held else what.type
        name = f"{type_}.{held.name}" if held and held.address else f"the {what.type} with the id {what.id}"
        if held and held.many and held.address:
            name = f"{held.address} (its block makes several)"
        sets = what.sets
        if held and held.block:
            name = f"the {held.block} of {name if held.address else f'the machine that has the disk {what.id}'}"
            sets = tuple(replace(one, name="volume_type") if one.name == "type" else one for one in sets)
        by_hand = of.first_by_hand() if isinstance(of, TerminateInstance | DeleteVolume) else ""
        first = f"{by_hand} Then remove" if by_hand else "Remove"
        deed = f"{first} {name}" if not sets else f"In {name} set {', '.join(map(_set, sets))}"
        where = f" in {held.module}" if held and held.module and held.address else ""
        state = f", which the state {self._file(held)} holds" if held else ", which its tags say that Terraform owns"
        return f"{deed}{where}{state}; then plan and apply it. Region {of.region}, account {of.account}."

    def _file(self, held: Held) -> str:
        return self._states.paths[held.state].name


def _set(one: Argument) -> str:
    def written(value: str | int) -> str:
        return f'"{value}"' if isinstance(value, str) else str(value)

    was = "" if one.before is None else f" (now {written(one.before)})"
    return f"{one.name} = {written(one.after)}{was}"


def says_terraform(tags: Mapping[str, str], wanted_tags: tuple[tuple[str, str | None], ...]) -> bool:
    """Whether a tag, seen as a fingerprint, is one of those that say so; a key alone unless its value says no."""
    for key, seen in tags.items():
        for name, value in wanted_tags:
            if key.casefold() != name.casefold():
                continue
            if value is None and not _is_one_of(key, seen, SAYS_NO):
                return True
            if value is not None and _is_one_of(key, seen, (value,)):
                return True
    return False


def _is_one_of(key: str, seen: str, values: tuple[str, ...]) -> bool:
    spelt = {form for value in values for form in (value, value.lower(), value.upper(), value.capitalize())}
    return seen in {fingerprints({key: value})[key] for value in spelt}
