"""Who a Slack user is: the person that `people.toml` maps to this workspace and user id, never a name or an e-mail."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from approvals.person import People, Person


class Speaker(NamedTuple):
    """A Slack user in a channel, as a verified request names them."""

    team: str
    user: str
    channel: str


def who(people: People, speaker: Speaker) -> Person | None:
    """The person, or None for somebody who is not linked."""
    return people.by_slack.get((speaker.team, speaker.user))


def team_of(body: Mapping[str, Any]) -> str:
    """The workspace that a verified request is of; the guard has seen that all that it names are the same."""
    home, user = body.get("team"), body.get("user")
    return str(body.get("team_id") or (home["id"] if isinstance(home, dict) else dict(user or {})["team_id"]))


def account_of(person: Person, home: str, others: Collection[str] = ()) -> tuple[str, str] | None:
    """Workspace and account by which this person is told something directly: in the home workspace, or else in the
    first of the others; None for somebody who has none of them."""
    accounts = sorted(person.slack)
    return next((one for one in accounts if one[0] == home), None) or next(
        (one for one in accounts if one[0] in others), None
    )


def not_linked(speaker: Speaker) -> str:
    """What an unlinked person is told."""
    return (
        f"I do not know who you are yet, so I cannot tell you what you may see. Ask whoever runs Spendgate to add "
        f'slack = [{{ team = "{speaker.team}", user = "{speaker.user}" }}] to your entry in people.toml.'
    )
