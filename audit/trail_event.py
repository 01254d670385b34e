"""One record of CloudTrail as the reconciliation takes it: who called what, on which resource, when, and with what end.

Fields by CloudTrail's record contents (userIdentity, eventTime, requestParameters …). Nothing is guessed: a record
that does not say who, what or whether is unreadable, in words; only the time and the resource may be missing, since
those are findings of their own.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from audit.errors import AuditError
from audit.trail_files import decoded

MARK = re.compile(r"(?:^|\s)spendgate/([0-9a-f]{32})(?=\s|$)")
"""The token that the executor puts into the User-Agent."""

TOKENS = frozenset({"clienttoken", "clientrequesttoken", "idempotencytoken"})
ARN = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):(role|user|assumed-role)/(.+)")
KEY = re.compile(r"[A-Z0-9]{16,32}")
READS = re.compile(
    r"(?:Describe|Get|List|Lookup|Head|Search|Simulate|BatchGet|BatchDescribe|Filter|AssumeRole)(?![a-z]).*"
    r"|DecodeAuthorizationMessage|Decrypt|GenerateDataKey"
)
"""Names of operations that only read; `CheckoutLicense` is why a name must go on with a new word."""

FIRST = datetime(2006, 1, 1, tzinfo=UTC)
"""Before this there was nothing at AWS that could be called; an earlier time is none."""

NAMELESS = frozenset({"AssumedRole", "Role", "IAMUser"})
"""Callers that always have an ARN: without one the record does not say whose call it is."""
ENCLOSING = frozenset({"value", "item", "member"})
NAMING = ("id", "name", "arn")
MOST_LEAVES = 4000

Identity = tuple[str, str, str]
Leaf = tuple[str, str]


class Call(NamedTuple):
    """A call that CloudTrail recorded. `at` is None where its time cannot be read, or cannot be.

    `as_whom`: which of the roles, users and keys named as ours called; none of them for a call of others. `placed` is
    False where the record does not name its caller at all, as it is for principals of some other accounts.
    """

    event_id: str
    at: datetime | None
    operation: str
    account: str
    region: str
    request_id: str
    token: str
    shared_id: str
    who: str
    as_whom: frozenset[Identity | str]
    placed: bool
    reading: bool
    failed: str
    leaves: tuple[Leaf, ...]
    file: str
    record: int

    @property
    def mine(self) -> bool:
        """Whether one of ours called."""
        return bool(self.as_whom)

    @property
    def changes(self) -> bool:
        """Whether it is an effect: neither a reading nor refused."""
        return not self.reading and not self.failed

    def resource(self) -> str:
        """The resources that it names, for a sentence."""
        return ", ".join(text for key, text in self.leaves if is_naming(key)) or "no resource"


class Ours(NamedTuple):
    """Whose calls count as Spendgate's: roles and users by account, kind and name, and access keys."""

    identities: frozenset[Identity]
    keys: frozenset[str]

    @property
    def all(self) -> frozenset[Identity | str]:
        """Everything that was named."""
        return self.identities | self.keys


def named(one: Identity | str) -> str:
    """A role, user or key as it may be told and logged: `account:kind:name`, without a session's name."""
    return one if isinstance(one, str) else ":".join(one)


def ours(given: Iterable[str]) -> Ours:
    """What `--role` names: ARNs of roles, of their sessions or of users, or access key ids; AuditError for others."""
    identities, keys = set(), set()
    for one in given:
        known = identity(one.strip())
        if known is not None:
            identities.add(known)
        elif KEY.fullmatch(one.strip()):
            keys.add(one.strip())
        else:
            raise AuditError(
                f"{one[:100]!r} names no role",
                why="it is neither the ARN of a role, of its session or of a user, nor an access key's id",
                do="Give it like arn:aws:iam::123456789012:role/spendgate-worker",
            )
    if not identities and not keys:
        raise AuditError(
            "nothing says which calls are Spendgate's",
            why="no role was named",
            do="Name the worker's role with --role arn:aws:iam::123456789012:role/NAME; repeat it for several",
        )
    return Ours(frozenset(identities), frozenset(keys))


def identity(arn: object) -> Identity | None:
    """Account, kind and name of an ARN, the name in lower case: IAM keeps no two that differ in case alone.

    A role's session belongs to its role, and a path is no part of the name.
    """
    found = ARN.fullmatch(arn) if isinstance(arn, str) else None
    if found is None:
        return None
    account, kind, name = found.groups()
    if kind == "assumed-role":
        return account, "role", name.partition("/")[0].lower()
    return account, kind, name.rpartition("/")[2].lower()


