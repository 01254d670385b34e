"""What each process may do in the database: the tables it may read and write, and the words it may put into the log.

On PostgreSQL each process logs in as a role of its own and the server refuses everything that is not listed here; on
SQLite there are no roles, and the separation is by process and import only. The claim believes the log's entries, so
the words matter as much as the tables: the agent's role cannot write `vote.approved`, whatever its model says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from audit.event import Event

GATE, AGENT, WORKER, SIGNER, LOADER, AUDITOR, OWNER = (
    "gate",
    "agent",
    "worker",
    "signer",
    "loader",
    "auditor",
    "owner",
)
PARTS = (GATE, AGENT, WORKER, SIGNER, LOADER, AUDITOR)
"""The parts that a login role can play; the owner is none of them: it makes tables and is used by no process."""

RUNS: Mapping[str, str] = MappingProxyType(
    {
        GATE: "spendgate serve, proposals, decide, policy, kill-switch, delegations, anomalies mark, savings drafting,"
        " token, audit hold, restored, link, slack doctor, workspaces, feedback",
        AGENT: "spendgate agent, ask, scan, mcp",
        WORKER: "spendgate worker",
        SIGNER: "spendgate signer",
        LOADER: "spendgate ingest",
        AUDITOR: "spendgate audit list, show, verify, prove, consistency, status, key, witnesses, pack, export,"
        " population",
    }
)

CHAIN = ("seq", "hash", "prev")
"""The columns of the log that whoever appends to it must read."""

GOVERNANCE = ("policy_version", "policy_candidate", "kill_switch", "delegation", "directory_reading")
DECIDING = ("draft", "proposal", "vote", "effect", "claim_record", "advice", *GOVERNANCE)
SPEAKING = ("conversation", "message", "wakeup", "woken", "lease", "turn_step", "answer", "token_use")
ACCESS = "access_token"
SHOWING = ("slack_delivery", "card_message", "slack_posting", "slack_press", "process_seen")
STOPS = "turn_stop"
"""Who stopped which turn: stored by the gate, obeyed by the agent, which cannot make one."""
SESSIONS = "slack_session"
INSTALLED = ("slack_installation", "slack_install_state")
"""Where the Slack app is installed, with its encrypted tokens: for nobody but whoever speaks to Slack."""
RATED = "answer_rating"
"""What people thought of answers: not for the agent, so that nobody steers a model by pressing buttons."""
TIMERS = "timer_slot"
FOUND = ("anomaly", "anomaly_mark")
"""Unusual spend and what people said of it: read by whoever may ask the bill."""
SCANNED = ("anomaly_due", "anomaly_scan")
"""What a scan leaves: whom to tell, and which state of the bill was scanned by whom."""
DRAFTING = "drafting_rule"
"""For which rules a scan drafts, in whose name: switched by people at the gate, and only read by what scans."""
CALLED = "person_record"
NAME_KEYS: Mapping[str, tuple[str, ...]] = {"person_key": ("person", "name_key", "erased_at")}
"""Who is who, and the keys of names: what everybody who judges a person reads. The keys of what people wrote, and the
texts, are for those who write them and show them."""
PRIVATE = ("person_key", CALLED, "private_text")
WHETHER_KEPT: Mapping[str, tuple[str, ...]] = {"private_text": ("ref", "person", "nonce")}
"""Whose a text is and whether it was erased, without the text: what an auditor holds against the log."""
LOG = "log_entry"
SIGNED = ("log_tile", "log_checkpoint", "log_witness", "log_alarm")

_MOVED = (
    "version",
    "state",
    "changed_at",
    "reason",
    "code",
    "execute_by",
    "look_at",
    "outcome",
)


_GROWS = ("kind", "state", "last_day", "last_hour", "actual", "expected", "excess", "told_excess", "changed_at",
          "proposal")  # fmt: skip
"""An event's columns that grow; where it is, when it began and whose it is never change."""


@dataclass(frozen=True)
class Power:
    """What one part may do. `update` names columns; `peek` the columns of tables that it may not read whole."""

    words: frozenset[Event]
    select: tuple[str, ...] = ()
    peek: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    insert: tuple[str, ...] = ()
    update: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    delete: tuple[str, ...] = ()
    remembers: bool = False
    """whether it keeps the conversations' checkpoints"""


def _words(*prefixes: str) -> frozenset[Event]:
    """Every event whose word begins so."""
    found = frozenset(event for event in Event if event.value.startswith(prefixes))
    for prefix in prefixes:
        if not any(event.value.startswith(prefix) for event in Event):
            raise ValueError(f"no event of the log begins with {prefix!r}")
    return found


