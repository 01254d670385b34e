"""Caps: how much may be carried out in an hour and a day, however many votes there are; and how many votes one gives.

A cap bounds what a fault or a stolen account can do before somebody notices. Every window slides, so there is no moment
at which a full new allowance begins. Pure: whoever calls reads the earlier claims and votes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from approvals.governance import POLICY
from approvals.split import told

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Caps:
    """The caps of a rules file; None is no cap. The amount is in the rules' `currency`."""

    changes_per_hour: int | None = None
    changes_per_account_per_hour: int | None = None
    amount_per_day: Decimal | None = None
    votes_per_person_per_hour: int | None = None
    currency: str = "USD"

    def sentences(self) -> tuple[str, ...]:
        """Each cap that is set, for a person."""
        found = []
        if self.changes_per_hour is not None:
            found.append(f"at most {self.changes_per_hour} changes an hour")
        if self.changes_per_account_per_hour is not None:
            found.append(f"at most {self.changes_per_account_per_hour} changes an hour in one account")
        if self.amount_per_day is not None:
            found.append(f"at most {told(self.amount_per_day, self.currency)} in 24 hours")
        if self.votes_per_person_per_hour is not None:
            found.append(f"at most {self.votes_per_person_per_hour} approvals an hour by one person")
        return tuple(found)


@dataclass(frozen=True)
class Claimed:
    """A change that was claimed. Leave out those of class "policy": the caps do not count them."""

    at: datetime
    account: str | None
    amount: Decimal | None
    currency: str | None


@dataclass(frozen=True)
class Capped:
    """Why it may not be now. `until` is when there is room again; None: as the rules stand, never."""

    code: str
    reason: str
    until: datetime | None
    allowed: Literal[False] = False


def capped(
    caps: Caps,
    *,
    claims: Sequence[Claimed],
    now: datetime,
    account: str | None,
    amount: Decimal | None,
    currency: str | None,
    class_name: str = "",
) -> Capped | None:
    """The cap that holds a claim at `now`, the one that holds longest; None if there is room under each.

    An unknown account counts in every account. An unknown amount, and one in another currency, counts as the whole
    day's amount: it passes alone, and nothing beside it. Changes of class "policy" are held by no cap, since lifting a
    cap is one of them. Claims of the future (a clock that went back) count too.

    >>> held = capped(Caps(changes_per_hour=1), claims=[], now=datetime(2026, 11, 20, 9), account="1",
    ...               amount=None, currency=None)
    >>> held is None
    True
    """
    if class_name == POLICY:
        return None
    mine = [one.at for one in claims if account is None or one.account is None or one.account == account]
    found = [
        _counted(caps.changes_per_hour, [one.at for one in claims], now, "cap_changes", "changes an hour"),
        _counted(
            caps.changes_per_account_per_hour,
            mine,
            now,
            "cap_account",
            f"changes an hour in account {account or 'unknown'}",
        ),
        _spent(caps, claims, now, amount, currency),
    ]
    holding = [one for one in found if one is not None]
    return max(holding, key=lambda one: (one.until is None, one.until or now), default=None)


def fatigued(caps: Caps, *, votes: Sequence[datetime], now: datetime) -> Capped | None:
    """The cap on one person's approvals, given the times of those before; None if there is room.

    Only approvals are counted and held: whoever is tired must still be able to reject.
    """
    return _counted(caps.votes_per_person_per_hour, votes, now, "cap_votes", "approvals an hour by one person")


def _counted(most: int | None, times: Sequence[datetime], now: datetime, code: str, what: str) -> Capped | None:
    recent = sorted(at for at in times if at > now - HOUR)
    if most is None or len(recent) < most:
        return None
    until = recent[-most] + HOUR
    return Capped(code, f"the rules allow {most} {what}; there is room again at {until:%Y-%m-%d %H:%M:%S} UTC", until)


def _spent(
    caps: Caps, claims: Sequence[Claimed], now: datetime, amount: Decimal | None, currency: str | None
) -> Capped | None:
    most = caps.amount_per_day
    if most is None:
        return None
    size = _size(caps, amount, currency, most)
    allowed = told(most, caps.currency)
    if size > most:
        reason = (
            f"{told(size, caps.currency)} is more than the {allowed} that the rules allow in 24 hours, so it can never"
            " be carried out while they stand; [caps] amount_per_day would have to be raised"
        )
        return Capped("cap_amount_never", reason, None)
    recent = sorted((one.at, _size(caps, one.amount, one.currency, most)) for one in claims if one.at > now - DAY)
    spent = sum((value for _, value in recent), Decimal(0))
    if spent + size <= most:
        return None
    left, until = spent, now
    for at, value in recent:
        left, until = left - value, at + DAY
        if left + size <= most:
            break
    own = told(size, caps.currency) if amount is not None and currency == caps.currency else "an amount not known"
    reason = (
        f"{told(spent, caps.currency)} was claimed in the last 24 hours and {own} would pass the {allowed} that the"
        f" rules allow; there is room again at {until:%Y-%m-%d %H:%M:%S} UTC"
    )
    return Capped("cap_amount", reason, until)


def _size(caps: Caps, amount: Decimal | None, currency: str | None, most: Decimal) -> Decimal:
    known = amount is not None and amount.is_finite() and currency == caps.currency
    return abs(amount) if known and amount is not None else most