def call_of(
    told: Any, *, mine: Ours, changing: frozenset[str], latest: datetime, file: str = "", record: int = 0
) -> Call | str:
    """The call that a record tells of, or why it cannot be read.

    `changing` are operations that are changes whatever the record's `readOnly` says; no call can be after `latest`.
    """
    if isinstance(told, dict) and isinstance(told.get("CloudTrailEvent"), str):
        if any(name in told for name in ("eventSource", "eventName", "eventID", "userIdentity")):
            return "it is a record around another one"
        told = decoded(told["CloudTrailEvent"])
    if not isinstance(told, dict):
        return "it is no object"
    if "Records" in told or "Events" in told:
        return "it holds records of its own"
    missing = [name for name in ("eventID", "eventSource", "eventName") if not _text(told.get(name))]
    if missing:
        return _other_shape(told) or f"it has no {', no '.join(missing)}"
    who = told.get("userIdentity")
    if not isinstance(who, dict):
        return "it does not say whose call it is (userIdentity)"
    operation = f"{told['eventSource'].partition('.')[0]}:{told['eventName']}"
    reading, failed = _reads(told, operation, changing), told.get("errorCode")
    if failed is not None and not isinstance(failed, str):
        return "it does not say whether the call was refused (errorCode)"
    arns = [who.get("arn"), _within(who, "sessionContext", "sessionIssuer", "arn")]
    known = [one for one in map(identity, arns) if one is not None]
    key = _text(who.get("accessKeyId"))
    as_whom = mine.identities.intersection(known) | mine.keys.intersection({key})
    if not reading and not known and not as_whom and _text(who.get("type")) in NAMELESS:
        return "it does not say which role or user called (userIdentity.arn)"
    leaves = leaves_of(told.get("requestParameters"))
    marked = MARK.search(told["userAgent"]) if _text(told.get("userAgent")) else None
    return Call(
        event_id=told["eventID"],
        at=moment(told.get("eventTime"), latest=latest),
        operation=operation,
        account=_text(told.get("recipientAccountId")) or _text(who.get("accountId")) or "",
        region=_text(told.get("awsRegion")),
        request_id=_text(told.get("requestID")),
        token=marked[1] if marked else next((text for name, text in leaves if name in TOKENS), ""),
        shared_id=_text(told.get("sharedEventID")),
        who=next((one for one in arns if _text(one)), None) or key or _text(who.get("type")) or "somebody",
        as_whom=as_whom,
        placed=bool(as_whom or who.get("invokedBy") or who.get("type") == "AWSService")
        or any(_text(one).startswith("arn:") for one in arns),
        reading=reading,
        failed=(failed or "").strip()[:100],
        leaves=leaves,
        file=file,
        record=record,
    )


def _reads(told: dict[str, Any], operation: str, changing: frozenset[str]) -> bool:
    """Whether the operation's name and the record's flag agree that it only reads; an old record has no flag.

    The flag alone would be a way to hide a change, and the name alone is a guess.
    """
    said = told.get("readOnly")
    agrees = said is None or said is True or (isinstance(said, str) and said.lower() == "true")
    return agrees and operation not in changing and READS.fullmatch(told["eventName"]) is not None


def moment(text: object, *, latest: datetime) -> datetime | None:
    """CloudTrail's time of an event, aware and in UTC; None for what is none, names no zone, or cannot be.

    A time before `FIRST` or after `latest` lies in no period anybody asks for, and would take its change out of all.
    """
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        told = datetime.fromisoformat(text)
        return told.astimezone(UTC) if told.tzinfo is not None and FIRST <= told <= latest else None
    except (ValueError, OverflowError):
        return None


def leaves_of(parameters: Any) -> tuple[Leaf, ...]:
    """What a call's parameters say, flat: (name, text) of every scalar, names in lower case and singular.

    The same for a request as it is sent and as CloudTrail writes it down: `{"InstanceIds": ["i-1"]}` and
    `{"instancesSet": {"items": [{"instanceId": "i-1"}]}}` both say `("instanceid", "i-1")`.
    """
    found: list[Leaf] = []
    waiting: list[tuple[str, Any]] = [("", parameters)]
    while waiting and len(found) < MOST_LEAVES:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            for key, inner in value.items():
                short = str(key).lower().removesuffix("s")
                waiting.append((name if short in ENCLOSING and name else short, inner))
        elif isinstance(value, list | tuple):
            waiting.extend((name, inner) for inner in value)
        elif isinstance(value, bool):
            found.append((name, str(value).lower()))
        elif isinstance(value, str | int):
            found.append((name, str(value)))
    if waiting:
        found.append(("more", f"than {MOST_LEAVES} parameters"))
    return tuple(sorted(found))


def is_naming(key: str) -> bool:
    """Whether a leaf of this name says which resource is meant."""
    return key.endswith(NAMING) and key not in TOKENS


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _within(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _other_shape(told: dict[str, Any]) -> str:
    """Whose records these are, where they are another cloud's."""
    if "protoPayload" in told or "insertId" in told:
        return "it is a record of Google Cloud's audit log, not of CloudTrail"
    if "operationName" in told or "correlationId" in told:
        return "it is a record of Azure's activity log, not of CloudTrail"
    return ""
