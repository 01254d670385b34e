"""Advice: what a reader remarked on a sealed proposal before people decide. Shown beside it; no guard reads it.

Only the agent's process comes here. It takes the bytes that deserve a second reading and brings back a text, which is
stored once, beside the digest of exactly those bytes. A remark can make a person look again; it can neither give a vote
nor take one, so whoever talks the reader round has won nothing (docs/decisions/013).
"""

import unicodedata
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select

from approvals.active import active
from approvals.errors import Altered
from approvals.risk import high_risk
from approvals.sealed import Sealed, decode
from approvals.states import UNDECIDED
from approvals.store import Advice, Proposal, find_proposal
from audit.canonical import sha256
from audit.event import Actor, ActorKind, Event
from audit.log import append

MOST_BODY = 900
"""As much as the smallest surface shows of it; what is stored is what is seen."""

MOST_MODEL = 80
AGENT = Actor(ActorKind.AGENT, "agent")
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_CUT = " … (cut)"


class ToRead(NamedTuple):
    """Bytes that wait for a second reading, their digest, and why they deserve one."""

    proposal_id: str
    digest: str
    sealed: bytes
    why: tuple[str, ...]


def advice_due(session: Session, now: datetime) -> list[ToRead]:
    """Sealed, undecided, high-risk proposals without advice, whose time to decide ends first standing first.

    Bytes that are no longer what was sealed are left out: their card says so, and nothing in them is worth a remark.
    """
    waiting = (
        select(Proposal)
        .where(
            col(Proposal.state).in_([state.value for state in UNDECIDED]),
            col(Proposal.expires_at) > now,
            col(Proposal.id).not_in(select(Advice.proposal)),
        )
        .order_by(col(Proposal.expires_at), col(Proposal.id))
    )
    rows = list(session.exec(waiting))
    rules = active(session).rules if rows else None
    found = []
    for row in rows:
        sealed = _sealed(row)
        if sealed is None or row.sealed is None or row.digest is None or rules is None:
            continue
        why = high_risk(sealed, rules)
        if why:
            found.append(ToRead(row.id, row.digest, row.sealed, why))
    return found


def keep_advice(session: Session, *, now: datetime, proposal_id: str, digest: str, model: str, body: str) -> bool:
    """Stores a reading with its entry, in the caller's transaction; False where it is not to be kept.

    Kept is only the first reading of exactly the bytes that are stored, and only while people still decide on them.
    """
    row = find_proposal(session, proposal_id)
    if row is None or row.digest != digest or row.state not in UNDECIDED or _sealed(row) is None:
        return False
    if row.expires_at is None or now >= row.expires_at or session.get(Advice, proposal_id) is not None:
        return False
    told, reader = neutral(body, MOST_BODY), neutral(model, MOST_MODEL)
    if not told or not reader:
        return False
    data = {"digest": digest, "model": reader, "body_hash": sha256(told.encode())}
    append(session, now=now, event=Event.ADVICE_GIVEN, actor=AGENT, proposal=proposal_id, data=data)
    session.add(Advice(proposal=proposal_id, digest=digest, model=reader, body=told, advised_at=now))
    session.flush()
    return True


def neutral(text: str, most: int) -> str:
    """`text` on one line of at most `most` characters; whatever hides or turns the reading direction becomes `�`."""
    # A megabyte is not walked for nine hundred characters.
    part = text[: most * 4]
    visible = "".join(" " if character.isspace() else _visible(character) for character in part)
    line = " ".join(visible.split())
    whole = len(line) <= most and len(part) == len(text)
    return line if whole else line[: most - len(_CUT)] + _CUT


def _visible(character: str) -> str:
    hidden = character in _BLANK or unicodedata.category(character) in _HIDDEN or _variation(character)
    return "\ufffd" if hidden else character


def _variation(character: str) -> bool:
    return 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF


def _sealed(row: Proposal) -> Sealed | None:
    try:
        return decode(row.sealed, row.digest)
    except Altered:
        return None
