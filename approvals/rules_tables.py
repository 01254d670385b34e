"""The optional tables of a rules file: freezes, caps, split, delegation, break-glass, kill switch, privacy."""

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from approvals.caps import Caps
from approvals.freeze import LONGEST_GAP, MONTH_END, PERIODS, Freeze
from approvals.governance import GOVERNANCE, POLICY
from approvals.retention import Privacy, Retention
from approvals.rules import AUDITOR, NON_PRODUCTION, OWNER, PRODUCTION, BreakGlass, Delegable, Slot
from approvals.split import DEFAULT_DAYS
from approvals.table import Table

AUTO = "auto"
"""Where tables of authority say that nobody decides, the owner does: every change needs a person's vote."""
MOST_VOTES = 8
LONGEST_FREEZE = timedelta(days=366)
MACHINES_OWN = ("localtime", "posixrules", "Factory")
"""Names in a zone database that mean something else on each machine."""
FIXED, RECURRING = {"start", "end"}, {"around", "from_days", "to_days"}
SELECTORS = {"environments", "classes", "accounts", "teams"}
EARLIEST, LATEST = 2000, 2200
LONGEST_KEPT = 366 * 30


def slots_of(cell: Any, table: Table, *, key: str, what: str, roles: Collection[str]) -> tuple[Slot, ...]:
    """One list of votes: each text is a slot; "director|vp" is one slot that either may fill, "auto" is the owner's."""
    if not isinstance(cell, list) or not cell:
        raise table.fault(
            f"{what} needs no vote, and every change needs a person's vote",
            key=key,
            do='Name at least one role, for example ["owner"]',
        )
    if len(cell) > MOST_VOTES:
        raise table.fault(f"{what} asks for {len(cell)} votes", key=key, do=f"Ask for at most {MOST_VOTES}")
    slots = []
    for text in cell:
        names = [OWNER if name.strip() == AUTO else name.strip() for name in text.split("|")] if _is(text) else [""]
        for name in names:
            if name not in roles:
                raise table.fault(
                    f"{what}: the role {name!r} is not in [roles]", key=key, do=f"Known: {', '.join(sorted(roles))}"
                )
        slots.append(Slot(roles=frozenset(names)))
    return tuple(slots)


def _is(text: Any) -> bool:
    return isinstance(text, str)


def freezes_of(listed: list[Table], *, classes: Collection[str]) -> tuple[Freeze, ...]:
    """Every `[[freeze]]`; each name stands once."""
    found: list[Freeze] = []
    for table in listed:
        freeze = _freeze(table, classes)
        if any(freeze.name == other.name for other in found):
            raise table.fault(f"the freeze {freeze.name!r} stands twice", key="name", do="Give each a name of its own")
        found.append(freeze)
    return tuple(found)


def _freeze(table: Table, classes: Collection[str]) -> Freeze:
    shape = "Give start and end, or around, from_days and to_days"
    table.only(
        needed=("name", "zone"),
        optional=(*FIXED, *RECURRING, *SELECTORS, "fiscal_year_starts", "break_glass"),
    )
    recurring = bool(RECURRING & set(table.values))
    wanted = RECURRING if recurring else FIXED
    if recurring and FIXED & set(table.values):
        raise table.fault("it is both a fixed window and a recurring one", key="around", do=shape)
    for key in sorted(wanted - set(table.values)):
        raise table.fault(f"{key} is missing", do=shape)
    if POLICY in table.texts("classes"):
        raise table.fault(
            f"a freeze of class {POLICY!r} could not be lifted, since adopting other rules is of that class",
            key="classes",
            do=f"Leave {POLICY!r} out; no freeze holds it",
        )
    common: dict[str, Any] = {
        "name": table.text("name", example="quarter close"),
        "zone": _zone(table),
        "environments": frozenset(table.texts("environments", known=(NON_PRODUCTION, PRODUCTION), what="environment")),
        "classes": frozenset(table.texts("classes", known=classes, what="class")),
        "accounts": frozenset(table.texts("accounts")),
        "teams": frozenset(team.lower() for team in table.texts("teams")),
        "break_glass": table.flag("break_glass", default=True),
    }
    return Freeze(**common, **(_recurring(table) if recurring else _fixed(table)))


