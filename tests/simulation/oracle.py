"""What really happened, as the harness saw it, and whether it may have happened. It asks no function of the gate.

It reads each entry as it is committed, beside what the actors did: which ballots were really given, who was in force
then, what an inspector was shown, what reached the provider. From these it judges every claim and every request.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from approvals.changes.step import Request
from approvals.states import MOVES, TERMINAL, State
from audit.moment import utc_text, utc_time
from tests.simulation.cast import CAST, SHIPPED, Directory, Rules, Slots, fills, people_text, read_rules
from tests.simulation.provider import Look
from tests.simulation.world import Activity, World

PROMPT = 20.0
"""Seconds after storing its intent within which a request may still be sent."""

OPERATIONS = {"stop_instance": "ec2:StopInstances", "start_instance": "ec2:StartInstances"}
NO_WAY_BACK = frozenset({"executing", "unknown", "reconciling", "succeeded"})
ENDED = frozenset(state.value for state in TERMINAL)


@dataclass(frozen=True)
class Given:
    """A ballot that a person really gave and the gate accepted."""

    person: str
    at: datetime


@dataclass(frozen=True)
class Claimed:
    """A claim that the log told of; `faults` are why it should not have been."""

    worker: str
    fence: int
    until: datetime


@dataclass(eq=False)
class Case:
    """One proposal as it really went."""

    id: str
    requester: str
    editors: tuple[str, ...]
    change: dict[str, Any]
    amount: str | None
    currency: str | None
    place: str | None
    state: str = ""
    version: int = 0
    sealed: bytes = b""
    digest: str = ""
    shown: bool = False
    sealed_look: Look | None = None
    sealed_slots: Slots = ()
    expires_at: datetime | None = None
    latest: datetime | None = None
    execute_by: datetime | None = None
    given: dict[str, Given] = field(default_factory=dict)
    stopped: str = ""
    claims: list[Claimed] = field(default_factory=list)
    intents: dict[int, tuple[float, str]] = field(default_factory=dict)
    sends: Counter[int] = field(default_factory=Counter)
    effects: Counter[int] = field(default_factory=Counter)
    spoilt: set[str] = field(default_factory=set)
    beyond: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    tampered: str = ""
    was_unknown: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more may come of it."""
        return self.state in ENDED

    @property
    def instance(self) -> str:
        """The machine that it is about."""
        return str(self.change["instance_id"])

    @property
    def involved(self) -> set[str]:
        """Who may not decide it."""
        return {self.requester, *self.editors}


