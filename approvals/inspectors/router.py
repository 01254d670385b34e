"""Which eyes a change is for, by its kind. A kind that nobody can look at is never sealed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from approvals.changes.change import AnyChange
from approvals.errors import GateError
from approvals.inspectors.port import CannotLook, Happening, Inspector, NotSealable, Snapshot

MISREAD = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
"""An answer of another shape, or with a number that is none, is no answer: it is asked again until that is given up,
like any other silence."""


class Router:
    """`eyes` maps a kind of change to its inspector. It is an inspector itself."""

    def __init__(self, eyes: Mapping[str, Inspector]) -> None:
        self._eyes = dict(eyes)

    def look(self, change: AnyChange) -> Snapshot | NotSealable:
        """What the kind's inspector sees; not sealable where there is none."""
        eyes = self._eyes.get(change.kind)
        if eyes is None:
            return NotSealable(f"this worker has no inspector for {change.kind}", "no_inspector")
        try:
            return eyes.look(change)
        except MISREAD as error:
            raise CannotLook(f"the answer cannot be read ({type(error).__name__}: {str(error)[:80]})") from error

    def read_back(self, change: AnyChange) -> dict[str, Any]:
        """The fields as the kind's inspector reads them."""
        eyes = self._eyes.get(change.kind)
        if eyes is None:
            raise CannotLook(f"this worker has no inspector for {change.kind}")
        try:
            return eyes.read_back(change)
        except MISREAD as error:
            raise CannotLook(f"the answer cannot be read ({type(error).__name__}: {str(error)[:80]})") from error

    def history(self, change: AnyChange, since: datetime) -> Sequence[Happening]:
        """What the provider's own log tells, where the kind's inspector can ask it; CannotLook where not."""
        remembers = getattr(self._eyes.get(change.kind), "history", None)
        if remembers is None:
            raise CannotLook(f"nobody keeps a history for {change.kind}")
        told: Sequence[Happening] = remembers(change, since)
        return told

    def also(self, eyes: Mapping[str, Inspector]) -> "Router":
        """A router with these eyes besides; GateError for a kind that has some already."""
        twice = sorted(set(eyes) & set(self._eyes))
        if twice:
            raise GateError(
                f"two inspectors are named for {', '.join(twice)}", why="one would be ignored", do="Name one"
            )
        return Router(self._eyes | dict(eyes))
