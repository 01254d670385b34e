"""What this package says when it cannot do what it was asked: what, why, what to do."""


class AuditError(Exception):
    """A clear refusal for a person; `str()` is all three parts."""

    def __init__(self, what: str, *, why: str, do: str) -> None:
        super().__init__(f"{what}: {why}. {do}")
        self.what, self.why, self.do = what, why, do
