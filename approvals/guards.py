"""Guard rails of the gate inside the database: sealed bytes stay, and every move exists and has its log entry.

Made from the table of moves. The entry must tell of this very move, so whoever may not write `execution.claimed` into
the log cannot claim either (`app/database_roles.py` says who may write which).
"""

from collections.abc import Iterable

from approvals.states import MOVES, State
from audit.guard import Guard, changed

_FIXED = (
    "id", "thread", "requester", "kind", "resource", "change", "evidence", "sealed", "digest", "policy_version",
    "supersedes", "inverse_of", "created_at", "expires_at", "authority", "class_name", "scope", "account", "amount",
    "currency",
)  # fmt: skip
_EFFECT_FIXED = (
    "proposal",
    "step",
    "attempt",
    "token",
    "fence",
    "executor",
    "rehearsal",
    "request_hash",
    "intended_at",
)


def _told(moves: Iterable[tuple[str, ...]], of: str) -> str:
    """That the log has the entry of this version, and that it tells of one of these moves (`of`: what is compared).

    One look at the log whatever the move is: SQLite reads a trigger's whole text anew for every connection, and
    PostgreSQL makes every query in it ready before the first is asked. Compared column by column, never put together
    to one text: bytes would pass for the text that they spell.
    """
    listed = ",\n    ".join(f"({', '.join(_quoted(word) for word in move)})" for move in sorted(moves))
    return (
        "EXISTS (SELECT 1 FROM log_entry WHERE log_entry.proposal = NEW.id"  # noqa: S608 (constants)
        f" AND log_entry.proposal_version = NEW.version\n  AND ({of}) IN (VALUES\n    {listed}))"
    )


def _quoted(word: str) -> str:
    return f"'{word}'"


_BEGINNINGS = _told(
    ((end, event) for (start, end), events in MOVES.items() for event in events if start == State.DRAFT),
    "NEW.state, log_entry.event",
)
_MOVES = _told(
    ((start, end, event) for (start, end), events in MOVES.items() for event in events if start != State.DRAFT),
    "OLD.state, NEW.state, log_entry.event",
)


def _kept(table: str, what: str) -> Guard:
    return Guard(f"{table}_no_delete", table, "DELETE", f"{what} cannot be deleted")


_ONLY_APART = "OLD.kind IS DISTINCT FROM 'people' OR OLD.apart IS NOT NULL OR NEW.apart IS NULL"
"""Names that an older version stored in clear are set apart, once; the log tells of which text stands there since."""


GUARDS: tuple[Guard, ...] = (
    Guard("draft_no_update", "draft", "UPDATE", "a draft cannot be changed"),
    _kept("draft", "a draft"),
    _kept("proposal", "a proposal"),
    Guard(
        "proposal_begins",
        "proposal",
        "INSERT",
        "a proposal begins as version 1 with its log entry",
        f"NEW.version IS DISTINCT FROM 1 OR NOT ({_BEGINNINGS})"  # noqa: S608 (constants)
        "\n  OR EXISTS (SELECT 1 FROM proposal WHERE id = NEW.id)",
    ),
    Guard("proposal_sealed", "proposal", "UPDATE", "what was sealed cannot be changed", changed(*_FIXED)),
    Guard(
        "proposal_moves",
        "proposal",
        "UPDATE",
        "a proposal moves one version at a time, by a move that exists, with its log entry",
        "(NEW.state IS DISTINCT FROM OLD.state OR NEW.version IS DISTINCT FROM OLD.version)"
        f" AND (NEW.version IS DISTINCT FROM OLD.version + 1 OR NOT ({_MOVES}))",
    ),
    _kept("effect", "an effect"),
    Guard(
        "effect_no_replace",
        "effect",
        "INSERT",
        "this step already has its effect",
        "EXISTS (SELECT 1 FROM effect WHERE (proposal = NEW.proposal AND step = NEW.step) OR attempt = NEW.attempt)",
    ),
    Guard(
        "effect_intent_stays",
        "effect",
        "UPDATE",
        "an intent cannot be changed, nor an answer given twice",
        f"{changed(*_EFFECT_FIXED)} OR OLD.answered_at IS NOT NULL",
    ),
    _kept("vote", "a vote"),
    Guard(
        "vote_stays",
        "vote",
        "UPDATE",
        "a vote can only be withdrawn, once",
        f"{changed('id', 'proposal', 'person', 'choice', 'digest', 'cast_at')} OR OLD.withdrawn_at IS NOT NULL",
    ),
    Guard(
        "policy_candidate_no_update",
        "policy_candidate",
        "UPDATE",
        "a candidate cannot be changed",
        f"{changed('digest', 'kind', 'added_at')} OR {_ONLY_APART}",
    ),
    _kept("claim_record", "a claim"),
    Guard(
        "claim_record_stays",
        "claim_record",
        "UPDATE",
        "a claim keeps its nonce and its bytes",
        changed("proposal", "nonce", "digest"),
    ),
    Guard(
        "claim_record_no_replace",
        "claim_record",
        "INSERT",
        "this approval has been used",
        "EXISTS (SELECT 1 FROM claim_record WHERE proposal = NEW.proposal OR nonce = NEW.nonce)",
    ),
    Guard("kill_switch_no_update", "kill_switch", "UPDATE", "a turn of the kill switch cannot be changed"),
    _kept("kill_switch", "a turn of the kill switch"),
    _kept("delegation", "a delegation"),
    Guard(
        "delegation_stays",
        "delegation",
        "UPDATE",
        "a delegation can only be ended, once",
        f"{changed('id', 'giver', 'receiver', 'roles', 'starts_at', 'ends_at', 'granted_at')}"
        " OR OLD.ended_at IS NOT NULL",
    ),
    Guard(
        "policy_no_update",
        "policy_version",
        "UPDATE",
        "a version of the policy cannot be changed",
        f"{changed('id', 'kind', 'version', 'digest', 'active_since', 'token')} OR {_ONLY_APART}",
    ),
    Guard("policy_no_delete", "policy_version", "DELETE", "a version of the policy cannot be deleted"),
)
