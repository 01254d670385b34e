"""What a read-back proves about what was sent: pure, so that every row of its table can be tested.

Three things may be true of a request without an answer: it shows, it does not show although everything it could have
changed is as before and the settle time is over, or it cannot be told. The last one ends too, as something that a
person must look at: nothing stays unknown for ever.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from approvals.changes.operations import declared
from approvals.changes.terraform import PatchTerraform
from approvals.inspectors.port import Happening
from approvals.sealed import Sealed
from approvals.settling import UNREADABLE, looks
from approvals.states import State
from approvals.store import REFUSED, TOOK_EFFECT, Effect


class Conclusion(NamedTuple):
    """Where it ends and why; which steps without an answer were found to have taken effect, and which not."""

    state: State
    reason: str
    found: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()


def judge(
    sealed: Sealed,
    effects: Sequence[Effect],
    fields: dict[str, Any] | None,
    *,
    state: State,
    now: datetime,
    settle: timedelta,
    sent_again: Sequence[datetime] = (),
    history: Sequence[Happening] | None = None,
) -> Conclusion | None:
    """What the read-back proves; None while it proves nothing yet. `fields` None: nothing could be read.

    `now` is when the reading began.
    """
    if effects and all(effect.rehearsal for effect in effects):
        return Conclusion(State.REHEARSED, "the rehearsal was interrupted; nothing was sent")
    since = max([effect.answered_at or effect.intended_at for effect in effects] + list(sent_again), default=now)
    if fields is None:
        return _unreadable(effects) if now >= since + UNREADABLE else None
    open_steps = tuple(effect.step for effect in effects if effect.outcome not in TOOK_EFFECT | {REFUSED})
    all_sent = len(effects) == len(sealed.steps)
    if all_sent and looks(fields, sealed.steps[-1].expect):
        return Conclusion(State.VERIFIED, "read back as approved", found=open_steps)
    shown = tuple(step.number for step in sealed.steps if step.number in open_steps and looks(fields, step.expect))
    if shown and not all_sent:
        return Conclusion(State.DIVERGED, _partly(sealed, effects, fields, shown), found=shown)
    if now < since + _patience(sealed, effects, fields, settle):
        return None
    if state == State.SUCCEEDED:
        patch = isinstance(sealed.change, PatchTerraform)
        did = "handed over, and not applied in time:" if patch else "carried out, but"
        return Conclusion(State.DIVERGED, f"{did} it now reads {told(fields, sealed)}")
    return _not_shown(sealed, effects, fields, open_steps, history)


def _not_shown(
    sealed: Sealed,
    effects: Sequence[Effect],
    fields: dict[str, Any],
    open_steps: tuple[int, ...],
    history: Sequence[Happening] | None,
) -> Conclusion:
    """The time is over and the effect of the open step does not show."""
    did = _happened(sealed, effects, open_steps, history)
    if did is not None:
        reason = f"{did.operation} was carried out at {did.at:%H:%M} UTC, as the provider's history shows"
        return Conclusion(State.DIVERGED, f"{reason}, but it now reads {told(fields, sealed)}", found=open_steps)
    before: dict[str, Any] = dict(sealed.preconditions)
    for effect in effects:
        if effect.outcome in TOOK_EFFECT:
            before |= _step_expect(sealed, effect.step)
    unchanged = all(fields.get(name) == value for name, value in before.items())
    absent = open_steps if unchanged else ()
    if unchanged and not any(effect.outcome in TOOK_EFFECT for effect in effects):
        return Conclusion(State.FAILED, "read back unchanged: the request did not take effect", absent=absent)
    return Conclusion(State.DIVERGED, _partly(sealed, effects, fields, ()), absent=absent)


def _unreadable(effects: Sequence[Effect]) -> Conclusion:
    hours = int(UNREADABLE.total_seconds() // 3600)
    steps = ", ".join(str(effect.step) for effect in effects)
    reason = (
        f"needs a person: the resource could not be read for {hours} hours after step {steps} was sent,"
        " so nobody knows whether it took effect; look at it, and at the provider's own log"
    )
    return Conclusion(State.DIVERGED, reason)


def _patience(sealed: Sealed, effects: Sequence[Effect], fields: dict[str, Any], settle: timedelta) -> timedelta:
    """How long after the last request an answer that does not show counts as final."""
    passing = any(looks(fields, passing) for step in sealed.steps for passing in step.passing)
    sent = [step for step in sealed.steps if step.number in {effect.step for effect in effects}]
    promised = [declared(step.request.operation) for step in sent or sealed.steps]
    return settle * max(one.patience if passing else one.settles for one in promised)


def _happened(
    sealed: Sealed, effects: Sequence[Effect], open_steps: tuple[int, ...], history: Sequence[Happening] | None
) -> Happening | None:
    """The first of the provider's own records that bears the token of an open step and tells that it was done."""
    tokens = {effect.token for effect in effects if effect.step in open_steps}
    return next((one for one in history or () if one.token in tokens and not one.refused), None)


def _step_expect(sealed: Sealed, number: int) -> dict[str, str]:
    return next((step.expect for step in sealed.steps if step.number == number), {})


def _partly(sealed: Sealed, effects: Sequence[Effect], fields: dict[str, Any], shown: tuple[int, ...]) -> str:
    done = [effect.step for effect in effects if effect.outcome in TOOK_EFFECT]
    parts = [f"it now reads {told(fields, sealed)}"]
    if done:
        parts.insert(0, f"of {len(sealed.steps)} steps done: {', '.join(map(str, done))}")
    if shown:
        parts.append(f"step {', '.join(map(str, shown))} took effect without an answer")
    left = [str(step.number) for step in sealed.steps[len(effects) :]]
    if left:
        parts.append(f"not sent: step {', '.join(left)}")
    return "; ".join(parts)


def told(fields: dict[str, Any], sealed: Sealed) -> str:
    """What was read of what the steps were to change, in words."""
    names = sorted({name for step in sealed.steps for name in step.expect})
    return ", ".join(f"{name} {fields.get(name, 'absent')}" for name in names)
