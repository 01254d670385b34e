"""Entries as events of the Open Cybersecurity Schema Framework 1.3.0, for a SIEM. A view: the entry is in `raw_data`.

Most entries are API Activity (6003): somebody called upon the log, the gate or a cloud. What changes rules, switches
and keys is Entity Management (3004); a role that is lent, or given back, is Account Change (3001).
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from audit.event import Event
from audit.moment import utc_time

VERSION = "1.3.0"
API, ENTITY, ACCOUNT = 6003, 3004, 3001
CATEGORIES = {3: "Identity & Access Management", 6: "Application Activity"}
CLASSES = {API: "API Activity", ENTITY: "Entity Management", ACCOUNT: "Account Change"}
CREATE, READ, UPDATE, DELETE, OTHER = 1, 2, 3, 4, 99
ATTACH_POLICY, DETACH_POLICY = 7, 8
ACTIVITIES = {CREATE: "Create", READ: "Read", UPDATE: "Update", DELETE: "Delete"}
ACCOUNT_ACTIVITIES = {ATTACH_POLICY: "Attach Policy", DETACH_POLICY: "Detach Policy"}
SEVERITIES = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
UNKNOWN, SUCCESS, FAILURE = 0, 1, 2
STATUSES = {UNKNOWN: "Unknown", SUCCESS: "Success", FAILURE: "Failure"}
USER, SERVICE = 1, 4
_BEGINNING = utc_time("1970-01-01T00:00:00.000000Z")


class Kind(NamedTuple):
    """The class and activity of an entry; for an entity its type, and the part of the data that names it."""

    class_uid: int
    activity: int
    entity: str = ""
    named_by: str = ""


KINDS: Mapping[Event, Kind] = MappingProxyType(
    {
        Event.LOG_STARTED: Kind(ENTITY, CREATE, "log", "origin"),
        Event.LOG_KEY_CHANGED: Kind(ENTITY, UPDATE, "log key", "key"),
        Event.LOG_RESTORED: Kind(ENTITY, UPDATE, "log", "origin"),
        Event.LOG_READ: Kind(API, READ),
        Event.LOG_EXPORTED: Kind(API, READ),
        Event.LOG_VERIFIED: Kind(API, READ),
        Event.POLICY_CHANGED: Kind(ENTITY, UPDATE, "policy", "kind"),
        Event.POLICY_REFUSED: Kind(ENTITY, UPDATE, "policy", "kind"),
        Event.MEMBERSHIP_CHANGED: Kind(ENTITY, UPDATE, "directory", "source"),
        Event.DELEGATION_GRANTED: Kind(ACCOUNT, ATTACH_POLICY, named_by="receiver"),
        Event.DELEGATION_ENDED: Kind(ACCOUNT, DETACH_POLICY, named_by="receiver"),
        Event.KILLSWITCH_ON: Kind(ENTITY, UPDATE, "kill switch", "scope"),
        Event.KILLSWITCH_OFF: Kind(ENTITY, UPDATE, "kill switch", "scope"),
        Event.PRIVACY_ERASED: Kind(ENTITY, DELETE, "private texts", "person"),
        Event.QUESTION_ASKED: Kind(API, READ),
        Event.QUESTION_ANSWERED: Kind(API, READ),
        Event.DATA_INGESTED: Kind(API, CREATE),
        Event.PROPOSAL_DRAFTED: Kind(API, CREATE),
        Event.PROPOSAL_SEALED: Kind(API, CREATE),
        Event.EXECUTION_INTENDED: Kind(API, UPDATE),
        Event.EXECUTION_ANSWERED: Kind(API, UPDATE),
        Event.EXECUTION_SUCCEEDED: Kind(API, UPDATE),
        Event.EXECUTION_FAILED: Kind(API, UPDATE),
    }
)
"""Every other event is API Activity, Other, with its own verb as the activity's name."""

FAILED = ("refused", "failed", "unsealable", "diverged", "declined", "undelivered", "alarm")
UNDECIDED = ("unknown", "reconciling")
GRAVE: Mapping[str, int] = MappingProxyType(
    {"breakglass": 4, "killswitch": 3, "log.alarm": 5, "log.restored": 4, "log.key_changed": 3}
)


