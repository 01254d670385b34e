"""A seeded year of a provider's events and the log that belongs to it, with faults planted between them.

The entries have the gate's own shapes and sealed bytes; the votes, claims and answers are made here, since a thousand
of them through the gate itself would take minutes. Times, ids and faults follow from the seed alone.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from approvals.changes.change import AnyChange, parse_change
from approvals.execute import token_of
from approvals.lease import Claim
from approvals.sealed import Amount, Pinned, Sealed, digest
from approvals.states import State
from audit.event import Actor, ActorKind, Event
from audit.moment import utc_text

BEGIN = datetime(2025, 11, 1, tzinfo=UTC)
ACCOUNTS, REGIONS = ("111122223333", "444455556666", "777788889999"), ("eu-central-1", "us-east-1")
ROLE = "arn:aws:iam::111122223333:role/ops/spendgate-worker"
SESSION = "arn:aws:sts::111122223333:assumed-role/spendgate-worker/worker-1"
ADMIN = "arn:aws:sts::111122223333:assumed-role/admin/jo"
PEOPLE = ("p-0b0b0002", "p-05e00005", "p-0d1e0004")
REQUESTER = "p-0a11ce01"
WORKER = Actor(ActorKind.WORKER, "w-1")
ENDS = (
    ("verified", 60), ("rejected", 8), ("expired", 5), ("refused", 5), ("found", 5), ("absent", 4), ("rehearsed", 4),
    ("resent", 5), ("approved", 2), ("diverged", 2),
)  # fmt: skip


@dataclass
class Told:
    """One entry to be: when it claims to be written, and after what time it stands in the chain."""

    at: datetime
    event: Event
    actor: Actor
    data: dict[str, Any]
    to: State | None = None
    chained: datetime | None = None


@dataclass
class Life:
    """One proposal of the year: its bytes, how it ends, its entries, and the events of its steps."""

    sealed: Sealed
    end: str
    at: datetime
    entries: list[Told] = field(default_factory=list)
    events: dict[int, dict[str, Any]] = field(default_factory=dict)
    claimed_at: datetime | None = None

    @property
    def id(self) -> str:
        return self.sealed.id

    @property
    def digest(self) -> str:
        return digest(self.sealed.encode())

    def token(self, number: int = 1) -> str:
        step = self.sealed.steps[number - 1]
        return token_of(Claim(self.id, "", 0, self.digest, self.at), step)

    def told(self, event: Event) -> Told:
        return next(one for one in self.entries if one.event == event)


class Year:
    """Everything that happened, before it is written anywhere."""

    def __init__(self, seed: int, proposals: int, background: int) -> None:
        self.dice = random.Random(seed)
        self.lives: list[Life] = []
        self.events: list[Any] = []
        self.truth: Counter[tuple[str, str]] = Counter()
        self._used = 0
        step = timedelta(days=365) / max(proposals, 1)
        for number in range(proposals):
            self.lives.append(self._life(number, BEGIN + step * number + self._seconds(60, 3600)))
        for _ in range(background):
            self.events.append(self._bystander())

    def _seconds(self, low: float, high: float) -> timedelta:
        return timedelta(microseconds=self.dice.randrange(int(low * 1e6), int(high * 1e6)))

    def uuid(self) -> str:
        text = f"{self.dice.getrandbits(128):032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def hexed(self, digits: int) -> str:
        return f"{self.dice.getrandbits(4 * digits):0{digits}x}"

    def place(self) -> tuple[str, str]:
        return self.dice.choice(ACCOUNTS), self.dice.choice(REGIONS)

    def _change(self, end: str) -> AnyChange:
        place: dict[str, Any] = dict(zip(("account", "region"), self.place(), strict=True))
        sizes = {"min": 0, "max": 6}
        scale = place | {
            "kind": "scale_node_group", "cluster": f"batch-{self.hexed(4)}", "nodegroup": "gpu",
            "before": sizes | {"desired": self.dice.randrange(3, 6)}, "after": sizes | {"desired": 1},
        }  # fmt: skip
        instance = place | {"instance_id": f"i-{self.hexed(17)}"}
        kinds = [
            scale,
            instance | {"kind": "stop_instance"},
            instance | {"kind": "start_instance"},
            instance | {"kind": "resize_instance", "from_type": "g5.12xlarge", "to_type": "g5.xlarge"},
            place | {"kind": "delete_volume", "volume_id": f"vol-{self.hexed(17)}"},
        ]
        return parse_change(scale if end == "resent" else self.dice.choice(kinds))

    def _life(self, number: int, at: datetime) -> Life:
        names, weights = zip(*ENDS, strict=True)
        end = self.dice.choices(names, weights)[0]
        change = self._change(end)
        slots = (("approver",), ("owner",)) if change.kind == "delete_volume" else (("approver",),)
        life = Life(_sealed(f"P-{number:010d}", change, slots, at, self.hexed(32)), end, at)
        _until_decided(self, life)
        if end not in ("rejected", "expired", "approved"):
            _carried_out(self, life)
        return life

    def event(self, life: Life, number: int, at: datetime, **more: Any) -> dict[str, Any]:
        """The provider's record of a step; its clock is up to twenty seconds off, and its times are cut."""
        request = life.sealed.steps[number - 1].request
        token = life.token(number)
        agent = f"Boto3/1.44 md/Botocore#1.44 spendgate/{token}"
        made = self.record(
            request.operation, request.account, request.region, shaped(request.operation, request.parameters, token),
            at + self._seconds(0.1, 1.5) + timedelta(seconds=self.dice.randrange(-20, 21)), userAgent=agent,
        )  # fmt: skip
        return made | more

    def record(
        self, operation: str, account: str, region: str, parameters: Any, at: datetime, who: str = SESSION, **more: Any
    ) -> dict[str, Any]:
        """A record as CloudTrail writes it."""
        service, _, name = operation.partition(":")
        return {
            "eventVersion": "1.11",
            "userIdentity": identity(who),
            "eventTime": utc_text(at)[:19] + "Z",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": "192.0.2.7",
            "userAgent": "Boto3/1.44",
            "requestParameters": parameters,
            "responseElements": None,
            "requestID": self.uuid(),
            "eventID": self.uuid(),
            "readOnly": name.startswith("Describe"),
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": account,
        } | more

    def _bystander(self) -> dict[str, Any]:
        """What others did all year, some of it to the very resources; and what our own role only read or rehearsed."""
        at, place = BEGIN + self._seconds(0, 364 * 86400), self.place()
        instance = self.dice.choice(self.lives).sealed.steps[0].request.parameters if self.lives else {}
        which = self.dice.randrange(10)
        if which < 5:
            return self.record("ec2:DescribeInstances", *place, None, at, who=ADMIN)
        if which < 7:
            return self.record("ec2:DescribeInstances", *place, {"instancesSet": {}}, at)
        if which == 7:
            parameters = {"instancesSet": {"items": [{"instanceId": f"i-{self.hexed(17)}"}]}, "dryRun": True}
            refused: dict[str, Any] = {
                "errorCode": "Client.DryRunOperation",
                "errorMessage": "Request would have succeeded",
            }
            return self.record("ec2:StopInstances", *place, parameters, at, **refused)
        operation = "ec2:StartInstances" if which == 8 else "ec2:StopInstances"
        parameters = shaped(operation, {"InstanceIds": instance.get("InstanceIds", ["i-0" * 6])}, "")
        return self.record(operation, *place, parameters, at, who=ADMIN)

    def pick(self, *ends: str, where: Callable[[Life], bool] = lambda _: True) -> Life:
        """A proposal that ended so and bears no fault yet."""
        free = [one for one in self.lives[self._used :] if one.end in ends and where(one)]
        chosen = free[0]
        self.lives.remove(chosen)
        self.lives.insert(self._used, chosen)
        self._used += 1
        return chosen


