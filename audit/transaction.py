"""One transaction: a session and the one moment it calls now, told by the database.

Guards compare times (expiry, leases, freeze windows), so a process whose own clock is wrong must not decide: `now` is
read once, from the database, after the write lock is held, and passed down as an argument.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session


class Transaction(NamedTuple):
    """A session with its write lock held, and the database's time (aware, UTC) at which that was so."""

    session: Session
    now: datetime


Begin = Callable[[], AbstractContextManager[Transaction]]
"""Opens a writing transaction; commits on a clean exit and rolls back on any exception."""
