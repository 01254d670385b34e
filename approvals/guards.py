"""Guard rails of the gate inside the database: sealed bytes stay, and every move exists and has its log entry.

Triggers on SQLite, made from the table of moves. They hold against every program that writes to the file, this one
with a fault included.
"""

from approvals.states import MOVES, State

_PAIRS = " OR ".join(
    f"(OLD.state = '{start}' AND NEW.state = '{end}')" for start, end in sorted(MOVES) if start != State.DRAFT
)
_FIRST = ", ".join(f"'{end}'" for start, end in sorted(MOVES) if start == State.DRAFT)
_FIXED = (
    "id", "thread", "requester", "kind", "resource", "change", "evidence", "sealed", "digest", "policy_version",
    "supersedes", "inverse_of", "created_at", "expires_at", "authority", "class_name", "scope", "account", "amount",
    "currency",
)  # fmt: skip
_CHANGED = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _FIXED)
_NO_ENTRY = "NOT EXISTS (SELECT 1 FROM log_entry WHERE log_entry.proposal = NEW.id AND proposal_version = NEW.version)"
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
_EFFECT_CHANGED = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _EFFECT_FIXED)


def _refuse(name: str, when: str, table: str, sentence: str, condition: str = "") -> str:
    guard = f"\nWHEN {condition}" if condition else ""
    return f"CREATE TRIGGER {name} {when} ON {table}{guard}\nBEGIN SELECT RAISE(ABORT, '{sentence}'); END"


TRIGGERS: dict[str, str] = {
    "draft_no_update": _refuse("draft_no_update", "BEFORE UPDATE", "draft", "a draft cannot be changed"),
    "draft_no_delete": _refuse("draft_no_delete", "BEFORE DELETE", "draft", "a draft cannot be deleted"),
    "proposal_no_delete": _refuse("proposal_no_delete", "BEFORE DELETE", "proposal", "a proposal cannot be deleted"),
    "proposal_begins": _refuse(
        "proposal_begins",
        "BEFORE INSERT",
        "proposal",
        "a proposal begins as version 1 with its log entry",
        f"NEW.version IS NOT 1 OR NEW.state NOT IN ({_FIRST}) OR {_NO_ENTRY}"  # noqa: S608
        " OR EXISTS (SELECT 1 FROM proposal WHERE id = NEW.id)",
    ),
    "proposal_sealed": _refuse(
        "proposal_sealed", "BEFORE UPDATE", "proposal", "what was sealed cannot be changed", _CHANGED
    ),
    "proposal_moves": _refuse(
        "proposal_moves",
        "BEFORE UPDATE",
        "proposal",
        "a proposal moves one version at a time, by a move that exists, with its log entry",
        "(NEW.state IS NOT OLD.state OR NEW.version IS NOT OLD.version)"
        f" AND (NEW.version IS NOT OLD.version + 1 OR NOT ({_PAIRS}) OR {_NO_ENTRY})",
    ),
    "effect_no_delete": _refuse("effect_no_delete", "BEFORE DELETE", "effect", "an effect cannot be deleted"),
    "effect_no_replace": _refuse(
        "effect_no_replace",
        "BEFORE INSERT",
        "effect",
        "this step already has its effect",
        "EXISTS (SELECT 1 FROM effect WHERE (proposal = NEW.proposal AND step = NEW.step) OR attempt = NEW.attempt)",
    ),
    "effect_intent_stays": _refuse(
        "effect_intent_stays",
        "BEFORE UPDATE",
        "effect",
        "an intent cannot be changed, nor an answer given twice",
        f"{_EFFECT_CHANGED} OR OLD.answered_at IS NOT NULL",
    ),
    "vote_no_delete": _refuse("vote_no_delete", "BEFORE DELETE", "vote", "a vote cannot be deleted"),
    "vote_stays": _refuse(
        "vote_stays",
        "BEFORE UPDATE",
        "vote",
        "a vote can only be withdrawn, once",
        "NEW.id IS NOT OLD.id OR NEW.proposal IS NOT OLD.proposal OR NEW.person IS NOT OLD.person"
        " OR NEW.choice IS NOT OLD.choice OR NEW.digest IS NOT OLD.digest OR NEW.cast_at IS NOT OLD.cast_at"
        " OR OLD.withdrawn_at IS NOT NULL",
    ),
    "policy_candidate_no_update": _refuse(
        "policy_candidate_no_update", "BEFORE UPDATE", "policy_candidate", "a candidate cannot be changed"
    ),
    "claim_record_no_delete": _refuse(
        "claim_record_no_delete", "BEFORE DELETE", "claim_record", "a claim cannot be deleted"
    ),
    "claim_record_stays": _refuse(
        "claim_record_stays",
        "BEFORE UPDATE",
        "claim_record",
        "a claim keeps its nonce and its bytes",
        "NEW.proposal IS NOT OLD.proposal OR NEW.nonce IS NOT OLD.nonce OR NEW.digest IS NOT OLD.digest",
    ),
    "claim_record_no_replace": _refuse(
        "claim_record_no_replace",
        "BEFORE INSERT",
        "claim_record",
        "this approval has been used",
        "EXISTS (SELECT 1 FROM claim_record WHERE proposal = NEW.proposal OR nonce = NEW.nonce)",
    ),
    "kill_switch_no_update": _refuse(
        "kill_switch_no_update", "BEFORE UPDATE", "kill_switch", "a turn of the kill switch cannot be changed"
    ),
    "kill_switch_no_delete": _refuse(
        "kill_switch_no_delete", "BEFORE DELETE", "kill_switch", "a turn of the kill switch cannot be deleted"
    ),
    "delegation_no_delete": _refuse(
        "delegation_no_delete", "BEFORE DELETE", "delegation", "a delegation cannot be deleted"
    ),
    "delegation_stays": _refuse(
        "delegation_stays",
        "BEFORE UPDATE",
        "delegation",
        "a delegation can only be ended, once",
        "NEW.id IS NOT OLD.id OR NEW.giver IS NOT OLD.giver OR NEW.receiver IS NOT OLD.receiver"
        " OR NEW.roles IS NOT OLD.roles OR NEW.starts_at IS NOT OLD.starts_at OR NEW.ends_at IS NOT OLD.ends_at"
        " OR NEW.granted_at IS NOT OLD.granted_at OR OLD.ended_at IS NOT NULL",
    ),
    "policy_no_update": _refuse(
        "policy_no_update", "BEFORE UPDATE", "policy_version", "a version of the policy cannot be changed"
    ),
    "policy_no_delete": _refuse(
        "policy_no_delete", "BEFORE DELETE", "policy_version", "a version of the policy cannot be deleted"
    ),
}
