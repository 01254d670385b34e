"""`spendgate sandbox aws`: an EC2 on this machine that knows the bank's machines, to act on without an account."""

from pathlib import Path


def run(*, machines: Path, port: int = 0) -> int:
    """Serves until Ctrl-C; one JSON line on stdout when ready. `port` 0 takes a free one. Returns the exit code.

    Raises AwsSandboxError.
    """
    from sandbox.aws.serve import serve_until_stopped

    serve_until_stopped(machines, port=port)
    return 0
