"""What belongs together for the limits: the same class of change for the same team, or account where no team is known.

A change that is cut into pieces, each below a limit, is judged by the sum of the pieces.
"""

SEPARATOR = " · "


def scope_of(class_name: str, team: str | None, account: str) -> str:
    """The scope's name: "reversible · team fraud" or "reversible · account 123456789012"."""
    named = f"team {team.strip().lower()}" if team and team.strip() else f"account {account}"
    return f"{class_name}{SEPARATOR}{named}"


def team_of(scope: str) -> str | None:
    """The team of a scope, in lower case; None where it is an account's."""
    name = told(scope)
    return name.removeprefix("team ") if name.startswith("team ") else None


def told(scope: str) -> str:
    """The scope without its class, for a sentence that names the class already."""
    return scope.rpartition(SEPARATOR)[2]
