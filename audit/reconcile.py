"""Judges the calls that a provider recorded against what the log tells, one after the other, and names what is wrong.

What others did is counted as it passes and kept nowhere, so that a year of an account's events takes the memory of our
own changes alone. The calls that may be ours are kept, paired when the last was read, and then judged.
"""

from collections import Counter
from datetime import datetime

from audit.doubt import Known, doubts_of, judge_pair, judge_unsent
from audit.pairing import pair
from audit.population import (
    CONFLICTING_COPY,
    DONE,
    FAILED,
    MISSING,
    REQUEST_ID,
    UNREADABLE,
    UNSEEN,
    Effect,
    Finding,
    Judged,
    Logged,
    Period,
)
from audit.trail_event import Call, Identity, Ours, call_of, named
from audit.trail_files import Raw

MOST_TOLD = 20
"""Unreadable records of one file that are told one by one; the rest of them are counted in one finding."""


class Reconciliation:
    """Takes calls in, record by record (`take`), and says at the end what came of them (`end`).

    `now` is the database's time; a call that claims to be later than that, as exact as clocks are, has no known time.
    """

    def __init__(self, logged: Logged, mine: Ours, period: Period, *, now: datetime) -> None:
        self._logged, self._mine, self._period = logged, mine, period
        self._latest = now + period.skew
        planned = logged.planned.values()
        self._changing = frozenset(one.operation for one in planned)
        self._tokens = frozenset(one.token for one in planned if one.token)
        self._requests = frozenset(one.request_id for one in logged.effects.values() if one.request_id)
        self._kept: dict[str, Call] = {}
        self._shared: dict[str, Call] = {}
        self._heard: dict[str, Call] = {}
        self._unreadable: Counter[str] = Counter()
        self.count: Counter[str] = Counter()
        self.accounts: set[str] = set()
        self._seen: set[Identity | str] = set()
        self.found: list[Finding] = []

    def take(self, raw: Raw) -> None:
        """One record of one file."""
        self.count["records"] += 1
        call: Call | str = raw.why
        if not raw.why:
            call = call_of(
                raw.record, mine=self._mine, changing=self._changing, latest=self._latest, file=raw.file,
                record=raw.number,
            )  # fmt: skip
        if isinstance(call, str):
            self._not_read(raw, call)
            return
        self.accounts.add(call.account)
        self._seen |= call.as_whom
        ties = call.request_id in self._requests or call.token in self._tokens
        if call.changes and (call.mine or ties):
            self._keep(call)
            return
        if call.request_id in self._requests:
            self._heard.setdefault(call.request_id, call)
        if not call.mine:
            self.count["others" if call.placed or not call.changes else "unplaced"] += 1
        else:
            self.count["readings" if call.reading else "refused"] += 1

    def _keep(self, call: Call) -> None:
        known = self._kept.get(call.event_id)
        alike = known is not None and _said(known) == _said(call)
        if known is None and call.shared_id:
            # Two accounts that share an event have it under an id and an account of their own each.
            known = self._shared.setdefault(call.shared_id, call)
            alike = known is not call and _said(known)[2:] == _said(call)[2:]
            known = known if alike else None
        if known is None:
            self._kept[call.event_id] = call
        elif alike:
            self.count["copies"] += 1
        else:
            self._conflicting(known, call)

    def _conflicting(self, known: Call, call: Call) -> None:
        """Keeps one of two copies that differ, whichever came first: the one with a time and a request id of ours."""
        kept, other = sorted(
            (known, call), key=lambda one: (one.at is None, one.request_id not in self._requests, repr(_said(one)))
        )
        self._kept[kept.event_id] = kept
        self.count["findings"] += 1
        sentence = (
            f"Event {other.event_id} stands in two records that say different things "
            f"({kept.file}, record {kept.record}, and {other.file}, record {other.record})."
        )
        self.found.append(Finding(CONFLICTING_COPY, sentence, other))

    def _not_read(self, raw: Raw, why: str) -> None:
        self.count["unreadable"] += 1
        self._unreadable[raw.file] += 1
        if self._unreadable[raw.file] <= MOST_TOLD:
            where = f"Record {raw.number} of {raw.file}" if raw.number else raw.file
            self.found.append(Finding(UNREADABLE, f"{where} cannot be read: {why}.", file=raw.file, record=raw.number))

    def end(self) -> Judged:
        """Pairs and judges everything that was taken in."""
        for file, times in self._unreadable.items():
            if times > MOST_TOLD:
                told = f"{times - MOST_TOLD} more records of {file} cannot be read."
                self.found.append(Finding(UNREADABLE, told, file=file))
        self.found.extend(_unseen(one) for one in sorted(map(named, self._mine.all - self._seen)))
        judged = Judged(findings=self.found)
        calls = sorted(self._kept.values(), key=lambda call: (call.at is None, call.at or 0, call.event_id))
        paired = pair(self._logged, calls, self._period)
        effects: Counter[str] = Counter()
        for key, effect in self._logged.effects.items():
            own = paired.calls.get(key, [])
            effects[self._effect(judged, effect, own)] += 1
        for call, planned in paired.unsent:
            self._alone(judged, call, judge_unsent(self._logged, call, planned))
        known = Known(self._logged, self._period, had=set(paired.calls))
        for call in paired.left:
            self._alone(judged, call, known.judge(call))
        judged.findings.extend(doubts_of(self._logged))
        judged.calls, judged.effects = dict(+self.count), dict(effects)
        return judged

    def _effect(self, judged: Judged, effect: Effect, calls: list[Call]) -> str:
        """Judges one effect with the calls that belong to it; returns under which word it counts."""
        if not calls:
            return self._without(judged, effect)
        if not any(self._period.holds(call.at) for call in calls) and not self._period.holds(effect.sent_at[0]):
            self.count["outside"] += len(calls)
            return "outside"
        found = judge_pair(effect, calls, self._heard.get(effect.request_id), self._period)
        self.count["matched"] += found.match is not None
        self.count["repeats"] += len(found.match.repeats) if found.match else 0
        self.count["findings"] += len(found.findings)
        self.count["repeats"] += found.repeats
        judged.findings.extend(found.findings)
        if found.match is not None:
            judged.matched.append(found.match)
        return "matched" if found.match is not None else "findings"

    def _without(self, judged: Judged, effect: Effect) -> str:
        """An effect for which no call was found."""
        if not effect.expected:
            return "nothing_sent"
        if effect.outcome == FAILED:
            return "failed"
        if effect.outcome != DONE:
            return "open"
        if not self._period.holds(effect.sent_at[0]):
            return "outside"
        if self._period.to is not None and effect.until(self._period.settle) + self._period.skew >= self._period.to:
            return "not_due"
        heard = self._heard.get(effect.request_id) if effect.request_id else None
        judged.findings.append(self._lacking(effect, heard))
        return "findings"

    def _lacking(self, effect: Effect, heard: Call | None) -> Finding:
        planned = effect.planned
        told = f"step {planned.step} of {planned.proposal} ({planned.operation} on {planned.resource})"
        if heard is not None:
            how = "refused" if heard.failed else "only a reading" if heard.reading else "somebody else's"
            sentence = (
                f"The answer to {told} has the request id {effect.request_id}, under which the provider recorded "
                f"{heard.operation} by {heard.who}, which was {how} (event {heard.event_id})."
            )
            return Finding(REQUEST_ID, sentence, heard, effect, planned.proposal, effect.entry)
        sentence = f"The log says that {told} was carried out, and no record of the provider shows it."
        if planned.account not in self.accounts:
            sentence += f" The files hold no event at all of account {planned.account}."
        return Finding(MISSING, sentence, None, effect, planned.proposal, effect.entry)

    def _alone(self, judged: Judged, call: Call, finding: Finding) -> None:
        if not self._period.holds(call.at):
            self.count["outside"] += 1
            return
        self.count["findings"] += 1
        judged.findings.append(finding)


def _unseen(name: str) -> Finding:
    sentence = f"No record names {name}: it is mistyped, the files are of other accounts, or it called nothing."
    return Finding(UNSEEN, sentence)


def _said(call: Call) -> tuple[object, ...]:
    """What two copies of one event must agree on; its own id and account stand first."""
    return (
        call.event_id, call.account, call.at, call.operation, call.region, call.request_id, call.token, call.who,
        call.leaves,
    )  # fmt: skip
