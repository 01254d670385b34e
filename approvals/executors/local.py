"""Carries out what people decided about the gate itself, in its own database.

The only executor whose provider can be trusted with an idempotency token: the token is a unique column of the row that
takes effect, so a second request with it finds the first one's effect and changes nothing.
"""

from sqlmodel import col, select

from approvals.active import RULES, active, newest
from approvals.adopt import put_in_force, stored_of
from approvals.apart import people_of
from approvals.changes.governance import ADOPT, RELEASE
from approvals.changes.step import Request
from approvals.errors import GateError
from approvals.executors.port import Receipt, Refused
from approvals.explain import locked_out
from approvals.rules_file import load_rules
from approvals.store import KillSwitch, PolicyVersion
from approvals.switch import newest_turn
from audit.canonical import sha256
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.transaction import Begin


class LocalExecutor:
    """Adopts policies and releases the kill switch, each in one transaction with its entry."""

    name = "spendgate"
    rehearsal = False

    def __init__(self, begin: Begin, *, worker: str = "worker") -> None:
        self._begin = begin
        self._actor = Actor(ActorKind.WORKER, worker)

    def send(self, request: Request, *, token: str) -> Receipt:
        """Takes effect at most once for a token."""
        if request.operation == ADOPT:
            return self._adopt(request, token)
        if request.operation == RELEASE:
            return self._release(request, token)
        raise Refused("unknown_operation", f"{request.operation} is nothing that this executor does")

    def _adopt(self, request: Request, token: str) -> Receipt:
        kind, digest = str(request.parameters["Kind"]), str(request.parameters["Digest"])
        with self._begin() as (session, now):
            known = session.exec(select(PolicyVersion).where(col(PolicyVersion.token) == token)).first()
            if known is None:
                current, stored = newest(session, kind), stored_of(session, kind, digest)
                if current is None or current.digest != request.parameters["Replaces"]:
                    raise Refused("changed_meanwhile", f"other {kind} are in force than those that were to be replaced")
                if stored is None:
                    raise Refused("no_candidate", f"the {kind} with this digest are not stored")
                in_force = active(session)
                try:
                    rules = load_rules(stored.text) if kind == RULES else in_force.rules
                    people = in_force.people if kind == RULES else people_of(session, stored.text)
                    # The other file may have changed since the look before the claim.
                    locked = locked_out(rules, people)
                    if locked is not None:
                        raise Refused("locks_out", locked)
                    known = put_in_force(session, now=now, kind=kind, stored=stored, actor=self._actor, token=token)
                except GateError as error:
                    raise Refused("not_valid", str(error)) from error
            version = known.version
        return _receipt(f"{kind}:{version}:{digest}")

    def _release(self, request: Request, token: str) -> Receipt:
        scope, turn = str(request.parameters["Scope"]), int(request.parameters["Turn"])
        with self._begin() as (session, now):
            known = session.exec(select(KillSwitch).where(col(KillSwitch.token) == token)).first()
            if known is None:
                current = newest_turn(session, scope)
                if current is None or current.id != turn or not current.engaged:
                    raise Refused("changed_meanwhile", "the switch was turned since this was approved")
                known = KillSwitch(scope=scope, engaged=False, by=self._actor.id, token=token, turned_at=now)
                session.add(known)
                session.flush()
                data = {"scope": scope, "turn": known.id, "releases": turn, "token": token}
                append(session, now=now, event=Event.KILLSWITCH_OFF, actor=self._actor, data=data)
            number = known.id
        return _receipt(f"kill-switch:{scope}:{number}")


def _receipt(what: str) -> Receipt:
    return Receipt(request_id=what[:60], response_hash=sha256(what.encode()))
