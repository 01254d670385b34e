"""The words of the log: what can happen, and who can have done it.

`subject.verb` in the past tense. An entry with a word that is not here cannot be written, so a reader who knows this
page knows every kind of entry.
"""

from enum import StrEnum
from typing import NamedTuple


class Event(StrEnum):
    """What happened; refusals are events of their own, not the absence of one."""

    LOG_STARTED = "log.started"
    LOG_READ = "log.read"
    LOG_EXPORTED = "log.exported"
    LOG_VERIFIED = "log.verified"
    LOG_KEY_CHANGED = "log.key_changed"
    LOG_RESTORED = "log.restored"
    LOG_ALARM = "log.alarm"

    POLICY_CHANGED = "policy.changed"
    POLICY_REFUSED = "policy.refused"
    MEMBERSHIP_CHANGED = "membership.changed"
    DELEGATION_GRANTED = "delegation.granted"
    DELEGATION_ENDED = "delegation.ended"
    DELEGATION_REFUSED = "delegation.refused"
    KILLSWITCH_ON = "killswitch.on"
    KILLSWITCH_OFF = "killswitch.off"
    KILLSWITCH_REFUSED = "killswitch.refused"
    PRIVACY_ERASED = "privacy.erased"
    PRIVACY_REFUSED = "privacy.refused"
    PRIVACY_SET_APART = "privacy.set_apart"
    HOLD_PLACED = "hold.placed"
    HOLD_LIFTED = "hold.lifted"
    HOLD_REFUSED = "hold.refused"

    ACCESS_GIVEN = "access.given"
    ACCESS_ENDED = "access.ended"

    SLACK_ADMITTED = "slack.admitted"
    SLACK_REFUSED = "slack.refused"
    SLACK_REFUSALS_COUNTED = "slack.refusals_counted"
    SLACK_UNDELIVERED = "slack.undelivered"
    SLACK_INSTALLED = "slack.installed"
    SLACK_REMOVED = "slack.removed"
    SLACK_NOT_RENEWED = "slack.not_renewed"

    QUESTION_ASKED = "question.asked"
    QUESTION_ANSWERED = "question.answered"
    QUESTION_DECLINED = "question.declined"
    QUESTION_STOPPED = "question.stopped"

    DATA_INGESTED = "data.ingested"
    DATA_REFUSED = "data.refused"

    ANOMALY_FOUND = "anomaly.found"
    ANOMALY_CLOSED = "anomaly.closed"
    ANOMALY_MARKED = "anomaly.marked"
    ANOMALY_REFUSED = "anomaly.refused"
    ANOMALY_PROPOSED = "anomaly.proposed"
    DRAFTING_ENABLED = "drafting.enabled"
    DRAFTING_DISABLED = "drafting.disabled"
    DRAFTING_REFUSED = "drafting.refused"

    PROPOSAL_DRAFTED = "proposal.drafted"
    PROPOSAL_REFUSED = "proposal.refused"
    PROPOSAL_SEALED = "proposal.sealed"
    PROPOSAL_UNSEALABLE = "proposal.unsealable"
    PROPOSAL_POSTED = "proposal.posted"
    PROPOSAL_SUPERSEDED = "proposal.superseded"
    PROPOSAL_CANCELLED = "proposal.cancelled"
    PROPOSAL_CANCEL_REFUSED = "proposal.cancel_refused"
    PROPOSAL_EXPIRED = "proposal.expired"
    PROPOSAL_STALE = "proposal.stale"
    PROPOSAL_VETOED = "proposal.vetoed"
    PROPOSAL_REMINDED = "proposal.reminded"
    ADVICE_GIVEN = "advice.given"

    VOTE_APPROVED = "vote.approved"
    VOTE_REJECTED = "vote.rejected"
    VOTE_WITHDRAWN = "vote.withdrawn"
    VOTE_REPEATED = "vote.repeated"
    VOTE_REFUSED = "vote.refused"
    VOTE_PAGE_GIVEN = "vote.page_given"

    APPROVAL_QUORUM_MET = "approval.quorum_met"
    APPROVAL_HELD = "approval.held"
    APPROVAL_RELEASED = "approval.released"

    EXECUTION_CLAIMED = "execution.claimed"
    EXECUTION_TAKEN_OVER = "execution.taken_over"
    EXECUTION_INTENDED = "execution.intended"
    EXECUTION_ANSWERED = "execution.answered"
    EXECUTION_SUCCEEDED = "execution.succeeded"
    EXECUTION_FAILED = "execution.failed"
    EXECUTION_UNKNOWN = "execution.unknown"
    EXECUTION_RECONCILING = "execution.reconciling"
    EXECUTION_RECONCILED = "execution.reconciled"
    EXECUTION_VERIFIED = "execution.verified"
    EXECUTION_DIVERGED = "execution.diverged"
    EXECUTION_REHEARSED = "execution.rehearsed"
    EXECUTION_RESENT = "execution.resent"

    BREAKGLASS_USED = "breakglass.used"
    BREAKGLASS_REVIEW_DUE = "breakglass.review_due"
    BREAKGLASS_REVIEWED = "breakglass.reviewed"
    BREAKGLASS_REFUSED = "breakglass.refused"


class ActorKind(StrEnum):
    """What kind of actor did it."""

    PERSON = "person"
    AGENT = "agent"
    WORKER = "worker"
    SERVICE = "service"
    UNKNOWN = "unknown"


class Actor(NamedTuple):
    """Who did it. `id` is opaque: a person's id from the people file, or a process's own name; never a name or mail."""

    kind: ActorKind
    id: str
