"""The kill switch: stops every claim and every next step, at once. Its newest row counts, read where it matters.

Turning it on is cheap and safe, so few are kept from it; turning it off goes through the gate like any other change
(`changes/governance.py`), since whoever could release it alone could undo what the switch is for.
"""

from sqlmodel import Session, col, desc, select

from approvals.store import KillSwitch

EVERYTHING = "*"


def engaged(session: Session, account: str) -> KillSwitch | None:
    """The turn that stops changes in this account: of the whole switch first, then of the account's; None if off."""
    for scope in (EVERYTHING, account):
        newest = newest_turn(session, scope)
        if newest is not None and newest.engaged:
            return newest
    return None


def newest_turn(session: Session, scope: str) -> KillSwitch | None:
    """How the switch of this scope was turned last; None if never."""
    turns = select(KillSwitch).where(KillSwitch.scope == scope).order_by(desc(col(KillSwitch.id))).limit(1)
    return session.exec(turns.execution_options(populate_existing=True)).first()


def words_of(turn: KillSwitch) -> str:
    """Why nothing is carried out, for a person."""
    where = "everything" if turn.scope == EVERYTHING else f"account {turn.scope}"
    return f"the kill switch for {where} is on since {turn.turned_at:%Y-%m-%d %H:%M} UTC"