def identity(who: str) -> dict[str, Any]:
    """A role's session as CloudTrail names it; ours has a role with a path."""
    name = who.split("/")[1]
    path = "ops/" if name == "spendgate-worker" else ""
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{who.split(':')[4]}:role/{path}{name}", "userName": name}
    context = {"sessionIssuer": issuer, "attributes": {"mfaAuthenticated": "false"}}
    return {"type": "AssumedRole", "arn": who, "accessKeyId": "ASIA" + "E" * 16, "sessionContext": context}


def shaped(operation: str, parameters: dict[str, Any], token: str) -> dict[str, Any]:
    """A request's parameters as CloudTrail writes them down, which is not as they are sent."""
    if operation == "ec2:ModifyInstanceAttribute":
        return {"instanceId": parameters["InstanceId"], "instanceType": {"value": parameters["InstanceType"]["Value"]}}
    if operation == "ec2:DeleteVolume":
        return {"volumeId": parameters["VolumeId"]}
    if operation.startswith("eks:"):
        named = {"name": parameters["clusterName"], "nodegroupName": parameters["nodegroupName"]}
        return named | {"scalingConfig": parameters["scalingConfig"], "clientRequestToken": token}
    return {"instancesSet": {"items": [{"instanceId": one} for one in parameters["InstanceIds"]]}, "force": False}