def event_of(body: bytes, entry_hash: str, *, origin: str) -> dict[str, Any]:
    """One entry as one event. `origin`: the log's name, by which a SIEM tells several logs apart."""
    told = json.loads(body)
    event, data = Event(told["event"]), told["data"]
    kind = KINDS.get(event, Kind(API, OTHER))
    verb = event.value.split(".")[1]
    activity = (ACCOUNT_ACTIVITIES if kind.class_uid == ACCOUNT else ACTIVITIES).get(kind.activity, verb)
    severity, status = _severity(event), _status(verb)
    category = kind.class_uid // 1000
    type_name = f"{CLASSES[kind.class_uid]}: {'Other' if kind.activity == OTHER else activity}"
    return {
        "activity_id": kind.activity,
        "activity_name": activity,
        "category_uid": category,
        "category_name": CATEGORIES[category],
        "class_uid": kind.class_uid,
        "class_name": CLASSES[kind.class_uid],
        "type_uid": kind.class_uid * 100 + kind.activity,
        "type_name": type_name,
        "time": (utc_time(told["recorded_at"]) - _BEGINNING) // timedelta(milliseconds=1),
        "severity_id": severity,
        "severity": SEVERITIES[severity],
        "status_id": status,
        "status": STATUSES[status],
        "message": event.value,
        "metadata": _metadata(told, origin),
        "actor": _actor(told["actor"]),
        **_what(kind, event, told),
        "unmapped": {
            "seq": told["seq"],
            "hash": entry_hash,
            "prev": told["prev"],
            "proposal": told["proposal"],
            "proposal_version": told["proposal_version"],
            "data": data,
        },
        "raw_data": body.decode(),
    }


def _metadata(told: dict[str, Any], origin: str) -> dict[str, Any]:
    made = {
        "version": VERSION,
        "product": {"name": "Spendgate", "vendor_name": "Spendgate", "feature": {"name": "action log"}},
        "uid": f"{origin}#{told['seq']}",
        "sequence": told["seq"],
        "event_code": told["event"],
        "log_name": origin,
        "original_time": told["recorded_at"],
    }
    return made if told["proposal"] is None else made | {"correlation_uid": told["proposal"]}


def _actor(actor: dict[str, str]) -> dict[str, Any]:
    """A person by the opaque id, which is all that an entry knows; a process as an application."""
    if actor["kind"] == "person":
        return {"user": {"uid": actor["id"], "type_id": USER, "type": "User"}}
    if actor["kind"] == "unknown":
        return {"user": {"uid": actor["id"], "type_id": 0, "type": "Unknown"}}
    return {"app_name": f"spendgate {actor['kind']}", "app_uid": actor["id"]}


def _what(kind: Kind, event: Event, told: dict[str, Any]) -> dict[str, Any]:
    """What the class asks for besides."""
    named = str(told["data"].get(kind.named_by) or event.value)
    if kind.class_uid == ACCOUNT:
        roles = ", ".join(told["data"].get("roles", ()))
        lent = {"policy": {"name": roles}} if roles else {}
        return {"user": {"uid": named, "type_id": USER, "type": "User"}, **lent}
    if kind.class_uid == ENTITY:
        return {"entity": {"name": named, "type": kind.entity}}
    api = {"operation": event.value, "service": {"name": "Spendgate"}}
    # Entries hold no addresses of people: what is known of the source is which part of Spendgate it was.
    source = {"name": f"spendgate {told['actor']['kind']}", "svc_name": "spendgate"}
    resources = [] if told["proposal"] is None else [{"uid": told["proposal"], "type": "proposal"}]
    return {"api": api, "src_endpoint": source, **({"resources": resources} if resources else {})}


def _severity(event: Event) -> int:
    subject = event.value.split(".")[0]
    return GRAVE.get(event.value) or GRAVE.get(subject) or (2 if _status(event.value) == FAILURE else 1)


def _status(word: str) -> int:
    if word.endswith(FAILED):
        return FAILURE
    return UNKNOWN if word.endswith(UNDECIDED) else SUCCESS
