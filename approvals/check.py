"""What a rules file and the people in force cannot do together, found before anybody waits for it. Pure.

A file with a fault is refused by the loader. What is found here can be adopted, and is probably not meant: a cell that
nobody could fill, a column laxer than the one below it, a person on whom everything waits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from approvals.freeze import warnings as freeze_warnings
from approvals.person import People
from approvals.policy import filled
from approvals.rules import (
    NON_PRODUCTION,
    PRODUCTION,
    Environment,
    Rules,
    Slot,
    asks_less,
    single_votes,
    without_requester,
)
from approvals.split import told

Severity = Literal["warning", "note"]
Row = tuple[str, str]


@dataclass(frozen=True)
class Finding:
    """One thing to look at; `file`, `table`, `at` and `key` say where it stands (`Place.words`, `Place.line`)."""

    severity: Severity
    sentence: str
    file: Literal["rules", "people"] = "rules"
    table: str = ""
    at: int | None = None
    key: str = ""


class _Holders:
    """Who holds a role of a slot, looked up once for each slot: a bank has thousands of people and a few slots."""

    def __init__(self, people: People) -> None:
        self.people, self._of = people, dict[Slot, list[str]]()

    def of(self, slot: Slot) -> list[str]:
        if slot not in self._of:
            self._of[slot] = [person for person in self.people.by_id if slot.roles & self.people.roles(person)]
        return self._of[slot]

    def could(self, columns: tuple[tuple[Slot, ...], ...], band: int, asker: str | None) -> bool:
        """Whether others than the asker could fill a column. As many candidates for a slot as there are slots suffice,
        whoever takes the others."""
        slots = without_requester(columns, band, self.people.roles(asker) if asker else frozenset())
        able: dict[str, frozenset[str]] = {}
        for slot in slots:
            others = (person for person in self.of(slot) if person != asker)
            able |= {person: self.people.roles(person) for person in islice(others, len(slots))}
        return None not in filled(slots, able)


def check(rules: Rules, people: People | None, *, now: datetime | None = None) -> list[Finding]:
    """Every finding, in the file's order; without `people` only what the rules alone tell.

    >>> [finding.sentence for finding in check(rules, people, now=now) if finding.severity == "warning"]
    """
    found = [*one_vote_for_good(rules), *_matrix(rules), *_caps(rules), *_tables(rules, now)]
    if people is None:
        return found
    if not people.by_id:
        return [*found, Finding("warning", "the people file names nobody, so nobody can propose or approve anything")]
    holders = _Holders(people)
    return [*found, *_fillable(rules, people, holders), *_single(rules, holders), *_roles(rules, people)]


def one_vote_for_good(rules: Rules) -> Iterator[Finding]:
    """Columns of rules in force, adopted before this was a fault, that let one person do what cannot be undone."""
    for at, (row, columns) in enumerate(rules.matrix.items()):
        for number in single_votes(row[0], columns):
            sentence = (
                f"{_words(row)}: column {number} ({_needs(columns[number - 1])}) lets one person approve what cannot be"
                " undone; name two, and have that adopted"
            )
            yield Finding("warning", sentence, table="class", at=at, key="votes")


def _matrix(rules: Rules) -> Iterator[Finding]:
    seen: set[str] = set()
    for at, (row, columns) in enumerate(rules.matrix.items()):
        for lower, higher in zip(range(len(columns)), range(1, len(columns)), strict=False):
            if asks_less(columns[higher], columns[lower]):
                sentence = (
                    f"{_words(row)}: column {higher + 1} ({_needs(columns[higher])}) asks for less than column"
                    f" {lower + 1} ({_needs(columns[lower])}), though it is for more money"
                )
                yield Finding("warning", sentence, table="class", at=at, key="votes")
        if row in rules.automatic:
            sentence = f'{_words(row)}: "auto" is read as owner, since every change needs a person\'s vote'
            yield Finding("note", sentence, table="class", at=at, key="votes")
        if row[1] == PRODUCTION and (row[0], NON_PRODUCTION) in rules.matrix:
            for number, other in enumerate(rules.matrix[(row[0], NON_PRODUCTION)]):
                if asks_less(columns[number], other):
                    sentence = (
                        f"{_words(row)}: column {number + 1} ({_needs(columns[number])}) asks for less than outside"
                        f" production ({_needs(other)})"
                    )
                    yield Finding("warning", sentence, table="class", at=at, key="votes")
        if row[0] not in rules.classes.values() and row[0] not in seen:
            yield Finding("note", f"no kind of change is of class {row[0]} yet", table="class", at=at, key="name")
        seen.add(row[0])


def _caps(rules: Rules) -> Iterator[Finding]:
    caps = rules.caps
    if caps.amount_per_day is not None and caps.amount_per_day < rules.limits[-1]:
        most = told(caps.amount_per_day, caps.currency)
        sentence = (
            f"a change of more than {most} can be approved (the limits go up to"
            f" {told(rules.limits[-1], caps.currency)}) and never be carried out, since {most} is all that a day allows"
        )
        yield Finding("warning", sentence, table="caps", key="amount_per_day")
    total, account = caps.changes_per_hour, caps.changes_per_account_per_hour
    if total is not None and account is not None and account > total:
        sentence = f"{account} changes an hour in one account are never reached, since {total} in all are allowed"
        yield Finding("warning", sentence, table="caps", key="changes_per_account_per_hour")


def _tables(rules: Rules, now: datetime | None) -> Iterator[Finding]:
    for at, sentence in freeze_warnings(rules.freezes, now=now):
        yield Finding("warning", sentence, table="freeze", at=at)
    voting = {role for _, slot in _slots(rules) for role in slot.roles}
    if rules.delegation is not None:
        for role in sorted(rules.delegation.roles - voting):
            sentence = f"{role} may be delegated, and no column asks for it"
            yield Finding("warning", sentence, table="delegation", key="roles")
    if rules.break_glass is not None:
        risky = sorted({name for name in rules.break_glass.classes if name != "reversible"} | rules.break_glass.kinds)
        risky = [name for name in risky if rules.classes.get(name, name) != "reversible"]
        if risky:
            sentence = f"an emergency covers {', '.join(risky)}, which may not be possible to undo afterwards"
            yield Finding("warning", sentence, table="break_glass")
    if not rules.may_propose:
        yield Finding("warning", "may_propose names no role, so nobody can propose anything", key="may_propose")


def _fillable(rules: Rules, people: People, holders: _Holders) -> Iterator[Finding]:
    """For each row the columns that nobody's, or only some requesters', proposals could get through."""
    askers = [person for person in people.by_id if people.roles(person) & rules.may_propose]
    if not askers:
        yield Finding("warning", "nobody holds a role that may propose", key="may_propose")
    for at, (row, columns) in enumerate(rules.matrix.items()):
        stuck: dict[tuple[str, ...], list[int]] = {}
        for band in range(len(columns)):
            failing = tuple(asker for asker in askers if not holders.could(columns, band, asker))
            if failing or (not askers and not holders.could(columns, band, None)):
                stuck.setdefault(failing, []).append(band)
        for failing, bands in stuck.items():
            numbers = f"{'column' if len(bands) == 1 else 'columns'} {', '.join(str(band + 1) for band in bands)}"
            if len(failing) == len(askers):
                who = "nobody could approve it"
            else:
                held = sorted({role for asker in failing for role in people.roles(asker) & rules.may_propose})
                who = f"nobody could approve what {', '.join(failing)} ({', '.join(held)}) may propose"
            lacking = sorted({slot.words() for band in bands for slot in columns[band] if not holders.of(slot)})
            why = f"; nobody holds {', '.join(lacking)}" if lacking else ""
            yield Finding("warning", f"{_words(row)}, {numbers}: {who}{why}", table="class", at=at, key="votes")
    yield from _emergency(rules, people, holders)


def _emergency(rules: Rules, people: People, holders: _Holders) -> Iterator[Finding]:
    glass = rules.break_glass
    if glass is None:
        return
    askers = [person for person in people.by_id if people.roles(person) & glass.roles]
    stuck = [asker for asker in askers if not holders.could((glass.slots,), 0, asker)]
    if not askers:
        yield Finding("warning", "nobody holds a role that may break the glass", table="break_glass", key="roles")
    elif stuck:
        sentence = f"nobody could vote for an emergency change of {', '.join(stuck)}"
        yield Finding("warning", sentence, table="break_glass", key="slots")
    seats = (*glass.slots, Slot(roles=glass.reviewers))
    for asker in askers:
        if asker not in stuck and not holders.could((seats,), 0, asker):
            sentence = f"an emergency change of {asker} would leave nobody to review it who took no part"
            yield Finding("warning", sentence, table="break_glass", key="reviewers")


def _single(rules: Rules, holders: _Holders) -> Iterator[Finding]:
    """Slots that one person alone can fill: on leave, everything of that slot waits."""
    seen: dict[Slot, Row] = {}
    for row, slot in _slots(rules):
        seen.setdefault(slot, row)
    order = list(rules.matrix)
    for slot, row in seen.items():
        able = holders.of(slot)
        if len(able) == 1:
            sentence = f"only {able[0]} can fill {slot.words()}: what needs it waits while that person is away"
            yield Finding("warning", sentence, table="class", at=order.index(row), key="votes")


def _roles(rules: Rules, people: People) -> Iterator[Finding]:
    order = list(people.by_id)
    for role, holders in people.roles_beyond(rules.roles).items():
        sentence = f"{', '.join(holders)}: the rules know no role {role!r}, so it lets nobody propose or vote"
        yield Finding("warning", sentence, file="people", table="person", at=order.index(holders[0]), key="roles")
    for role in rules.roles:
        if not any(role in people.roles(person) for person in people.by_id):
            yield Finding("note", f"nobody holds the role {role}", table="roles", key=role)


def _slots(rules: Rules) -> Iterator[tuple[Row, Slot]]:
    for row, columns in rules.matrix.items():
        for slots in columns:
            for slot in slots:
                yield row, slot


def _words(row: tuple[str, str] | tuple[str, Environment]) -> str:
    return f"{row[0]} in {'production' if row[1] == PRODUCTION else 'non-production'}"


def _needs(slots: tuple[Slot, ...]) -> str:
    return " and ".join(slot.words() for slot in slots)
