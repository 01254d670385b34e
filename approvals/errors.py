"""What this package says when it cannot go on: what, why, what to do. A refused vote is a result, never this."""


class GateError(Exception):
    """A clear refusal for a person; `str()` is all three parts."""

    def __init__(self, what: str, *, why: str, do: str) -> None:
        super().__init__(f"{what}: {why}. {do}")
        self.what, self.why, self.do = what, why, do


class NotFound(GateError):
    """There is no such proposal."""


class PolicyError(GateError):
    """A rules or people file that cannot be used; `where` names the place in it."""

    def __init__(self, what: str, *, why: str, do: str, where: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.where = where


class Altered(GateError):
    """Stored bytes are not those that were sealed."""
