"""Encrypts Slack's tokens at rest, under a key that is in the environment and never in the database.

What is encrypted says which workspace's it is and what for. So whoever can write the rows cannot give one workspace
another's token, nor pass off one kind of secret as another.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.errors import Problem


class TokenBox:
    """Seals under the first key, opens under any of them: a new key is put in front until nothing needs the old one."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._newest = Fernet(keys[0])
        self._all = MultiFernet([Fernet(key) for key in keys])

    def __repr__(self) -> str:
        return "TokenBox(…)"

    def seal(self, text: str, *, about: str) -> str:
        """`text` encrypted, to be opened as what it is only."""
        return self._newest.encrypt(json.dumps([about, text]).encode()).decode()

    def open(self, sealed: str, *, about: str) -> str:
        """What was sealed. A Problem where no key opens it, or where it was sealed as something else."""
        try:
            told, text = json.loads(self._all.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            raise Problem(
                "The Slack tokens in the database cannot be read.",
                why="None of the keys in SPENDGATE_SLACK_TOKEN_KEY is the one that they were stored with.",
                do="Set the key again that was used (after the new one, with a comma between), or remove the workspace"
                " with `spendgate slack workspaces remove` and install the app there anew.",
            ) from None
        if told != about:
            raise Problem(
                "The Slack tokens in the database cannot be used.",
                why="A stored token is another workspace's, or no token: somebody changed the rows.",
                do="Remove the workspace with `spendgate slack workspaces remove`, install the app there anew, and find"
                " out who can write the database.",
            )
        return str(text)

    def of_newest(self, sealed: str) -> bool:
        """Whether the first key opens it."""
        try:
            self._newest.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def stamp(self, text: str, *, about: str, now: datetime) -> str:
        """`text` as `seal` does it, with the time, for `fresh`."""
        return self._newest.encrypt_at_time(json.dumps([about, text]).encode(), int(now.timestamp())).decode()

    def fresh(self, stamped: str, *, about: str, lasts: timedelta, now: datetime) -> str | None:
        """What was stamped no longer ago than it lasts; None for everything else."""
        try:
            opened = self._all.decrypt_at_time(
                stamped.encode(), int(lasts.total_seconds()), int(now.timestamp())
            )  # fmt: skip
            told, text = json.loads(opened)
        except (InvalidToken, ValueError):
            return None
        return str(text) if told == about else None
