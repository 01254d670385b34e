"""Why the AWS sandbox cannot start: what happened, why, and what to do."""


class AwsSandboxError(Exception):
    """A refusal that a person can act on; nothing is left running when it is raised."""

    exit_code = 1

    def __init__(self, what: str, *, why: str, do: str) -> None:
        super().__init__(f"{what} {why} {do}")
        self.what = what
        self.why = why
        self.do = do
