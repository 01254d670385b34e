"""Which call brought about which effect: by the answer's request id, else by the token, else by what, where and when.

Each key is tried for all calls before the next weaker one, so that a call is never given by its time to an effect whose
own request id or token stands in another record. Pure; nothing is judged here except which two belong together.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit.population import DONE, Effect, Logged, Period, Planned, differences, names_of
from audit.trail_event import Call

NEAR = timedelta(days=1)
"""How far from its time an effect's call is looked for at all, where nothing but the resource ties the two."""

SECOND = timedelta(seconds=1)
"""CloudTrail cuts a time to its second."""

Place = tuple[str, str, str]
Key = tuple[str, int]
Fits = Callable[[Call, Effect, Period], bool]


@dataclass
class Paired:
    """Calls by the effect that they belong to, in the order in which they came; and those that belong to none.

    `unsent` are calls under the token of a step for which the log has no intent.
    """

    calls: dict[Key, list[Call]] = field(default_factory=lambda: defaultdict(list))
    unsent: list[tuple[Call, Planned]] = field(default_factory=list)
    left: list[Call] = field(default_factory=list)


def pair(logged: Logged, calls: Iterable[Call], period: Period) -> Paired:
    """Gives each call (all of them changes, in the order of their times) to at most one effect."""
    found = Paired()
    by_request = {effect.request_id: effect for effect in logged.effects.values() if effect.request_id}
    by_token = {planned.token: planned for planned in logged.planned.values() if planned.token}
    rest = []
    for call in calls:
        asked = by_request.get(call.request_id)
        if asked is not None and not _under_another_token(call, asked, by_token):
            found.calls[asked.key].append(call)
        else:
            rest.append(call)
    rest = _by_token(logged, rest, by_token, found)
    if rest:
        rest = _by_window(logged, rest, period, found)
    found.left = rest
    return found


def _under_another_token(call: Call, asked: Effect, by_token: dict[str, Planned]) -> bool:
    """Whether the call bears the token of another step: then its request id was written down for the wrong one."""
    named = by_token.get(call.token)
    return named is not None and (named.proposal, named.step) != asked.key


def _by_token(logged: Logged, calls: list[Call], by_token: dict[str, Planned], found: Paired) -> list[Call]:
    rest = []
    for call in calls:
        planned = by_token.get(call.token)
        if planned is None:
            rest.append(call)
            continue
        key = planned.proposal, planned.step
        if key in logged.effects:
            found.calls[key].append(call)
        else:
            found.unsent.append((call, planned))
    return rest


def _by_window(logged: Logged, calls: list[Call], period: Period, found: Paired) -> list[Call]:
    """By operation, place, resource and time; then by the nearest time; then by operation and time alone."""
    open_ones = [effect for effect in logged.effects.values() if effect.key not in found.calls and effect.expected]
    for fits in (_same_and_in_time, _same_and_near, _other_and_in_time):
        calls = _nearest(open_ones, calls, period, found, fits=fits)
    return calls


def _nearest(open_ones: list[Effect], calls: list[Call], period: Period, found: Paired, *, fits: Fits) -> list[Call]:
    """Pairs what fits, the nearest in time first, and returns the calls that are left."""
    by_operation: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for number, effect in enumerate(open_ones):
        if effect.key not in found.calls:
            by_operation[effect.planned.operation].append((effect.sent_at[0], number))
    for timed in by_operation.values():
        timed.sort()
    candidates = []
    for at, call in enumerate(calls):
        if call.at is None or not call.mine:
            continue
        timed = by_operation.get(call.operation, [])
        begins = bisect_left(timed, (call.at - NEAR, 0))
        for sent_at, number in timed[begins : bisect_left(timed, (call.at + NEAR, 0))]:
            if _may_be(call, open_ones[number]) and fits(call, open_ones[number], period):
                candidates.append((abs(call.at - sent_at), at, number))
    taken: set[int] = set()
    for _, at, number in sorted(candidates):
        key = open_ones[number].key
        if at not in taken and key not in found.calls:
            found.calls[key].append(calls[at])
            taken.add(at)
    return [call for at, call in enumerate(calls) if at not in taken]


def _may_be(call: Call, effect: Effect) -> bool:
    """Whether nothing that both of them say about themselves speaks against it."""
    return not call.token or not effect.planned.token or call.token == effect.planned.token


def _same_and_in_time(call: Call, effect: Effect, period: Period) -> bool:
    return _same(call, effect.planned) and in_time(call.at, effect, period)


def _same_and_near(call: Call, effect: Effect, _period: Period) -> bool:
    return effect.outcome == DONE and _same(call, effect.planned)


def _other_and_in_time(call: Call, effect: Effect, period: Period) -> bool:
    """An effect without a call and a call without an effect, of one operation and at one time: it went elsewhere."""
    return effect.outcome == DONE and in_time(call.at, effect, period)


def _same(call: Call, planned: Planned) -> bool:
    place: Place = (call.operation, call.account, call.region)
    same_place = place == (planned.operation, planned.account, planned.region)
    return same_place and names_of(planned.wants) <= {text for _, text in call.leaves}


def in_time(at: datetime | None, effect: Effect, period: Period) -> bool:
    """Whether a call at this moment lies between the effect's intent and its end, as exact as two clocks are."""
    if at is None:
        return False
    return effect.sent_at[0] - period.skew - SECOND < at <= effect.until(period.settle) + period.skew


def same_effect(call: Call, effect: Effect, period: Period) -> bool:
    """Whether a call that nothing else explains did again what this effect did, while that was going on."""
    return not differences(call, effect.planned) and in_time(call.at, effect, period)
