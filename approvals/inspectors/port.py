"""What an inspector is: it looks at a resource, and says what stands there and whether the change could be made."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from approvals.changes.change import AnyChange


class CannotLook(Exception):
    """The provider gave no answer, so nothing is known: look again later, decide nothing."""


@dataclass(frozen=True)
class Snapshot:
    """The resource as it stands now. `fields` are the preconditions: any difference at the claim makes it stale.

    `team` is whom its tags say it belongs to, so that a large change split into many small ones can be seen as one.
    `resolved` is the same change with what only the provider knows filled in; None where nothing was left out.
    """

    fields: dict[str, Any]
    name: str | None = None
    environment: str | None = None
    team: str | None = None
    blast_radius: tuple[str, ...] = ()
    resolved: AnyChange | None = None


@dataclass(frozen=True)
class NotSealable:
    """The change cannot be made, and why, in a sentence for the person who asked; `fields` as far as they were read.

    `resolved` as in a Snapshot, where all was read and only the permission is missing: a patch needs none.
    """

    reason: str
    code: str
    fields: dict[str, Any] = field(default_factory=dict)
    resolved: AnyChange | None = None


@dataclass(frozen=True)
class Happening:
    """One line of the provider's own log: a call on the resource, and the token that Spendgate marked it with."""

    operation: str
    at: datetime
    token: str | None = None
    refused: bool = False


class Inspector(Protocol):
    """Looks, never touches.

    One that can ask the provider's own log has `history(change, since) -> list[Happening]` besides.
    """

    def look(self, change: AnyChange) -> Snapshot | NotSealable:
        """Everything that must hold, permission (by dry run) included; CannotLook where there is no answer."""
        ...

    def read_back(self, change: AnyChange) -> dict[str, Any]:
        """Only the fields as they stand now, whatever they are; CannotLook where there is no answer."""
        ...