def _sealed(named: str, change: AnyChange, slots: Any, at: datetime, nonce: str) -> Sealed:
    steps = change.steps()
    pinned = Pinned(
        rules_version=1, rules_digest="0" * 64, people_version=1, people_digest="0" * 64, environment="development",
        reason="the class and the amount", slots=slots, class_name="reversible",
    )  # fmt: skip
    return Sealed(
        id=named, requester=REQUESTER, editors=(), change=change, title=change.title(), resource=change.resource,
        resource_name=None, steps=steps, request_hashes=tuple(step.request.hash() for step in steps),
        preconditions={}, blast_radius=(change.resource,), reversibility=change.reversibility(),
        amount=Amount(value="4000", currency="USD", basis="the bill"), evidence={}, policy=pinned, nonce=nonce,
        sealed_at=utc_text(at), expires_at=utc_text(at + timedelta(days=3)),
        execute_by=utc_text(at + timedelta(days=4)), supersedes=None, inverse_of=None,
    )  # fmt: skip


def _until_decided(year: Year, life: Life) -> None:
    at, person = life.at, [Actor(ActorKind.PERSON, one) for one in PEOPLE]
    data = {
        "digest": life.digest, "requester": REQUESTER, "resource": life.sealed.resource,
        "policy": life.sealed.policy.model_dump(), "amount": life.sealed.amount.model_dump(), "scope": "",
    }  # fmt: skip
    say = life.entries.append
    say(Told(at, Event.PROPOSAL_SEALED, WORKER, data, State.SEALED))
    at += year._seconds(0.1, 2)
    say(Told(at, Event.PROPOSAL_POSTED, Actor(ActorKind.SERVICE, "serve"), {}, State.PENDING))
    at += year._seconds(60, 40_000)
    ballot = {"choice": "approve", "digest": life.digest, "via": "slack"}
    if life.end == "rejected":
        told = ballot | {"choice": "reject", "person": PEOPLE[0]}
        say(Told(at, Event.VOTE_REJECTED, person[0], told, State.REJECTED))
        return
    if life.end == "expired":
        say(Told(life.at + timedelta(days=3), Event.PROPOSAL_EXPIRED, WORKER, {"reason": "time"}, State.EXPIRED))
        return
    if len(life.sealed.policy.slots) > 1:
        say(Told(at, Event.VOTE_APPROVED, person[1], ballot | {"person": PEOPLE[1]}, State.PARTIAL))
        at += year._seconds(60, 20_000)
    last = ballot | {"person": PEOPLE[0]}
    say(Told(at, Event.VOTE_APPROVED, person[0], last))
    say(Told(at, Event.APPROVAL_QUORUM_MET, person[0], last | {"approvals": [PEOPLE[0]]}, State.APPROVED))