def _zone(table: Table) -> str:
    name = table.text("zone", example="Europe/Zurich")
    try:
        if name in MACHINES_OWN:
            raise ZoneInfoNotFoundError(name)
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise table.fault(
            f"{name!r} is no time zone", key="zone", do='Write its IANA name, for example zone = "Europe/Zurich"'
        ) from None
    return name


def _fixed(table: Table) -> dict[str, Any]:
    if "fiscal_year_starts" in table.values:
        raise table.fault(
            "fiscal_year_starts says nothing about a fixed window", key="fiscal_year_starts", do="Leave it out"
        )
    start, end = (_moment(table, key) for key in ("start", "end"))
    if end <= start:
        raise table.fault("it ends before it begins", key="end", do="Write an end after the start; the end is excluded")
    if end - start > LONGEST_FREEZE and not any(table.values.get(key) for key in SELECTORS):
        raise table.fault(
            "it covers everything for more than a year",
            key="end",
            do="Name environments, classes, accounts or teams, or stop everything with the kill switch",
        )
    return {"start": start, "end": end}


def _moment(table: Table, key: str) -> datetime:
    value = table.values[key]
    if not isinstance(value, datetime) or value.tzinfo is not None or not EARLIEST <= value.year <= LATEST:
        raise table.fault(
            f"{key} is no local date and time between {EARLIEST} and {LATEST}",
            key=key,
            do=f"Write it without quotes and without an offset, for example {key} = 2026-12-30T18:00:00",
        )
    return value


def _recurring(table: Table) -> dict[str, Any]:
    around = table.values["around"]
    if around not in PERIODS:
        raise table.fault(f"around is none of {', '.join(PERIODS)}", key="around", do=f'Write around = "{MONTH_END}"')
    since, until = (table.whole(key, least=-366, most=366) for key in ("from_days", "to_days"))
    if until < since:
        raise table.fault("it ends before it begins", key="to_days", do="Write to_days not below from_days")
    if until - since + 1 >= LONGEST_GAP[around]:
        raise table.fault(
            f"{until - since + 1} days around each {around.replace('_', ' ')} leave no day open",
            key="to_days",
            do="Narrow it, or stop everything with the kill switch",
        )
    starts = 1
    if "fiscal_year_starts" in table.values:
        starts = table.whole("fiscal_year_starts", least=1, most=12, note="it is the number of a month")
        if around == MONTH_END:
            raise table.fault(
                "fiscal_year_starts says nothing about a month's end", key="fiscal_year_starts", do="Leave it out"
            )
    return {"around": around, "from_days": since, "to_days": until, "fiscal_year_starts": starts}


def caps_of(table: Table | None, *, currency: str) -> Caps:
    """`[caps]`; without it there is none."""
    if table is None:
        return Caps(currency=currency)
    counts = ("changes_per_hour", "changes_per_account_per_hour", "votes_per_person_per_hour")
    table.only(optional=(*counts, "amount_per_day"))
    note = "a cap of 0 would stop everything, which is what the kill switch is for"
    found = {key: table.whole(key, least=1, most=10_000, note=note) for key in counts if key in table.values}
    amount: Decimal | None = table.amount("amount_per_day", note=note) if "amount_per_day" in table.values else None
    return Caps(**found, amount_per_day=amount, currency=currency)


def split_of(table: Table | None) -> int:
    """The days within which proposals are added up; without `[split]` the default."""
    if table is None:
        return DEFAULT_DAYS
    table.only(needed=("window_days",))
    note = "without a window, every limit could be passed bit by bit"
    return table.whole("window_days", least=1, most=366, note=note)


