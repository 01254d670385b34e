"""What goes wrong, said to a person: what, why, what to do; and with which exit code."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes that scripts rely on."""

    OK = 0
    ERROR = 1
    USAGE = 2
    DENIED = 3
    NOT_FOUND = 4
    CONFLICT = 5
    VERIFICATION_FAILED = 7
    INTERRUPTED = 130


class Problem(Exception):
    """A fault that a person can mend. `what` happened, `why`, and what to `do` about it."""

    def __init__(self, what: str, *, why: str = "", do: str = "", exit_code: Exit = Exit.ERROR) -> None:
        super().__init__(" ".join(part for part in (what, why, do) if part))
        self.what, self.why, self.do, self.exit_code = what, why, do, exit_code


def was_interrupted(error: BaseException) -> bool:
    """Whether this is Ctrl-C: DuckDB turns one in the middle of a query into an error of its own."""
    by_duckdb = type(error).__name__ == "InterruptException" or str(error) == "Query interrupted"
    return isinstance(error, KeyboardInterrupt) or by_duckdb
