"""What is wrong with a call, or with an effect and its calls, in words; pure.

A pair may be wrong in several ways: the finding bears the gravest name, `also` the others, and its sentence all of it.
"""

from collections import defaultdict
from collections.abc import Iterator, Set
from datetime import datetime, timedelta
from typing import NamedTuple

from audit.moment import utc_text
from audit.pairing import SECOND, Key, same_effect
from audit.population import (
    CALLED_FAILED,
    DOUBLE,
    FAILED,
    NOT_AS_SEALED,
    ORPHAN,
    OTHER_IDENTITY,
    REQUEST_ID,
    TOO_EARLY,
    TOO_LATE,
    UNAPPROVED,
    UNCLAIMED,
    UNKNOWN_TIME,
    Effect,
    Finding,
    Logged,
    Pair,
    Period,
    Planned,
    Proposed,
    differences,
    names_of,
)
from audit.trail_event import Call

AFTERWARDS = timedelta(days=1)
"""How long after its end a proposal that was not approved still explains a change of its resource."""


class JudgedPair(NamedTuple):
    """The match, if there is nothing to say against it; findings, one for the pair and one for each double.

    `repeats` counts further calls under the token of a pair that is a finding.
    """

    match: Pair | None
    findings: tuple[Finding, ...]
    repeats: int = 0


def judge_pair(effect: Effect, calls: list[Call], heard: Call | None, period: Period) -> JudgedPair:
    """The effect with the calls that belong to it; `heard` is another record under its answer's request id."""
    first = _chief(effect, calls)
    others = [call for call in calls if call is not first]
    # A provider that knows the token answers a second request with the first effect, and records both.
    allowed = len(effect.sent_at) - 1
    same = [
        call for call in others if call.token == first.token and call.mine and not differences(call, effect.planned)
    ]
    repeats = same[:allowed] if first.token else []
    doubles = tuple(_double(call, effect) for call in others if call not in repeats)
    wrong = list(_wrong(effect, first, heard, period))
    if not wrong:
        return JudgedPair(Pair(effect, first, tuple(repeats)), doubles)
    names = list(dict.fromkeys(name for name, _ in wrong))
    sentence = f"{_did(first)} for {_step(effect)}: {'; '.join(told for _, told in wrong)}."
    finding = Finding(names[0], sentence, first, effect, effect.planned.proposal, effect.entry, also=tuple(names[1:]))
    return JudgedPair(None, (finding, *doubles), len(repeats))


def _chief(effect: Effect, calls: list[Call]) -> Call:
    """The call that is the effect's own: under its request id, as sealed, and the earliest of those."""
    return min(
        calls,
        key=lambda call: (
            call.request_id != effect.request_id,
            bool(differences(call, effect.planned)),
            not call.mine,
            call.at is None,
            call.at or effect.sent_at[0],
        ),
    )


def _wrong(effect: Effect, call: Call, heard: Call | None, period: Period) -> Iterator[tuple[str, str]]:
    """Each way in which the pair is not as it must be, the gravest first."""
    if not call.mine:
        yield OTHER_IDENTITY, f"{call.who} called, which is none of the roles named as ours"
    if effect.refusal:
        yield UNAPPROVED, f"the proposal was not approved when its request was to be sent: {effect.refusal}"
    if effect.claimed_at is None:
        yield UNCLAIMED, "the log tells of no claim before its intent"
    if not effect.expected or effect.outcome == FAILED:
        yield CALLED_FAILED, f"the log says that it was {effect.word or 'not sent'}"
    told = differences(call, effect.planned)
    if told:
        yield NOT_AS_SEALED, f"it is not what was sealed ({'; '.join(told)})"
    yield from _when(effect, call, period)
    if effect.request_id and call.request_id != effect.request_id:
        yield REQUEST_ID, f"its answer has the request id {effect.request_id}, the record {call.request_id or 'none'}"
    elif (
        heard is not None and heard.request_id and heard.event_id != call.event_id and heard.operation != call.operation
    ):
        yield REQUEST_ID, f"the provider recorded {heard.operation} by {heard.who} under the same request id"


