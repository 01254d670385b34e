"""Who a Slack user is: the person that `people.toml` maps to this workspace and user id, never a name or an e-mail."""

from typing import NamedTuple

from approvals.person import People, Person


class Speaker(NamedTuple):
    """A Slack user in a channel, as a verified request names them."""

    team: str
    user: str
    channel: str


def who(people: People, speaker: Speaker) -> Person | None:
    """The person, or None for somebody who is not linked."""
    return people.by_slack.get((speaker.team, speaker.user))


def not_linked(speaker: Speaker) -> str:
    """What an unlinked person is told."""
    return (
        f"I do not know who you are yet, so I cannot tell you what you may see. Ask whoever runs Spendgate to add "
        f'slack = [{{ team = "{speaker.team}", user = "{speaker.user}" }}] to your entry in people.toml.'
    )
