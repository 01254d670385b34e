"""How far the signer is behind the log: shown everywhere, and an alarm where it is more than a minute."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session, col, select

from audit import log
from audit.log import LogEntry
from audit.stored_tree import newest_checkpoint

ALARM_AFTER = timedelta(minutes=1)
"""The signer follows within a second; after a minute there is none, or it found something that it does not sign."""


class Lag(NamedTuple):
    """Entries in all, how many of them are signed, when the last checkpoint was signed, how long the oldest waits."""

    entries: int
    signed: int
    signed_at: datetime | None
    waiting: timedelta

    @property
    def unsigned(self) -> int:
        """How many entries no checkpoint holds yet."""
        return max(0, self.entries - self.signed)

    @property
    def alarm(self) -> bool:
        """Whether a person must look: an entry has waited for too long, or entries that were signed are not there."""
        return self.short or self.waiting > ALARM_AFTER

    @property
    def short(self) -> bool:
        """Whether the log has fewer entries than the newest stored checkpoint."""
        return self.signed > self.entries

    def sentence(self) -> str:
        """What people read."""
        if self.short:
            return f"The log has {self.entries} entries, and {self.signed} were signed: run `spendgate audit verify`."
        if not self.signed:
            return f"None of {self.entries} entries is signed: start `spendgate signer`."
        if not self.unsigned:
            return f"All {self.entries} entries are signed."
        seconds = max(0, int(self.waiting.total_seconds()))
        told = f"{self.unsigned} of {self.entries} entries are not signed yet, the oldest for {seconds} s"
        return f"{told}: look at `spendgate signer`." if self.alarm else f"{told}."


def lag(session: Session, *, now: datetime) -> Lag:
    """How it stands at `now`."""
    entries = log.head(session)[0]
    newest = newest_checkpoint(session)
    signed = 0 if newest is None else newest.size
    oldest = session.exec(
        select(LogEntry.recorded_at).where(col(LogEntry.seq) > signed).order_by(col(LogEntry.seq)).limit(1)
    ).first()
    waiting = timedelta(0) if oldest is None else max(timedelta(0), now - oldest)
    return Lag(entries, signed, newest.signed_at if newest else None, waiting)
