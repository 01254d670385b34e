"""Why a bank cannot be made: what happened, why, and what to do."""


class BankError(Exception):
    """A refusal that a person can act on; what stood in the folder still stands."""

    exit_code = 1

    def __init__(self, what: str, *, why: str, do: str) -> None:
        super().__init__(f"{what} {why} {do}")
        self.what = what
        self.why = why
        self.do = do
