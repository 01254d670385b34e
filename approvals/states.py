"""What a proposal can be, in the words that people read, and every move there is between two of these.

A move that is not in `MOVES` cannot be made: not by the code (`move.py`) and not in the database (`guards.py`).
"""

from enum import StrEnum

from audit.event import Event


class State(StrEnum):
    """Where a proposal stands."""

    DRAFT = "draft"
    SEALED = "sealed"
    PENDING = "pending"
    PARTIAL = "partial"
    APPROVED = "approved"
    HELD = "held"
    CLAIMED = "claimed"
    EXECUTING = "executing"
    UNKNOWN = "unknown"
    RECONCILING = "reconciling"
    SUCCEEDED = "succeeded"
    VERIFIED = "verified"
    DIVERGED = "diverged"
    FAILED = "failed"
    REHEARSED = "rehearsed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    STALE = "stale"
    CANCELLED = "cancelled"
    VETOED = "vetoed"
    UNSEALABLE = "unsealable"
    REVIEW_DUE = "review_due"
    REVIEWED_OK = "reviewed_ok"
    REVIEWED_BAD = "reviewed_bad"


WORDS: dict[State, str] = {
    State.DRAFT: "being checked",
    State.SEALED: "checked, about to be shown",
    State.PENDING: "waiting for approval",
    State.PARTIAL: "partly approved, waiting for more votes",
    State.APPROVED: "approved, waiting to be carried out",
    State.HELD: "approved, on hold",
    State.CLAIMED: "about to be carried out",
    State.EXECUTING: "being carried out",
    State.UNKNOWN: "outcome not known yet",
    State.RECONCILING: "outcome being checked",
    State.SUCCEEDED: "carried out, being checked",
    State.VERIFIED: "done and checked",
    State.DIVERGED: "ended differently from what was approved",
    State.FAILED: "not carried out",
    State.REHEARSED: "rehearsed only, nothing was changed",
    State.REJECTED: "rejected",
    State.EXPIRED: "expired",
    State.SUPERSEDED: "replaced by a newer proposal",
    State.STALE: "out of date: the resource or the rules changed",
    State.CANCELLED: "withdrawn",
    State.VETOED: "stopped by the kill-switch",
    State.UNSEALABLE: "cannot be proposed",
    State.REVIEW_DUE: "carried out in an emergency, review due",
    State.REVIEWED_OK: "carried out in an emergency, found justified",
    State.REVIEWED_BAD: "carried out in an emergency, found not justified",
}

DECIDED = frozenset({State.REJECTED, State.EXPIRED, State.SUPERSEDED, State.STALE, State.CANCELLED, State.VETOED})
"""Ends without any effect, all reached before the claim."""

REVIEW = frozenset({State.REVIEW_DUE, State.REVIEWED_OK, State.REVIEWED_BAD})
"""Where a break-glass proposal ends after its effect; the effect itself is told by its `outcome`."""

TERMINAL = DECIDED | {State.VERIFIED, State.DIVERGED, State.FAILED, State.REHEARSED, State.UNSEALABLE} | REVIEW
"""Nothing can take effect any more; only a review may still follow an emergency change."""

OPEN = frozenset(State) - TERMINAL
UNDECIDED = frozenset({State.SEALED, State.PENDING, State.PARTIAL})
REJECTABLE = frozenset({State.PENDING, State.PARTIAL, State.APPROVED, State.HELD})
BEFORE_CLAIM = UNDECIDED | {State.APPROVED, State.HELD}
MAY_HAVE_EFFECT = frozenset({State.SUCCEEDED, State.VERIFIED, State.DIVERGED, State.UNKNOWN, State.RECONCILING})


def words(state: State | str) -> str:
    """The state as people read it."""
    return WORDS[State(state)]


_APPROVE, _WITHDRAWN, _REJECT = Event.VOTE_APPROVED, Event.VOTE_WITHDRAWN, Event.VOTE_REJECTED
_CLAIM_ENDS = {
    State.STALE: {Event.PROPOSAL_STALE},
    State.EXPIRED: {Event.PROPOSAL_EXPIRED},
    State.VETOED: {Event.PROPOSAL_VETOED},
}
_ASIDE = {State.CANCELLED: {Event.PROPOSAL_CANCELLED}, State.SUPERSEDED: {Event.PROPOSAL_SUPERSEDED}}
_READ_BACK = {State.VERIFIED: {Event.EXECUTION_VERIFIED}, State.DIVERGED: {Event.EXECUTION_DIVERGED}}

