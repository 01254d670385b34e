"""Guard rails of the log inside the database: no update, no delete, no insert but the next entry.

The third is needed because SQLite's INSERT OR REPLACE removes a row without firing the delete trigger. Whoever owns the
database can drop them: they stop accidents and other programs, while tampering is found by the chain (`verify.py`).
"""

from audit.guard import Guard, changed

_NUMBER = "(SELECT COALESCE(MAX(seq), 0) + 1 FROM log_entry)"
_HEAD = f"COALESCE((SELECT hash FROM log_entry ORDER BY seq DESC LIMIT 1), '{'0' * 64}')"  # noqa: S608 (a constant)
_KNOWN = "EXISTS (SELECT 1 FROM log_entry WHERE hash = NEW.hash OR prev = NEW.prev)"


def _kept(table: str, what: str, *key: str) -> tuple[Guard, ...]:
    """A table to which rows are only added; replacing one is refused where the server would merely skip it."""
    known = " AND ".join(f"{name} = NEW.{name}" for name in key)
    there = f"EXISTS (SELECT 1 FROM {table} WHERE {known})"  # noqa: S608 (constants)
    return (
        Guard(f"{table}_no_update", table, "UPDATE", f"{what} cannot be changed"),
        Guard(f"{table}_no_delete", table, "DELETE", f"{what} cannot be deleted"),
        Guard(f"{table}_once", table, "INSERT", f"{what} is there already", there),
    )


def _erasable(table: str, what: str) -> tuple[Guard, ...]:
    """Encrypted rows: each is emptied once its person's key is destroyed, and never changed otherwise."""
    emptied = "NEW.nonce IS NULL AND NEW.cipher IS NULL AND NEW.salt IS NULL"
    erased = "EXISTS (SELECT 1 FROM person_key WHERE person = NEW.person AND erased_at IS NOT NULL)"
    return (
        Guard(
            f"{table}_only_emptied",
            table,
            "UPDATE",
            f"{what} can only be emptied, when its person is forgotten",
            f"{changed('ref', 'person', 'kept_at')} OR NOT ({emptied})\n  OR NOT {erased}",
        ),
        Guard(f"{table}_no_delete", table, "DELETE", f"{what} cannot be deleted"),
        Guard(
            f"{table}_once",
            table,
            "INSERT",
            f"{what} is there already",
            f"EXISTS (SELECT 1 FROM {table} WHERE ref = NEW.ref)",  # noqa: S608 (constants)
        ),
    )


GUARDS: tuple[Guard, ...] = (
    Guard("log_entry_no_update", "log_entry", "UPDATE", "the log is append-only: an entry cannot be changed"),
    Guard("log_entry_no_delete", "log_entry", "DELETE", "the log is append-only: an entry cannot be deleted"),
    Guard(
        "log_entry_only_next",
        "log_entry",
        "INSERT",
        "the log is append-only: only the next entry of the chain can be added",
        f"NEW.seq IS DISTINCT FROM {_NUMBER}\n  OR NEW.prev IS DISTINCT FROM {_HEAD}\n  OR {_KNOWN}",
    ),
    *_kept("log_tile", "a tile of the tree", "level", "number"),
    *_kept("log_checkpoint", "a signed checkpoint", "origin", "size"),
    *_kept("log_witness", "what a witness saw", "origin", "size", "witness"),
    *_kept("log_alarm", "what a witness said against the log", "origin", "witness", "what"),
    *_erasable("private_text", "a text"),
    *_erasable("person_record", "what a person is called"),
    Guard(
        "person_key_only_destroyed",
        "person_key",
        "UPDATE",
        "a key can only be destroyed, once",
        f"{changed('person', 'created_at')} OR NEW.key IS NOT NULL OR NEW.name_key IS NOT NULL OR NEW.erased_at IS NULL"
        " OR OLD.erased_at IS NOT NULL",
    ),
    Guard("person_key_no_delete", "person_key", "DELETE", "the row of a key cannot be deleted"),
    Guard(
        "person_key_once",
        "person_key",
        "INSERT",
        "this person has a key, or was forgotten",
        "EXISTS (SELECT 1 FROM person_key WHERE person = NEW.person)",
    ),
    Guard("legal_hold_no_delete", "legal_hold", "DELETE", "a hold cannot be deleted"),
    Guard(
        "legal_hold_stays",
        "legal_hold",
        "UPDATE",
        "a hold can only be lifted, once",
        f"{changed('id', 'person', 'reason_ref', 'placed_by', 'placed_at')} OR OLD.lifted_at IS NOT NULL",
    ),
    Guard(
        "legal_hold_once",
        "legal_hold",
        "INSERT",
        "this hold is there already",
        "EXISTS (SELECT 1 FROM legal_hold WHERE id = NEW.id)",
    ),
)