def _carried_out(year: Year, life: Life) -> None:
    at = life.entries[-1].at + year._seconds(0.2, 600)
    say, life.claimed_at = life.entries.append, at
    say(Told(at, Event.EXECUTION_CLAIMED, WORKER, {"digest": life.digest, "fence": 1}, State.CLAIMED))
    for step in life.sealed.steps:
        at += year._seconds(0.05, 0.5)
        intent = {
            "step": step.number, "attempt": f"a-{year.hexed(16)}", "fence": 1, "token": life.token(step.number),
            "request_hash": step.request.hash(), "digest": life.digest, "executor": "aws",
            "rehearsal": life.end == "rehearsed",
        }  # fmt: skip
        say(Told(at, Event.EXECUTION_INTENDED, WORKER, intent, State.EXECUTING))
        last = step.number == len(life.sealed.steps)
        at = _answered(year, life, step.number, at, intent, last=last)
        if life.end in ("refused", "found", "absent"):
            return
        if not last:
            at += year._seconds(20, 90)
            data = {"digest": life.digest, "fence": 2, "step": step.number + 1}
            say(Told(at, Event.EXECUTION_TAKEN_OVER, WORKER, data, State.EXECUTING))
    if life.end == "rehearsed":
        say(Told(at, Event.EXECUTION_REHEARSED, WORKER, {"steps": len(life.sealed.steps)}, State.REHEARSED))
        return
    say(Told(at, Event.EXECUTION_SUCCEEDED, WORKER, {"steps": len(life.sealed.steps)}, State.SUCCEEDED))
    at += year._seconds(3, 60)
    end = Event.EXECUTION_DIVERGED if life.end == "diverged" else Event.EXECUTION_VERIFIED
    to = State.DIVERGED if life.end == "diverged" else State.VERIFIED
    say(Told(at, end, WORKER, {"reason": "read back", "found": [], "absent": []}, to))


def _answered(year: Year, life: Life, number: int, at: datetime, intent: dict[str, Any], *, last: bool) -> datetime:
    """What came of one send, in the log and at the provider."""
    say, event = life.entries.append, year.event(life, number, at)
    answer = {key: intent[key] for key in ("step", "attempt")} | {"response_hash": None, "error_code": None}
    if life.end == "refused":
        refused = event | {"errorCode": "Client.IncorrectInstanceState", "errorMessage": "not in that state"}
        year.events.append(refused)
        told = answer | {"outcome": "refused", "provider_request_id": None, "error_code": "IncorrectInstanceState"}
        say(Told(at, Event.EXECUTION_ANSWERED, WORKER, told, State.EXECUTING))
        say(Told(at, Event.EXECUTION_FAILED, WORKER, {"reason": "refused", "done": []}, State.FAILED))
        return at
    lost = answer | {"outcome": "no answer", "provider_request_id": None, "reason": "no answer: read timeout"}
    if life.end in ("found", "absent"):
        at += timedelta(seconds=30)
        say(Told(at, Event.EXECUTION_UNKNOWN, WORKER, lost, State.UNKNOWN))
        say(Told(at, Event.EXECUTION_RECONCILING, WORKER, {}, State.RECONCILING))
        at += timedelta(seconds=620)
        found = life.end == "found" and last
        proven = {"reason": "read back", "found": [number] if life.end == "found" else [], "absent": []}
        if life.end == "absent":
            proven["absent"] = [number]
            say(Told(at, Event.EXECUTION_FAILED, WORKER, proven, State.FAILED))
            return at
        life.events[number] = event
        if year.dice.random() < 0.5:  # no token in it: what, where and when must do
            life.events[number] = event | {"userAgent": "aws-internal"}
        end = (Event.EXECUTION_VERIFIED, State.VERIFIED) if found else (Event.EXECUTION_DIVERGED, State.DIVERGED)
        say(Told(at, end[0], WORKER, proven, end[1]))
        return at
    if life.end == "rehearsed":
        told = answer | {"outcome": "done", "provider_request_id": None, "response_hash": "ab" * 32}
        say(Told(at, Event.EXECUTION_ANSWERED, WORKER, told, State.EXECUTING))
        return at
    life.events[number] = event
    if life.end == "resent":
        at += timedelta(seconds=35)
        say(Told(at, Event.EXECUTION_UNKNOWN, WORKER, lost, State.UNKNOWN))
        say(Told(at, Event.EXECUTION_RECONCILING, WORKER, {}, State.RECONCILING))
        at += timedelta(seconds=30)
        again = {key: intent[key] for key in ("step", "attempt", "token", "request_hash", "digest", "executor")}
        say(Told(at, Event.EXECUTION_RESENT, WORKER, again | {"fence": 2}, State.EXECUTING))
        second = year.event(life, number, at)
        year.events.append(second)
        event = second
    at += year._seconds(0.2, 2.0)
    told = answer | {"outcome": "done", "provider_request_id": event["requestID"], "response_hash": "ab" * 32}
    say(Told(at, Event.EXECUTION_ANSWERED, WORKER, told, State.EXECUTING))
    return at
