"""The powers of `database_roles.py` as PostgreSQL has them: who plays which part, which entry and which move is whose.

A grant tells tables apart, not words; so the log's trigger asks who is logged in (`session_user`, which no SET ROLE
changes), stamps that name on the entry, and refuses a word that is not that part's, in the column and in the bytes.
A proposal's trigger refuses a move whose entry somebody else wrote.
"""

from collections.abc import Mapping

from app.database_roles import GATE, OWNER, PARTS, POWERS, WORKER
from audit.guard import SCHEMA, Trigger, refusing

WHO = "who_acts"
NOW = "spendgate_now"
SKEW = "5 minutes"
"""How far an entry's time may be from the database's: a transaction is shorter, and nobody may date an entry back."""


def who_acts(roles: Mapping[str, str], owner: str) -> str:
    """The body of the function that tells which part the logged-in role plays; null for a stranger."""
    known = [*((name, part) for part, name in roles.items()), (owner, OWNER)]
    cases = " ".join(f"WHEN {text(name)} THEN {text(part)}" for name, part in known)
    return f"SELECT CASE session_user::text {cases} END"


def text(value: str) -> str:
    """A literal of text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """An identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _words() -> str:
    """Whether the part in `part` may write the word of the new entry."""
    cases = "\n".join(
        f"    WHEN {text(part)} THEN NEW.event IN ({', '.join(text(word) for word in sorted(POWERS[part].words))})"
        for part in PARTS
        if POWERS[part].words
    )
    return f"(CASE part\n    WHEN '{OWNER}' THEN true\n{cases}\n    ELSE false END)"


_VIEWS = {
    "seq": "told->>'seq' IS DISTINCT FROM NEW.seq::text",
    "prev": "told->>'prev' IS DISTINCT FROM NEW.prev",
    "event": "told->>'event' IS DISTINCT FROM NEW.event",
    "actor_kind": "told->'actor'->>'kind' IS DISTINCT FROM NEW.actor_kind",
    "actor": "told->'actor'->>'id' IS DISTINCT FROM NEW.actor",
    "proposal": "told->>'proposal' IS DISTINCT FROM NEW.proposal",
    "proposal_version": "told->>'proposal_version' IS DISTINCT FROM NEW.proposal_version::text",
    "recorded_at": "told->>'recorded_at' IS DISTINCT FROM NEW.recorded_at",
}
_SPOILT = " OR ".join(_VIEWS.values())


def _entry() -> str:
    return f"""
DECLARE
  part text := {SCHEMA}.{WHO}();
  told json := convert_from(NEW.body, 'UTF8')::json;
BEGIN
  NEW.writer := session_user;
  IF encode(sha256('\\x00'::bytea || NEW.body), 'hex') IS DISTINCT FROM NEW.hash OR {_SPOILT} THEN
    RAISE EXCEPTION 'an entry is its bytes: its hash and its columns must be theirs'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NOT {_words()} THEN
    RAISE EXCEPTION 'the role % may not write % into the log', session_user, NEW.event
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF part <> '{OWNER}' AND abs(extract(epoch FROM NEW.recorded_at::timestamptz - {SCHEMA}.{NOW}()))
      > extract(epoch FROM interval '{SKEW}') THEN
    RAISE EXCEPTION 'an entry is written when it happens: its time is not the time of the database'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
"""


_UNTOLD = (
    f"{SCHEMA}.{WHO}() IS DISTINCT FROM '{OWNER}' AND NOT EXISTS (SELECT 1 FROM log_entry"  # noqa: S608 (constants)
    " WHERE log_entry.proposal = NEW.id AND log_entry.proposal_version = NEW.version"
    " AND log_entry.writer = session_user)"
)
_SENTENCE = "a proposal is moved by the role that wrote the entry of the move"


TRIGGERS: tuple[Trigger, ...] = (
    Trigger("log_entry_writer", "log_entry", "BEFORE INSERT", _entry()),
    Trigger(
        "kill_switch_voted",
        "kill_switch",
        "BEFORE INSERT",
        refusing(
            f"NOT NEW.engaged AND COALESCE({SCHEMA}.{WHO}(), '') NOT IN ('{WORKER}', '{OWNER}')",
            "the kill switch is turned off by carrying out an approved change only",
        ),
    ),
    Trigger(
        "draft_by_a_person",
        "draft",
        "BEFORE INSERT",
        refusing(
            f"NEW.authority IS DISTINCT FROM 'vote' AND COALESCE({SCHEMA}.{WHO}(), '') NOT IN ('{GATE}', '{OWNER}')",
            "an emergency is asked for by a person, at the gate",
        ),
    ),
    Trigger("proposal_begins_told", "proposal", "BEFORE INSERT", refusing(_UNTOLD, _SENTENCE)),
    Trigger(
        "proposal_moves_told",
        "proposal",
        "BEFORE UPDATE",
        refusing(f"NEW.version IS DISTINCT FROM OLD.version AND {_UNTOLD}", _SENTENCE),
    ),
)


def grants(part: str, role: str) -> list[str]:
    """The statements that give `role` what its part may do, after everything was taken from it."""
    power, to = POWERS[part], quoted(role)
    made = [f"GRANT USAGE ON SCHEMA {SCHEMA} TO {to}", f"GRANT EXECUTE ON FUNCTION {SCHEMA}.{WHO}() TO {to}"]
    made += [f"GRANT EXECUTE ON FUNCTION {SCHEMA}.{NOW}() TO {to}", _on("SELECT", "alembic_version", to)]
    made += [_on("SELECT", table, to) for table in power.select]
    made += [_on(f"SELECT ({_columns(columns)})", table, to) for table, columns in power.peek.items()]
    made += [_on("INSERT", table, to) for table in power.insert]
    made += [_on(f"UPDATE ({_columns(columns)})", table, to) for table, columns in power.update.items()]
    made += [_on("DELETE", table, to) for table in power.delete]
    return made


def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(quoted(name) for name in names)


def _on(what: str, table: str, to: str) -> str:
    return f"GRANT {what} ON {SCHEMA}.{quoted(table)} TO {to}"
