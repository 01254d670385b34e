"""What really happened, as the harness saw it, and whether it may have happened. It asks no function of the gate.

It reads each entry as it is committed, beside what the actors did: which ballots were really given, who was in force
then, what an inspector was shown. `standing.py` knows who was in force; `judgement.py` says what may be claimed, and
what may be sent.
"""

import json
from datetime import timedelta
from typing import Any

from approvals.states import MOVES, State
from audit.moment import utc_text, utc_time
from tests.simulation.cases import ENDED, ONLY_THE_STATE, Case, Claimed
from tests.simulation.judgement import faults_of_claim, faults_of_send
from tests.simulation.provider import Look
from tests.simulation.standing import Standing
from tests.simulation.world import Activity, World

LEASE = timedelta(seconds=90)
NO_WAY_BACK = frozenset({"executing", "unknown", "reconciling", "succeeded"})
VOTING = frozenset({"pending", "partial"})
STOPPED = frozenset({"rejected", "cancelled", "superseded", "vetoed", "stale", "expired", "unsealable"})


class Oracle:
    """The harness's own record of a run."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cases: dict[str, Case] = {}
        self.standing = Standing(world)
        self.seq = world.memory.rows("SELECT MAX(seq) FROM log_entry")[0][0]
        self.transitions = self.under_fault = self.effects = 0
        self.tokens: dict[str, tuple[Case, int]] = {}

    # What was committed

    def committed(self, activity: Activity | None) -> None:
        """Reads the entries of the transaction that was just committed."""
        rows = self.world.memory.rows(
            "SELECT seq, event, actor, proposal, proposal_version, body FROM log_entry WHERE seq > ? ORDER BY seq",
            self.seq,
        )
        for seq, event, actor, proposal, version, body in rows:
            if seq != self.seq + 1:
                self.world.violation("7 log", f"entry {seq} follows {self.seq}")
            self.seq = seq
            told = json.loads(body)
            if told["recorded_at"] != utc_text(self.world.now):
                self.world.violation("time", f"entry {seq} is of {told['recorded_at']}")
            case = self.cases.get(proposal)
            if case is not None:
                self._entry(case, event, actor, version, told["data"], activity)
        if activity is not None and activity.committed is not None:
            activity.committed()
            activity.committed = None

    def _entry(
        self,
        case: Case,
        event: str,
        actor: str,
        version: int | None,
        data: dict[str, Any],
        activity: Activity | None,
    ) -> None:
        moved = f" → {data['to']} (version {version})" if version is not None else ""
        self.world.tell(f"{case.id} {event}{moved}")
        if version is not None:
            self._moved(case, event, version, data)
        if event == "proposal.sealed":
            self._sealed(case, activity)
        elif event == "proposal.posted":
            case.shown = True
        elif event == "approval.held":
            case.held = True
            if str(data["code"]).startswith("cap"):
                case.spoilt.add("a cap")
        elif event == "approval.quorum_met":
            assert case.latest is not None
            case.execute_by = min(self.world.now + self.standing.rules.execute_within, case.latest)
        elif event in ("execution.claimed", "execution.taken_over", "execution.resent"):
            self._claimed(case, event, actor, data, activity)
        elif event == "execution.answered" and version is not None and case.state == "executing":
            case.holds_on(self.world.now + LEASE)
        elif event == "execution.intended":
            case.intents[data["step"]] = (self.world.awake, actor)
            case.intended_at = self.world.now
            last = case.claims[-1] if case.claims else None
            if last is None or last.worker != actor or self.world.now >= last.until:
                self.world.violation("1 claim", f"{actor} stored an intent of {case.id}, whose last claim is {last}")
            else:
                case.holds_on(self.world.now + LEASE)
            if self.standing.engaged(case.change["account"]):
                self.world.violation("12 switch", f"an intent of {case.id} was stored with the kill switch on")

    def _moved(self, case: Case, event: str, version: int, data: dict[str, Any]) -> None:
        before, after = data["from"], data["to"]
        self.transitions += 1
        self.under_fault += bool(self.world.faults)
        legal = event in MOVES.get((State(before), State(after)), frozenset())
        expected = case.state or "draft"
        if not case.tampered and (before != expected or version != case.version + 1):
            self.world.violation("5 entries", f"{case.id}: {event} from {before}, but it was {expected}")
        if not legal or (before in NO_WAY_BACK and after not in NO_WAY_BACK | ENDED):
            self.world.violation("moves", f"{case.id}: {before} → {after} by {event}")
        if after == "executing" and before not in ("claimed", "executing") and event != "execution.resent":
            self.world.violation("6 claim", f"{case.id}: executing from {before}")
        if case.tampered == ONLY_THE_STATE and after in VOTING:
            case.tampered = ""  # the gate put its own state in place of what was written: the votes are counted anew
        case.state, case.version = after, version
        case.was_unknown |= after == "unknown"
        if after in STOPPED:
            case.stopped = case.stopped or after

    def _sealed(self, case: Case, activity: Activity | None) -> None:
        row = self.world.memory.rows("SELECT sealed, digest FROM proposal WHERE id = ?", case.id)[0]
        case.sealed, case.digest = row
        case.sealed_look = activity.look if activity is not None else None
        case.judged = self.standing.judge_amount(case, self.cases.values())
        case.sealed_slots = self.standing.needed(case, case.sealed_look)
        rules = self.standing.rules
        within = rules.emergency_vote_within if case.authority == "break_glass" else rules.vote_within
        case.expires_at = self.world.now + within
        case.latest = case.expires_at + rules.execute_within
        for step in range(1, case.steps + 1):
            self.tokens[case.token(step)] = (case, step)

    def _claimed(self, case: Case, event: str, worker: str, data: dict[str, Any], activity: Activity | None) -> None:
        """A worker got the right to send: at first, over from another, for the next step, or a second time."""
        between = data["from"] == "executing"
        look: Look | None = activity.look if activity is not None else None
        for rule, fault in faults_of_claim(self.world, case, look, event=event, between=between):
            self.world.violation(rule, f"{event} of {case.id} although {fault}")
        if event == "execution.resent":
            case.resent += 1
            case.intents[data["step"]] = (self.world.awake, worker)
        if event == "execution.claimed":
            self.standing.claimed[case.id] = (self.world.now, case.amount if case.currency == "USD" else None)
        until = utc_time(data["lease_until"]) if "lease_until" in data else self.world.now + LEASE
        case.claims.append(Claimed(worker, data["fence"], until))
        case.held = False

    # What reaches the provider

    def sending(self, request: Any, token: str) -> tuple[Case | None, int]:
        """Judges a request that reaches the provider; which step of which case it is."""
        case, step = self.tokens.get(token, (None, 0))
        if case is None:
            self.world.violation("3 bytes", f"a request with a token that belongs to nothing: {request.operation}")
            return None, 0
        for rule, fault in faults_of_send(self.world, case, step, request.model_dump()):
            self.world.violation(rule, f"{case.id}/{step} was sent although {fault}")
        case.sends[step] += 1
        return case, step

    def took_effect(self, token: str, operation: str) -> None:
        """The provider did it."""
        self.effects += 1
        case, step = self.tokens.get(token, (None, 0))
        self.world.tell(f"effect of {case.id if case else '?'}/{step}: {operation}")
        if case is not None:
            case.effects[step] += 1
            if case.effects[step] > 1:
                self.world.violation("1 once", f"{case.id}/{step} took effect {case.effects[step]} times")
            if case.ended:
                self._after_the_end(case)

    def _after_the_end(self, case: Case) -> None:
        """What comes when nobody waits for it any more may change a thing before another case of it is sealed."""
        for other in self.cases.values():
            if other is not case and other.thing == case.thing and not other.ended:
                other.spoilt.add("a late effect of another case")

    def add(self, case: Case) -> None:
        """Somebody asked for something."""
        if any(other.tampered for other in self.cases.values()):
            case.spoilt.add("what the caps are judged by was edited")
        self.cases[case.id] = case
        if self.standing.forged:
            case.tampered = self.standing.forged
            case.spoilt.add("tampered")
        if any(not lent.over and self.world.now < lent.end for lent in self.standing.lendings):
            case.spoilt.add("a role is lent, whose beginning or end changes who is needed")
        if any(self.standing.switches.values()):
            case.spoilt.add("asked for while everything was stopped")

    # What spoils the promise that a case ends well

    def touched(self, name: str, what: str) -> None:
        """Somebody else changed the thing."""
        for case in self.cases.values():
            if case.thing == name:
                case.touched.add(what)
                case.spoilt.add("drift")

    def spoil(self, why: str) -> None:
        """Something happened that may end any proposal."""
        for case in self.cases.values():
            case.spoilt.add(why)

    def crashed(self, activity: Activity) -> None:
        """A replica died; where a request may have gone out, its outcome may be failed."""
        if activity.case is not None and activity.case.intents:
            activity.case.spoilt.add("crash after the intent")

    def raised(self, activity: Activity, error: Exception) -> None:
        """The product raised what it does not promise to raise."""
        if any(case.tampered for case in self.cases.values()):
            self.world.tell(f"{activity.what}: {type(error).__name__}")
            return
        self.world.violation("errors", f"{activity.what} raised {type(error).__name__}: {error}")