def delegation_of(table: Table | None, *, roles: Collection[str]) -> Delegable | None:
    """`[delegation]`; without it nothing may be lent."""
    if table is None:
        return None
    table.only(needed=("max_days", "roles"))
    lent = table.some("roles", known=roles, why="nothing could be delegated; leave [delegation] out to say so")
    if AUDITOR in lent:
        raise table.fault(
            "the auditor's role cannot be delegated: whoever votes must not read for the audit",
            key="roles",
            do=f"Leave {AUDITOR!r} out",
        )
    return Delegable(roles=lent, max_days=table.whole("max_days", least=1, most=92))


def break_glass_of(
    table: Table | None, *, roles: Collection[str], classes: Collection[str], kinds: Collection[str]
) -> BreakGlass | None:
    """`[break_glass]`; without it there is no emergency's way."""
    if table is None:
        return None
    table.only(
        needed=("roles", "slots", "reviewers", "review_within_hours", "vote_within_hours"),
        optional=("classes", "kinds"),
    )
    slots = slots_of(table.values["slots"], table, key="slots", what="slots", roles=roles)
    if len(slots) < 2 or len(set(slots)) < 2:
        raise table.fault(
            "an emergency needs two different votes",
            key="slots",
            do='Name two different slots, for example slots = ["sre", "director|vp"]',
        )
    named_kinds = frozenset(table.texts("kinds", known=kinds, what="kind of change"))
    named_classes = frozenset(table.texts("classes", known=classes, what="class"))
    if POLICY in named_classes or named_kinds & set(GOVERNANCE):
        raise table.fault(
            "an emergency is no reason to change the gate itself",
            key="classes" if POLICY in named_classes else "kinds",
            do=f"Leave {POLICY!r} and its kinds out",
        )
    if not named_kinds and not named_classes:
        if "reversible" not in classes:
            raise table.fault("it covers nothing", do='Name classes = ["…"] or kinds = ["…"]')
        named_classes = frozenset({"reversible"})
    return BreakGlass(
        roles=table.some("roles", known=roles, why="nobody could ask in an emergency"),
        slots=slots,
        classes=named_classes,
        kinds=named_kinds,
        reviewers=table.some("reviewers", known=roles, why="nobody would look at it afterwards"),
        vote_within=timedelta(hours=table.whole("vote_within_hours", least=1, most=4)),
        review_within=timedelta(hours=table.whole("review_within_hours", least=1, most=48)),
    )


def kill_switch_of(table: Table | None, *, roles: Collection[str]) -> frozenset[str]:
    """Who may stop everything; without `[kill_switch]` every role but the auditor's.

    A stop that was not needed costs a delay, one that came too late costs what happened meanwhile; releasing it needs
    votes. The auditor is left out since whoever acts becomes a party to what is audited; a file may name the role.
    """
    if table is None:
        return frozenset(roles) - {AUDITOR}
    table.only(needed=("roles",))
    return table.some("roles", known=roles, why="nobody could stop anything")


def privacy_of(table: Table | None, *, roles: Collection[str]) -> Privacy:
    """`[privacy]`; without it nobody may have anybody forgotten: erasing cannot be undone."""
    if table is None:
        return Privacy()
    table.only(needed=("erase", "hold"))
    return Privacy(
        erase=table.some("erase", known=roles, why="nobody could have anybody forgotten"),
        hold=table.some("hold", known=roles, why="nobody could place a legal hold"),
    )


def retention_of(table: Table | None) -> Retention:
    """`[retention]`; without it, and for a class that it does not name, nothing must be kept."""
    if table is None:
        return Retention()
    classes = ("votes_days", "decisions_days")
    table.only(optional=classes)
    return Retention(**{key: table.whole(key, least=0, most=LONGEST_KEPT) for key in classes if key in table.values})
