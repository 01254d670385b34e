"""How long somebody's words must be kept, and who may erase them or hold them back. Pure.

Whose words are erased is decided by people; that nothing is erased which a law still asks for is decided here: by the
newest vote and the newest decision of that person in the log, each with the days that the rules name for its class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

VOTES, DECISIONS = "votes", "decisions"
CLASSES: Mapping[str, tuple[str, ...]] = {
    VOTES: ("vote.approved", "vote.rejected", "vote.withdrawn"),
    DECISIONS: (
        *("proposal.drafted", "proposal.cancelled", "killswitch.on", "breakglass.reviewed"),
        *("delegation.granted", "delegation.ended", "hold.placed", "hold.lifted", "privacy.erased"),
    ),
}
"""The entries of a person, as the actor, that begin each class anew."""


@dataclass(frozen=True)
class Retention:
    """Days for which a class is kept from its newest entry on; 0 is none."""

    votes_days: int = 0
    decisions_days: int = 0

    def days(self, name: str) -> int:
        """The days of one class."""
        return self.votes_days if name == VOTES else self.decisions_days


@dataclass(frozen=True)
class Privacy:
    """The roles that may have somebody forgotten, and those that may place and lift a legal hold."""

    erase: frozenset[str] = frozenset()
    hold: frozenset[str] = frozenset()


class Kept(NamedTuple):
    """A class that is not over: its newest entry, and until when it is kept."""

    name: str
    newest: datetime
    until: datetime


def still_kept(rules: Retention, newest: Mapping[str, datetime], now: datetime) -> list[Kept]:
    """The classes that must still be kept, by the newest entry of each; at the end of the last day it is over.

    >>> still_kept(Retention(votes_days=30), {"votes": january_1}, january_1 + timedelta(days=30))
    []
    """
    found = [Kept(name, at, at + timedelta(days=rules.days(name))) for name, at in newest.items() if rules.days(name)]
    return [kept for kept in found if now < kept.until]
