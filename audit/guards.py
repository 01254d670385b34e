"""Guard rails of the log inside the database: no update, no delete, no insert but the next entry.

Three triggers, because SQLite's INSERT OR REPLACE removes a row without firing the delete trigger. Whoever owns the
file can drop them: they stop accidents and other programs, while tampering is found by the chain (`verify.py`).
"""

TRIGGERS: dict[str, str] = {
    "log_entry_no_update": """CREATE TRIGGER log_entry_no_update BEFORE UPDATE ON log_entry
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an entry cannot be changed'); END""",
    "log_entry_no_delete": """CREATE TRIGGER log_entry_no_delete BEFORE DELETE ON log_entry
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an entry cannot be deleted'); END""",
    "log_entry_only_next": """CREATE TRIGGER log_entry_only_next BEFORE INSERT ON log_entry
WHEN NEW.seq IS NOT (SELECT COALESCE(MAX(seq), 0) + 1 FROM log_entry)
  OR NEW.prev IS NOT COALESCE((SELECT hash FROM log_entry ORDER BY seq DESC LIMIT 1), printf('%064d', 0))
  OR EXISTS (SELECT 1 FROM log_entry WHERE hash = NEW.hash OR prev = NEW.prev)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: only the next entry of the chain can be added'); END""",
}
