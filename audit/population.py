"""The population of changes, both ways: no change at the provider without its approved proposal, and none executed
without its change at the provider (the completeness and accuracy test of SOC 2 CC8.1).

Pure: one side is what the log tells (`Logged`), the other the calls that the provider recorded; who reads them is not
known here. Every call and every effect is counted in exactly one place, so that the sums show that none was left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from audit.trail_event import TOKENS, Call, Leaf, is_naming

SKEW = timedelta(seconds=60)
"""How far the provider's clock and the database's may differ; CloudTrail's times are cut to the second besides."""

SETTLE = timedelta(minutes=10)
"""How long after its request an effect without an answer may still come about."""

DONE, FAILED, OPEN = "done", "failed", "open"

ORPHAN = "orphan"
UNAPPROVED = "unapproved"
UNCLAIMED = "unclaimed"
DOUBLE = "double"
TOO_EARLY = "too_early"
TOO_LATE = "too_late"
NOT_AS_SEALED = "not_as_sealed"
OTHER_IDENTITY = "other_identity"
CALLED_FAILED = "called_failed"
REQUEST_ID = "request_id"
UNKNOWN_TIME = "unknown_time"
CONFLICTING_COPY = "conflicting_copy"
MISSING = "missing"
UNREADABLE = "unreadable"
UNSEEN = "unseen_role"
BACK_DATED = "back_dated"
BYTES = "sealed_bytes"

NAMES: Mapping[str, str] = {
    ORPHAN: "a change by our role that nobody proposed",
    UNAPPROVED: "a change of a proposal that was not approved",
    UNCLAIMED: "a change of an approved proposal before any worker was to send it",
    DOUBLE: "an effect that came about a second time",
    TOO_EARLY: "a change before its claim or before its request was to be sent",
    TOO_LATE: "a change after its request was answered or its outcome settled",
    NOT_AS_SEALED: "a change of another resource, account, region or parameter than sealed",
    OTHER_IDENTITY: "an effect of ours under somebody else's identity",
    CALLED_FAILED: "a change that the log calls not done",
    REQUEST_ID: "the answer's request id and the provider's record do not agree",
    UNKNOWN_TIME: "a change at a time that cannot be read",
    CONFLICTING_COPY: "two records of one event that say different things",
    MISSING: "an executed proposal without its change at the provider",
    UNREADABLE: "a record that cannot be read",
    UNSEEN: "a role named as ours that no record names",
    BACK_DATED: "an entry that claims an earlier time than the entries before it",
    BYTES: "a proposal whose sealed bytes are gone or altered",
}
"""Every finding there is, by its name."""


class Planned(NamedTuple):
    """One sealed step: what would be asked of the provider, and the token that its request bears."""

    proposal: str
    step: int
    token: str
    operation: str
    account: str
    region: str
    wants: tuple[Leaf, ...]
    resource: str


@dataclass
class Proposed:
    """A proposal as the log tells of it. `refusal` says why it was not approved when it was claimed, "" if it was."""

    id: str
    entry: int
    sealed_at: datetime
    digest: str
    requester: str
    resource: str
    refusal: str = "nobody voted on it"
    approvers: tuple[str, ...] = ()
    approved_at: datetime | None = None
    claimed_at: datetime | None = None
    ended_at: datetime | None = None
    end: str = ""
    entries: list[int] = field(default_factory=list)


@dataclass
class Effect:
    """One intent of the log, and what the log says came of it.

    `sent_at` are the times at which its request was to go out (one, and one more for each time it was sent again).
    `expected` is False where nothing goes to the provider: rehearsals and the gate's own changes.
    """

    planned: Planned
    entry: int
    claimed_at: datetime | None
    sent_at: list[datetime]
    refusal: str
    expected: bool = True
    outcome: str = OPEN
    request_id: str = ""
    answered_at: datetime | None = None
    concluded_at: datetime | None = None
    word: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """The proposal's id and the step's number."""
        return self.planned.proposal, self.planned.step

    def until(self, settle: timedelta) -> datetime:
        """When it must have come about: by its answer, or as long as it may take without one."""
        if self.answered_at is not None:
            return max(self.answered_at, self.sent_at[-1])
        return max(self.sent_at[-1] + settle, self.concluded_at or self.sent_at[-1])


class Doubt(NamedTuple):
    """What is wrong with an entry by itself, whatever the provider says."""

    name: str
    entry: int
    proposal: str
    sentence: str


@dataclass
class Logged:
    """The log's side: every proposal, its sealed steps, its intents."""

    proposals: dict[str, Proposed] = field(default_factory=dict)
    planned: dict[tuple[str, int], Planned] = field(default_factory=dict)
    effects: dict[tuple[str, int], Effect] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)


class Period(NamedTuple):
    """What is judged: calls and effects from `since` to before `to`; None is open. And the clocks' tolerance."""

    since: datetime | None = None
    to: datetime | None = None
    skew: timedelta = SKEW
    settle: timedelta = SETTLE

    def holds(self, moment: datetime | None) -> bool:
        """Whether this moment is judged; one that is not known is."""
        if moment is None:
            return True
        return (self.since is None or moment >= self.since) and (self.to is None or moment < self.to)


class Finding(NamedTuple):
    """Something an auditor must look at: its name, the sentence, and what it is about. `also`: what else is wrong."""

    name: str
    sentence: str
    call: Call | None = None
    effect: Effect | None = None
    proposal: str = ""
    entry: int = 0
    file: str = ""
    record: int = 0
    also: tuple[str, ...] = ()


class Pair(NamedTuple):
    """An effect with the call that brought it about, and further calls under the same token that the log tells of."""

    effect: Effect
    call: Call
    repeats: tuple[Call, ...] = ()


@dataclass
class Judged:
    """What came of the calls and of the effects: each stands in one list, or is counted under one word."""

    matched: list[Pair] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    effects: dict[str, int] = field(default_factory=dict)


def differences(call: Call, planned: Planned) -> list[str]:
    """In what the call is not what was sealed, in words; empty where it is."""
    told = [
        f"{name} {seen or 'not named'}, sealed {sealed}"
        for name, seen, sealed in (
            ("operation", call.operation, planned.operation),
            ("account", call.account, planned.account),
            ("region", call.region, planned.region),
        )
        if seen != sealed
    ]
    by_name: dict[str, set[str]] = {}
    for name, text in call.leaves:
        by_name.setdefault(name, set()).add(text)
    texts = {text for _, text in call.leaves}
    for name, text in planned.wants:
        # CloudTrail calls a cluster "name" and the request "clusterName"; only where it has the same name is it held.
        if text not in by_name.get(name, texts):
            told.append(f"{name} {', '.join(sorted(by_name.get(name, ()))) or 'not named'}, sealed {text}")
    renamed = [(name, text) for name, text in planned.wants if name not in by_name]
    wanted = {name for name, _ in planned.wants}
    for name, text in call.leaves:
        sealed = (name, text) in planned.wants or any(
            whole.endswith(name) and text == other for whole, other in renamed if is_naming(name)
        )
        # A parameter that was sealed with another value was told above, unless there are several under its name.
        told_above = name in wanted and len(by_name[name]) == 1
        if not sealed and not told_above and name not in TOKENS and text not in ("", "false"):
            told.append(f"also {name} {text[:200]}, which was not sealed")
    return told


def names_of(leaves: Sequence[Leaf]) -> frozenset[str]:
    """The texts by which leaves name resources."""
    return frozenset(text for name, text in leaves if is_naming(name))
