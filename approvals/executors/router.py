"""Which hands an operation is for: by the part of its name before the colon, "ec2:" or "eks:" or the gate's own.

Real and rehearsing hands may be mixed: with the cloud rehearsed, a change of the gate's own rules is still real.
"""

from collections.abc import Mapping

from approvals.errors import GateError
from approvals.executors.port import Executor


class Router:
    """`hands` maps a prefix such as "ec2:" to its executor; `name` says in one word what the cloud's are."""

    def __init__(self, hands: Mapping[str, Executor], *, name: str) -> None:
        for prefix in hands:
            if not prefix.endswith(":") or prefix.count(":") != 1:
                raise ValueError(f"{prefix!r} is no prefix of operations: write it like 'ec2:'")
        self._hands = dict(hands)
        self.name = name

    def of(self, operation: str) -> Executor:
        """The executor of this operation; a GateError, before anything is stored or sent, where there is none."""
        prefix = operation.partition(":")[0] + ":"
        if prefix not in self._hands:
            raise GateError(
                f"{operation[:80]} is not carried out",
                why="this worker has no executor for it",
                do=f"It has executors for {', '.join(sorted(self._hands))}",
            )
        return self._hands[prefix]

    def also(self, hands: Mapping[str, Executor]) -> "Router":
        """A router with these hands besides; GateError for a prefix that has some already."""
        twice = sorted(set(hands) & set(self._hands))
        if twice:
            raise GateError(
                f"two executors are named for {', '.join(twice)}", why="one would never be asked", do="Name one"
            )
        return Router(self._hands | dict(hands), name=self.name)