def _when(effect: Effect, call: Call, period: Period) -> Iterator[tuple[str, str]]:
    if call.at is None:
        yield UNKNOWN_TIME, "its record has no time that can be read"
        return
    margin = period.skew + SECOND
    if effect.claimed_at is not None and call.at <= effect.claimed_at - margin:
        yield TOO_EARLY, f"that was before its claim at {_time(effect.claimed_at)}"
    elif call.at <= effect.sent_at[0] - margin:
        yield TOO_EARLY, f"that was before its intent at {_time(effect.sent_at[0])}"
    until = effect.until(period.settle)
    if call.at > until + period.skew:
        end = "its answer" if effect.answered_at is not None else "its outcome was settled"
        yield TOO_LATE, f"that was after {end} at {_time(until)}"


def _double(call: Call, effect: Effect) -> Finding:
    sentence = f"{_did(call)}: a second time for {_step(effect)}, which had its effect already."
    return Finding(DOUBLE, sentence, call, effect, effect.planned.proposal, effect.entry)


def judge_unsent(logged: Logged, call: Call, planned: Planned) -> Finding:
    """A call under the token of a step that the log never meant to send."""
    return _not_meant(call, logged.proposals[planned.proposal], "bears the token of")


class Known:
    """What was ever sealed, by what it would do to which resource: made once, asked for each call that fits nothing.

    `had` are the effects that have a call of their own.
    """

    def __init__(self, logged: Logged, period: Period, *, had: Set[Key]) -> None:
        self._logged, self._period, self._had = logged, period, had
        self._steps: dict[tuple[str, str], list[Planned]] = defaultdict(list)
        for planned in logged.planned.values():
            for name in names_of(planned.wants):
                self._steps[planned.operation, name].append(planned)

    def judge(self, call: Call) -> Finding:
        """A call that belongs to no effect: a second one, one of a proposal without votes, or nobody's."""
        steps = [step for name in names_of(call.leaves) for step in self._steps.get((call.operation, name), ())]
        for planned in steps:
            effect = self._logged.effects.get((planned.proposal, planned.step))
            if effect is not None and effect.key in self._had and same_effect(call, effect, self._period):
                return _double(call, effect)
        near = [step for step in steps if self._about(call, step)]
        if near:
            proposed = max((self._logged.proposals[step.proposal] for step in near), key=lambda one: one.sealed_at)
            return _not_meant(call, proposed, "is what was proposed in")
        token = " It bears a token that no proposal has." if call.token else ""
        return Finding(ORPHAN, f"{_did(call)}, and no proposal asked for it.{token}", call)

    def _about(self, call: Call, planned: Planned) -> bool:
        """Whether the call did what a step that was never sent would have done, while it stood or soon after."""
        if (planned.proposal, planned.step) in self._logged.effects or call.at is None:
            return False
        proposed = self._logged.proposals[planned.proposal]
        ended = proposed.ended_at
        same_place = (call.account, call.region) == (planned.account, planned.region)
        in_its_time = call.at >= proposed.sealed_at and (ended is None or call.at <= ended + AFTERWARDS)
        return same_place and in_its_time and names_of(planned.wants) <= {text for _, text in call.leaves}


def _not_meant(call: Call, proposed: Proposed, how: str) -> Finding:
    if proposed.refusal:
        name, why = UNAPPROVED, f"which was not approved: {proposed.refusal}"
    else:
        name, why = UNCLAIMED, "which was approved, but no worker wrote down that it would send this"
    return Finding(name, f"{_did(call)}. It {how} {proposed.id}, {why}.", call, None, proposed.id, proposed.entry)


def doubts_of(logged: Logged) -> list[Finding]:
    """What is wrong with entries by themselves."""
    return [Finding(one.name, one.sentence, proposal=one.proposal, entry=one.entry) for one in logged.doubts]


def _did(call: Call) -> str:
    when = f" at {_time(call.at)}" if call.at is not None else ""
    where = f"account {call.account or 'unknown'}, {call.region or 'region unknown'}"
    return f"{call.who} called {call.operation} on {call.resource()} in {where}{when} (event {call.event_id})"


def _step(effect: Effect) -> str:
    return f"step {effect.planned.step} of {effect.planned.proposal}"


def _time(moment: datetime) -> str:
    return utc_text(moment)[:19] + "Z"