class Oracle:
    """The harness's own record of a run."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cases: dict[str, Case] = {}
        self.people: Directory = CAST
        self.rules: Rules = read_rules(SHIPPED)
        self.seq = world.memory.rows("SELECT MAX(seq) FROM log_entry")[0][0]
        self.transitions = self.under_fault = self.effects = 0
        self.tokens: dict[str, tuple[Case, int]] = {}

    # People and rules, as they were really adopted

    def roles(self, person: str | None) -> frozenset[str]:
        """The roles of a person, as adopted."""
        return next((roles for known, roles in self.people if known == person), frozenset())

    def needed(self, case: Case, look: Look | None) -> Slots:
        """Whose votes the case needs under what is in force."""
        told = look is not None and look.environment is not None
        places = (look.environment, case.place) if look is not None and told else (None,)
        asker = frozenset(role for person in case.involved for role in self.roles(person))
        return self.rules.needed(case.change["kind"], places, case.amount, case.currency, asker)

    def holders(self, case: Case) -> list[str]:
        """Whoever gave a vote that stands, and has a right to it now."""
        return [given.person for given in case.given.values() if self._right(case, given)]

    def _right(self, case: Case, given: Given) -> bool:
        in_time = case.expires_at is not None and given.at < case.expires_at
        return in_time and given.person not in case.involved and bool(self.roles(given.person))

    def quorum(self, case: Case, slots: Slots) -> bool:
        """Whether the votes that stand fill the slots."""
        held = sorted(sorted(self.roles(person)) for person in self.holders(case))
        return fills(slots, tuple(frozenset(roles) for roles in held))

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
        elif event == "approval.quorum_met":
            assert case.latest is not None
            case.execute_by = min(self.world.now + self.rules.execute_within, case.latest)
        elif event in ("execution.claimed", "execution.taken_over"):
            self._claimed(case, actor, data, activity)
        elif event == "execution.intended":
            case.intents[data["step"]] = (self.world.awake, actor)

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
        if after == "executing" and before not in ("claimed", "executing"):
            self.world.violation("6 claim", f"{case.id}: executing from {before}")
        case.state, case.version = after, version
        case.was_unknown |= after == "unknown"
        if after in ("rejected", "cancelled", "superseded", "vetoed", "stale", "expired", "unsealable"):
            case.stopped = case.stopped or after

    def _sealed(self, case: Case, activity: Activity | None) -> None:
        row = self.world.memory.rows("SELECT sealed, digest FROM proposal WHERE id = ?", case.id)[0]
        case.sealed, case.digest = row
        case.sealed_look = activity.look if activity is not None else None
        case.sealed_slots = self.needed(case, case.sealed_look)
        case.expires_at = self.world.now + self.rules.vote_within
        case.latest = case.expires_at + self.rules.execute_within
        for step in json.loads(case.sealed)["steps"]:
            token = hashlib.sha256(f"{case.id}\0{case.digest}\0{step['number']}".encode()).hexdigest()[:32]
            self.tokens[token] = (case, step["number"])

    # Whether a claim may be

    def _claimed(self, case: Case, worker: str, data: dict[str, Any], activity: Activity | None) -> None:
        look = activity.look if activity is not None else None
        for rule, fault in self._faults(case, look):
            self.world.violation(rule, f"{case.id} was claimed although {fault}")
        if case.claims and self.world.now < case.claims[-1].until:
            self.world.violation("1 claim", f"{case.id} was claimed while {case.claims[-1].worker} held it")
        if case.sends:
            self.world.violation("1 claim", f"{case.id} was claimed after its request was sent")
        case.claims.append(Claimed(worker, data["fence"], utc_time(data["lease_until"])))

    def _faults(self, case: Case, look: Look | None) -> list[tuple[str, str]]:
        found = []
        now = self.world.now
        stored = self.world.memory.rows("SELECT sealed, digest FROM proposal WHERE id = ?", case.id)[0]
        if case.tampered:
            found.append(("tampering", f"its rows were edited: {case.tampered}"))
        if stored != (case.sealed, case.digest) or not case.shown:
            found.append(("3 bytes", "its bytes are not those that were sealed and shown"))
        if hashlib.sha256(b"spendgate.proposal.v1\0" + case.sealed).hexdigest() != case.digest:
            found.append(("3 bytes", "its digest is not that of its bytes"))
        if case.stopped:
            found.append(("6 claim", f"it was {case.stopped}"))
        if case.execute_by is None or now >= case.execute_by:
            found.append(("6 expiry", f"it was to be executed before {case.execute_by}"))
        for which, slots in (("sealed", case.sealed_slots), ("now", self.needed(case, look))):
            if not self.quorum(case, slots):
                needs = [sorted(slot) for slot in slots]
                votes = {person: sorted(self.roles(person)) for person in self.holders(case)}
                found.append(("2 quorum", f"its votes {votes} do not fill {needs} ({which})"))
        if not self.roles(case.requester) & self.rules.may_propose:
            found.append(("2 requester", f"{case.requester} may not propose any more"))
        if look is None or not look.fit or look.fields != (case.sealed_look.fields if case.sealed_look else None):
            found.append(("8 drift", f"the machine was seen as {look}, sealed as {case.sealed_look}"))
        return found

    # Whether a request may be sent

    def sending(self, request: Request, token: str) -> tuple[Case | None, int]:
        """Judges a request that reaches the provider; which step of which case it is."""
        world, activity = self.world, self.world.active
        case, step = self.tokens.get(token, (None, 0))
        if case is None:
            world.violation("3 bytes", f"a request with a token that belongs to nothing: {request.operation}")
            return None, 0
        for rule, fault in self._sending(case, step, request, activity):
            world.violation(rule, f"{case.id}/{step} was sent although {fault}")
        case.sends[step] += 1
        return case, step

    def _sending(self, case: Case, step: int, request: Request, activity: Activity | None) -> list[tuple[str, str]]:
        found = []
        claim = activity.claim if activity is not None else None
        last = case.claims[-1] if case.claims else None
        if claim is None or last is None or (last.worker, last.fence) != (claim.worker, claim.fence):
            found.append(("1 claim", f"its sender's claim is {claim}, the last one {last}"))
        if case.sends[step]:
            found.append(("1 once", "it was sent before"))
        awake, worker = case.intents.get(step, (-1e9, ""))
        if claim is None or worker != claim.worker:
            found.append(("1 intent", f"its intent is {worker or 'nobody'}'s"))
        elif self.world.awake - awake > PROMPT:
            found.append(("late", f"its intent was stored {self.world.awake - awake:.3f} seconds before"))
        told = request.model_dump()
        sealed = next(row for row in json.loads(case.sealed)["steps"] if row["number"] == step)
        change = case.change
        asked = {
            "operation": OPERATIONS[change["kind"]],
            "account": change["account"],
            "region": change["region"],
            "parameters": {"InstanceIds": [change["instance_id"]]},
        }
        if told not in (sealed["request"],) or told != asked:
            found.append(("3 bytes", f"it is {told}, sealed {sealed['request']}, asked for {asked}"))
        return found

    def took_effect(self, request: Request, token: str) -> None:
        """The provider did it."""
        self.effects += 1
        case, step = self.tokens.get(token, (None, 0))
        self.world.tell(f"effect of {case.id if case else '?'}/{step}: {request.operation}")
        if case is not None:
            case.effects[step] += 1
            if case.effects[step] > 1:
                self.world.violation("1 once", f"{case.id}/{step} took effect {case.effects[step]} times")

    # What spoils the promise that a case ends well

    def touched(self, instance: str, what: str) -> None:
        """Somebody else changed the machine."""
        for case in self.cases.values():
            if case.instance == instance:
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
        case = activity.case
        if case is not None and case.tampered:
            self.world.tell(f"{activity.what}: {type(error).__name__}")
            return
        self.world.violation("errors", f"{activity.what} raised {type(error).__name__}: {error}")

    def adopt(self, *, people: Directory | None = None, rules: str | None = None) -> None:
        """A file came into force."""
        self.people = self.people if people is None else people
        self.rules = self.rules if rules is None else read_rules(rules)

    def people_file(self) -> str:
        """The file in force."""
        return people_text(self.people)
