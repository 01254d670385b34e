"""What the database refuses of access tokens: one is made once, ended once, and never made longer or another's."""

from audit.guard import Guard, changed

GUARDS: tuple[Guard, ...] = (
    Guard("access_token_no_delete", "access_token", "DELETE", "a token cannot be deleted"),
    Guard(
        "access_token_stays",
        "access_token",
        "UPDATE",
        "a token can only be revoked, once",
        f"{changed('id', 'digest', 'person', 'may_propose', 'made_at', 'expires_at')} OR OLD.revoked_at IS NOT NULL",
    ),
    Guard(
        "access_token_once",
        "access_token",
        "INSERT",
        "this token is there already",
        "EXISTS (SELECT 1 FROM access_token WHERE id = NEW.id)",
    ),
)
