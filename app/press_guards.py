"""What the database refuses of presses: what somebody pressed is never another's or for another, and is judged once."""

from audit.guard import Guard, changed

GUARDS: tuple[Guard, ...] = (
    Guard("slack_press_no_delete", "slack_press", "DELETE", "a press cannot be deleted"),
    Guard(
        "slack_press_stays",
        "slack_press",
        "UPDATE",
        "what was pressed cannot be changed, and is judged once",
        f"{changed('id', 'key', 'choice', 'proposal', 'digest', 'team', 'channel', 'reason_ref', 'pressed_at')}"
        " OR (NEW.account IS NOT NULL AND NEW.account IS DISTINCT FROM OLD.account)"
        " OR (NEW.account IS NULL AND NEW.judged_at IS NULL)"
        f" OR (OLD.judged_at IS NOT NULL AND ({changed('judged_at')}))",
    ),
)
