"""Looks at the gate itself before people decide about it: what is in force, and whether the change could be made."""

from typing import Any

from approvals.active import PEOPLE, RULES, active, newest
from approvals.adopt import stored_of
from approvals.apart import people_of
from approvals.changes.change import AnyChange
from approvals.changes.governance import AdoptPolicy, ReleaseKillSwitch
from approvals.errors import PolicyError
from approvals.explain import locked_out
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.rules_file import load_rules
from approvals.switch import newest_turn
from audit.transaction import Begin


class LocalInspector:
    """Reads the gate's own rows."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin

    def look(self, change: AnyChange) -> Snapshot | NotSealable:
        """What is in force now, if the change could be made on it."""
        if isinstance(change, AdoptPolicy):
            return self._policy(change)
        if not isinstance(change, ReleaseKillSwitch):
            return NotSealable(f"{change.kind} is no change of the gate itself", "no_inspector")
        fields = self.read_back(change)
        if fields["engaged"] != "yes" or fields["turn"] != change.turn:
            return NotSealable("the kill switch is not on by this turn", "wrong_state", fields)
        return Snapshot(fields, name="kill switch", blast_radius=(change.resource,))

    def read_back(self, change: AnyChange) -> dict[str, Any]:
        """What is in force, or how the switch stands."""
        with self._begin() as (session, _):
            if isinstance(change, AdoptPolicy):
                current = newest(session, change.what)
                return {"in_force": current.digest if current else "none", "version": current.version if current else 0}
            if not isinstance(change, ReleaseKillSwitch):
                raise CannotLook(f"{change.kind} is no change of the gate itself")
            turn = newest_turn(session, change.scope)
            return {"engaged": "yes" if turn and turn.engaged else "no", "turn": turn.id if turn else 0}

    def _policy(self, change: AdoptPolicy) -> Snapshot | NotSealable:
        fields = self.read_back(change)
        if fields["in_force"] != change.replaces:
            return NotSealable(f"other {change.what} are in force than those to be replaced", "wrong_state", fields)
        with self._begin() as (session, _):
            stored = stored_of(session, change.what, change.digest)
            current = active(session)
            if stored is None:
                return NotSealable(f"the {change.what} with this digest are not stored", "not_found", fields)
            try:
                rules = load_rules(stored.text) if change.what == RULES else current.rules
                people = people_of(session, stored.text) if change.what == PEOPLE else current.people
            except PolicyError as error:
                return NotSealable(str(error), "not_valid", fields)
        locked = locked_out(rules, people)
        if locked is not None:
            return NotSealable(locked, "locks_out", fields)
        return Snapshot(fields, name=change.what, blast_radius=(change.resource,))