POWERS: Mapping[str, Power] = MappingProxyType(
    {
        GATE: Power(
            words=_words("slack.", "vote.", "question.asked", "question.stopped")
            | _words("log.read", "log.exported", "log.verified", "log.restored")
            | _words("proposal.drafted", "proposal.refused", "proposal.posted", "proposal.cancel")
            | _words("proposal.superseded", "proposal.reminded", "approval.quorum_met")
            | _words("breakglass.reviewed", "breakglass.refused")
            | _words("killswitch.on", "killswitch.refused", "delegation.", "membership.", "policy.refused")
            | _words("anomaly.marked", "anomaly.refused", "drafting.")
            | _words("hold.", "access."),
            select=(
                LOG,
                *SIGNED,
                *DECIDING,
                *SPEAKING,
                *SHOWING,
                *PRIVATE,
                "legal_hold",
                ACCESS,
                RATED,
                STOPS,
                SESSIONS,
                *FOUND,
                "anomaly_due",
                DRAFTING,
                *INSTALLED,
            ),
            insert=(
                *(LOG, "draft", "proposal", "vote", "policy_candidate", "kill_switch", "delegation", "legal_hold"),
                *("directory_reading", "conversation", "message", "log_witness", ACCESS, *SHOWING, *PRIVATE),
                "anomaly_mark",
                DRAFTING,
                RATED,
                STOPS,
                SESSIONS,
                *INSTALLED,
            ),
            update={
                "proposal": (*_MOVED, "posted_where"),
                "vote": ("withdrawn_at",),
                "delegation": ("ended_at", "ended_by"),
                "legal_hold": ("lifted_at", "lifted_by"),
                ACCESS: ("revoked_at",),
                "directory_reading": ("body", "digest", "read_at"),
                "answer": ("posted_at", "refused"),
                "card_message": ("channel", "ts", "drawn_version", "hinted", "drawn_at", "told"),
                "slack_posting": ("owner", "until", "channel", "ts"),
                "slack_press": ("account", "judged_at", "note", "telling_until"),
                "process_seen": ("at",),
                RATED: ("helpful", "reason_ref", "rated_at"),
                SESSIONS: ("status", "told_at"),
                "anomaly_due": ("posted_at", "channel", "ts", "drawn", "refused"),
                "slack_installation": (
                    *("name", "bot_user", "scopes", "token", "refresh_token", "ends_at", "installed_at"),
                    *("renewing_by", "renewing_until", "refused"),
                ),
            },
            delete=("card_message", "slack_posting", SESSIONS, *INSTALLED),
        ),
        AGENT: Power(
            words=_words("question.asked", "question.answered", "question.declined")
            | _words("proposal.drafted", "proposal.refused", "advice.")
            | _words("anomaly.found", "anomaly.closed", "anomaly.proposed"),
            select=(
                *("draft", "proposal", "vote", "effect", "advice", *GOVERNANCE, *SPEAKING, *PRIVATE, "process_seen"),
                *(ACCESS, STOPS, *FOUND, *SCANNED, DRAFTING),
            ),
            peek={LOG: CHAIN},
            insert=(
                *(LOG, "draft", "advice", *SPEAKING, "person_key", "private_text", "process_seen"),
                *("anomaly", *SCANNED),
            ),
            update={
                "wakeup": ("attempts", "due_at", "done_at"),
                "woken": ("version",),
                "lease": ("owner", "until"),
                "turn_step": ("words", "at", "steps"),
                "process_seen": ("at",),
                "anomaly": _GROWS,
            },
            delete=("lease", "turn_step"),
            remembers=True,
        ),
        WORKER: Power(
            words=_words("execution.", "approval.held", "approval.released", "policy.", "killswitch.off")
            | _words("proposal.sealed", "proposal.unsealable", "proposal.superseded", "proposal.expired")
            | _words(
                "proposal.stale", "proposal.vetoed", "proposal.reminded", "breakglass.review_due", "breakglass.used"
            ),
            select=(LOG, *DECIDING, CALLED, "process_seen", TIMERS, *FOUND),
            peek=NAME_KEYS,
            insert=(
                *(LOG, "proposal", "effect", "claim_record", "policy_version", "kill_switch"),
                *("process_seen", TIMERS),
            ),
            update={
                "proposal": (*_MOVED, "fence", "claimed_by", "lease_until"),
                "effect": ("outcome", "answered_at", "provider_request_id", "response_hash", "error_code"),
                "claim_record": ("worker", "fence", "claimed_at"),
                "process_seen": ("at",),
            },
            delete=(TIMERS,),
        ),
        SIGNER: Power(
            words=_words("log.key_changed", "log.alarm"),
            select=(LOG, *SIGNED, "process_seen"),
            insert=(LOG, *SIGNED, "process_seen"),
            update={"process_seen": ("at",)},
        ),
        LOADER: Power(
            words=_words("data."), select=(*GOVERNANCE, CALLED, *FOUND), peek={LOG: CHAIN, **NAME_KEYS}, insert=(LOG,)
        ),
        AUDITOR: Power(
            words=_words("log.read", "log.exported", "log.verified"),
            select=(
                *(LOG, *SIGNED, *DECIDING, *SPEAKING, *SHOWING, CALLED, "legal_hold", *FOUND, *SCANNED),
                TIMERS,
                RATED,
                *(STOPS, SESSIONS, DRAFTING),
            ),
            peek={**NAME_KEYS, **WHETHER_KEPT},
            insert=(LOG,),
        ),
    }
)