_FROM: dict[State, dict[State, set[Event]]] = {
    State.DRAFT: {
        State.SEALED: {Event.PROPOSAL_SEALED},
        State.UNSEALABLE: {Event.PROPOSAL_UNSEALABLE},
        State.CANCELLED: {Event.PROPOSAL_CANCELLED},
    },
    State.SEALED: {
        State.PENDING: {Event.PROPOSAL_POSTED},
        State.EXPIRED: {Event.PROPOSAL_EXPIRED},
        **_ASIDE,
    },
    State.PENDING: {
        State.PARTIAL: {_APPROVE},
        State.APPROVED: {Event.APPROVAL_QUORUM_MET},
        State.REJECTED: {_REJECT},
        State.EXPIRED: {Event.PROPOSAL_EXPIRED},
        **_ASIDE,
    },
    State.PARTIAL: {
        State.PARTIAL: {_APPROVE, _WITHDRAWN},
        State.PENDING: {_WITHDRAWN},
        State.APPROVED: {Event.APPROVAL_QUORUM_MET},
        State.REJECTED: {_REJECT},
        State.EXPIRED: {Event.PROPOSAL_EXPIRED},
        **_ASIDE,
    },
    State.APPROVED: {
        State.PARTIAL: {_WITHDRAWN},
        State.PENDING: {_WITHDRAWN},
        State.HELD: {Event.APPROVAL_HELD},
        State.CLAIMED: {Event.EXECUTION_CLAIMED},
        State.REJECTED: {_REJECT},
        **_CLAIM_ENDS,
        **_ASIDE,
    },
    State.HELD: {
        State.APPROVED: {Event.APPROVAL_RELEASED},
        State.PARTIAL: {_WITHDRAWN},
        State.PENDING: {_WITHDRAWN},
        State.REJECTED: {_REJECT},
        **_CLAIM_ENDS,
        **_ASIDE,
    },
    State.CLAIMED: {
        State.CLAIMED: {Event.EXECUTION_TAKEN_OVER},
        State.EXECUTING: {Event.EXECUTION_INTENDED},
        State.HELD: {Event.APPROVAL_HELD},
        **_CLAIM_ENDS,
    },
    State.EXECUTING: {
        State.EXECUTING: {Event.EXECUTION_INTENDED, Event.EXECUTION_ANSWERED, Event.EXECUTION_TAKEN_OVER},
        State.SUCCEEDED: {Event.EXECUTION_SUCCEEDED},
        State.REHEARSED: {Event.EXECUTION_REHEARSED},
        State.FAILED: {Event.EXECUTION_FAILED},
        State.DIVERGED: {Event.EXECUTION_DIVERGED},
        State.UNKNOWN: {Event.EXECUTION_UNKNOWN},
    },
    State.UNKNOWN: {State.RECONCILING: {Event.EXECUTION_RECONCILING}},
    State.RECONCILING: {
        State.EXECUTING: {Event.EXECUTION_RESENT},
        State.FAILED: {Event.EXECUTION_FAILED},
        State.REHEARSED: {Event.EXECUTION_REHEARSED},
        **_READ_BACK,
    },
    State.SUCCEEDED: dict(_READ_BACK),
    State.VERIFIED: {State.REVIEW_DUE: {Event.BREAKGLASS_REVIEW_DUE}},
    State.DIVERGED: {State.REVIEW_DUE: {Event.BREAKGLASS_REVIEW_DUE}},
    State.REVIEW_DUE: {
        State.REVIEWED_OK: {Event.BREAKGLASS_REVIEWED},
        State.REVIEWED_BAD: {Event.BREAKGLASS_REVIEWED},
    },
}

MOVES: dict[tuple[State, State], frozenset[Event]] = {
    (start, end): frozenset(events) for start, ends in _FROM.items() for end, events in ends.items()
}
"""(from, to) → the events that may tell of this move."""
