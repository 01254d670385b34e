"""What the database refuses of presses: what somebody pressed is never another's or for another, and is judged once.

What it cannot see: that a press was noted as judged without having been (the vote's entry is in the log, which names no
press), and that a row which was stored was ever pressed in Slack. Both need a writer with the gate's rights.
"""

from audit.guard import Guard, changed

GUARDS: tuple[Guard, ...] = (
    Guard(
        "slack_press_begins",
        "slack_press",
        "INSERT",
        "a press is stored once, before it is judged",
        # A REPLACE deletes what is there without asking the guard of DELETE, unless a connection asks for that.
        "NEW.judged_at IS NOT NULL OR NEW.note IS NOT NULL OR NEW.telling_until IS NOT NULL OR NEW.account IS NULL"
        " OR EXISTS (SELECT 1 FROM slack_press WHERE id = NEW.id OR key = NEW.key)",
    ),
    Guard("slack_press_no_delete", "slack_press", "DELETE", "a press cannot be deleted"),
    Guard(
        "slack_press_stays",
        "slack_press",
        "UPDATE",
        "what was pressed cannot be changed, and is judged once",
        f"{changed('id', 'key', 'choice', 'proposal', 'digest', 'team', 'channel')}"
        f" OR {changed('person', 'reason_ref', 'pressed_at')}"
        " OR (NEW.account IS NOT NULL AND NEW.account IS DISTINCT FROM OLD.account)"
        " OR (NEW.account IS NULL AND NEW.judged_at IS NULL)"
        f" OR (OLD.judged_at IS NOT NULL AND ({changed('judged_at')}))",
    ),
)
