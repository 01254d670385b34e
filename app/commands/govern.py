"""What people do at a terminal besides voting: withdraw, undo, replace, break the glass, review, stop, lend, propose.

Each is the person's own verb in `approvals/`, judged there and logged there; here it is only asked for and told.
"""

import json
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from app.commands.console import hint, print_json, print_table
from app.commands.here import Place, person_at, place
from app.commands.proposals import CODES, card_for
from app.database import reading, writing
from app.errors import Exit, Problem
from app.ready import read_file
from app.whoami import Here
from approvals.active import PEOPLE, RULES
from approvals.adopt import offer
from approvals.changes.change import parse_change
from approvals.changes.governance import AdoptPolicy, ReleaseKillSwitch
from approvals.delegate import delegate, end_delegation
from approvals.engage import engage
from approvals.ids import new_id
from approvals.policy import Verdict
from approvals.propose import Drafted, DraftRequest, in_emergency, propose
from approvals.review import review
from approvals.rollback import KEPT, roll_back
from approvals.store import Delegation, KillSwitch, proposal_of
from approvals.switch import EVERYTHING, newest_turn, words_of
from approvals.withdraw import withdraw
from audit.event import Actor, ActorKind

CODES = CODES | dict.fromkeys(
    ("already_open", "too_late", "not_due", "ended", "already_on", "nothing_to_undo", "review_due", "lent_already"),
    Exit.CONFLICT,
)
NEVER_DEARER = ("add_tag", "remove_tag", "stop_instance", "terminate_instance", "delete_volume", "delete_snapshot")
"""Kinds after which nothing costs more than before."""
SEALS_NEXT = "The worker checks it next; `spendgate proposals list` shows when it waits for votes."


def take_back(proposal: str, *, person: str | None, as_json: bool) -> None:
    """The requester withdraws a proposal."""
    here, who = _person(person)
    with writing(here.engine) as (session, now):
        verdict = withdraw(session, now=now, proposal_id=proposal, person=who)
    _tell(verdict, f"{proposal}: {verdict.reason}", as_json)


def undo(proposal: str, *, person: str | None, as_json: bool) -> None:
    """Proposes the sealed inverse of what was carried out."""
    here, who = _person(person)
    with writing(here.engine) as (session, now):
        card_for(session, proposal, person_at(here, person))
        drafted = roll_back(session, now=now, proposal_id=proposal, person=who)
    _drafted(drafted, f"proposes to undo {proposal}", as_json)


def ask_for(file: Path, *, person: str | None, as_json: bool) -> None:
    """Proposes a change that a person wrote down: no rule found it, so no saving stands beside it."""
    change = _read_change(file)
    here, who = _person(person)
    evidence = _cost_now(change, person)
    draft = DraftRequest(id=new_id(), thread="", requester=who, change=change, evidence=evidence)
    _drafted(_propose(here, who, lambda _: draft), f"proposes the change of {file.name}", as_json)
    if not evidence and not as_json:
        hint("Nobody computed an amount for it, so it counts as more than any amount of the rules.")


def _cost_now(change: dict[str, Any], person: str | None) -> dict[str, Any]:
    """What its resource costs by the bill, where the change cannot make that more; else nothing.

    What a higher rate, more nodes or a started machine will cost no bill knows yet: beside it what it costs now would
    be a small amount, and ask too few people.
    """
    typed = parse_change(change)
    if typed.kind not in NEVER_DEARER:
        return {}
    # Only here: the kill switch is turned on from this file too, and waits for no library that reads bills.
    from app.commands.desk import desk_here
    from lake.errors import LakeError
    from tools.cost_by_bill import yearly_by_bill

    try:
        return yearly_by_bill(desk_here(person), (typed.resource, typed.target)) or {}
    except LakeError as error:
        hint(f"The bill was not asked what it costs: {error}")
        return {}


def replace(proposal: str, file: Path, *, person: str | None, as_json: bool) -> None:
    """Proposes another change in place of an open one, whose votes end with it."""
    change = _read_change(file)
    here, who = _person(person)

    def draft(session: Session) -> DraftRequest:
        card_for(session, proposal, person_at(here, person))
        old = proposal_of(session, proposal)
        known = json.loads(old.evidence)
        # A saving was computed for the old change; under the new one it would be a figure that no tool told.
        evidence = {name: known[name] for name in KEPT if name in known}
        return DraftRequest(
            id=new_id(), thread=old.thread, requester=who, change=change, evidence=evidence, supersedes=old.id
        )

    _drafted(_propose(here, who, draft), f"replaces {proposal} once it is checked", as_json)


def break_glass(proposal: str, incident: str, *, person: str | None, as_json: bool) -> None:
    """Asks for an open proposal's change as an emergency: in its place, with the emergency's own votes."""
    here, who = _person(person)

    def draft(session: Session) -> DraftRequest:
        card_for(session, proposal, person_at(here, person))
        return in_emergency(proposal_of(session, proposal), person=who, incident=incident)

    _drafted(_propose(here, who, draft), f"asks for the change of {proposal} as an emergency", as_json)


def judge(proposal: str, *, justified: bool, reason: str, person: str | None, as_json: bool) -> None:
    """Reviews an emergency change."""
    here, who = _person(person)
    with writing(here.engine) as (session, now):
        verdict = review(session, now=now, proposal_id=proposal, person=who, justified=justified, reason=reason)
    _tell(verdict, f"{proposal}: {verdict.reason}", as_json)


def switch_on(*, account: str | None, reason: str, person: str | None, as_json: bool) -> None:
    """Turns the kill switch on."""
    here, who = _person(person)
    scope = account or EVERYTHING
    with writing(here.engine) as (session, now):
        verdict = engage(session, now=now, person=who, scope=scope, reason=reason)
    _tell(verdict, verdict.reason, as_json)


def switch_release(*, account: str | None, person: str | None, as_json: bool) -> None:
    """Proposes to turn the kill switch off."""
    here, who = _person(person)
    scope = account or EVERYTHING

    def draft(session: Session) -> DraftRequest:
        turn = newest_turn(session, scope)
        if turn is None or not turn.engaged or turn.id is None:
            raise Problem("The kill switch is not on.", do="Nothing to do.", exit_code=Exit.CONFLICT)
        return _of_the_gate(ReleaseKillSwitch(scope=scope, turn=turn.id), who)

    _drafted(_propose(here, who, draft), "proposes to turn the kill switch off", as_json)


def switch_status(*, as_json: bool) -> None:
    """How the switch stands, for everything and for each account that has one."""
    here = place()
    with reading(here.engine) as (session, _):
        scopes = sorted({EVERYTHING, *_scopes(session)})
        turns = {scope: newest_turn(session, scope) for scope in scopes}
    if as_json:
        on = {scope: bool(turn and turn.engaged) for scope, turn in turns.items()}
        print_json({"kill_switch": [{"scope": scope, "engaged": engaged} for scope, engaged in on.items()]})
        return
    engaged = [words_of(turn) for turn in turns.values() if turn is not None and turn.engaged]
    sys.stdout.write("\n".join(engaged or ["the kill switch is off"]) + "\n")


def _scopes(session: Session) -> list[str]:
    return list(session.exec(select(KillSwitch.scope).distinct()))


def lend(
    *, receiver: str, roles: list[str], starts_at: datetime | None, ends_at: datetime, person: str | None, as_json: bool
) -> None:
    """Lends roles to somebody."""
    here, who = _person(person)
    with writing(here.engine) as (session, now):
        lending = delegate(
            session, now=now, giver=who, receiver=receiver, roles=roles, starts_at=starts_at or now, ends_at=ends_at
        )
    until = f"{ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if lending.delegation else ""
    told = f"{lending.delegation}: {', '.join(dict.fromkeys(roles))} lent to {receiver} until {until}"
    _tell(lending.verdict, told if lending.delegation else lending.verdict.reason, as_json, id=lending.delegation)


def end_lending(delegation: str, *, person: str | None, as_json: bool) -> None:
    """Ends a delegation."""
    here, who = _person(person)
    with writing(here.engine) as (session, now):
        verdict = end_delegation(session, now=now, delegation_id=delegation, person=who)
    _tell(verdict, f"{delegation}: {verdict.reason}", as_json)


def lendings(*, as_json: bool) -> None:
    """Every delegation, newest first, with whether it is in force."""
    here = place()
    with reading(here.engine) as (session, now):
        found = session.exec(select(Delegation).order_by(col(Delegation.granted_at).desc())).all()
        rows = [
            {
                "id": row.id,
                "giver": row.giver,
                "receiver": row.receiver,
                "roles": json.loads(row.roles),
                "starts_at": row.starts_at,
                "ends_at": row.ended_at or row.ends_at,
                "in_force": row.ended_at is None and row.starts_at <= now < row.ends_at,
            }
            for row in found
        ]
    if as_json:
        print_json({"delegations": rows})
        return
    columns = ("Delegation", "Giver", "Receiver", "Roles", "From", "Until", "In force")
    print_table(columns, [[*map(_cell, row.values())] for row in rows])
    if not rows:
        hint("Nobody has lent anything.")


def propose_policy(kind: str, file: Path | None, *, person: str | None, as_json: bool) -> None:
    """Proposes other rules or people: checked now, voted on like any other change."""
    if kind not in (RULES, PEOPLE):
        raise Problem(f"{kind!r} cannot be proposed.", do=f"Say {RULES} or {PEOPLE}.", exit_code=Exit.USAGE)
    here, who = _person(person)
    path = file or (here.home.rules if kind == RULES else here.home.people)
    if not path.exists():
        raise Problem(f"There is no file {path}.", do="Name the file to propose.", exit_code=Exit.NOT_FOUND)
    text = read_file(path)
    with writing(here.engine) as (session, now):
        change = offer(session, now=now, kind=kind, text=text)
    drafted = _propose(here, who, lambda _session: _of_the_gate(change, who))
    _drafted(drafted, f"proposes the {kind} of {path.name}", as_json)


def _of_the_gate(change: AdoptPolicy | ReleaseKillSwitch, who: str) -> DraftRequest:
    return DraftRequest(id=new_id(), thread="", requester=who, change=change.model_dump())


def _propose(here: Place, who: str, make: Callable[[Session], DraftRequest]) -> Drafted:
    with writing(here.engine) as (session, now):
        request = make(session)
        return propose(session, now=now, draft=request, actor=Actor(ActorKind.PERSON, who))


def _person(acting_as: str | None) -> tuple[Place, str]:
    here = place()
    who: Here = person_at(here, acting_as)
    if who.person is None:
        raise Problem(
            "You are not a mapped person.",
            why="Only people whom people.toml names may do this, and it names nobody yet.",
            do="Write people.toml and run `spendgate db adopt people`.",
            exit_code=Exit.DENIED,
        )
    return here, who.id


def _read_change(file: Path) -> dict[str, Any]:
    text = read_file(file)
    try:
        read: Any = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except RecursionError:
        raise Problem(
            f"{file} cannot be read.",
            why="It is nested too deeply.",
            do="Write one change as JSON or TOML.",
            exit_code=Exit.USAGE,
        ) from None
    except ValueError as error:
        raise Problem(
            f"{file} cannot be read.", why=f"{error}.", do="Write one change as JSON or TOML.", exit_code=Exit.USAGE
        ) from error
    change = read.get("change", read) if isinstance(read, dict) else read
    if not isinstance(change, dict):
        raise Problem(f"{file} holds no change.", do="Write a table with kind and its fields.", exit_code=Exit.USAGE)
    return change


def _drafted(drafted: Drafted, what: str, as_json: bool) -> None:
    verdict = drafted.verdict
    told = f"{drafted.proposal_id} {what}. {SEALS_NEXT}" if verdict.allowed else verdict.reason
    _tell(verdict, told, as_json, proposal=drafted.proposal_id if verdict.allowed else None)


def _tell(verdict: Verdict, told: str, as_json: bool, **more: Any) -> None:
    if as_json:
        print_json({"done": verdict.allowed, "reason": verdict.reason, "code": verdict.code, **more})
    else:
        (sys.stdout if verdict.allowed else sys.stderr).write(told[:1].upper() + told[1:].rstrip(".") + ".\n")
    if not verdict.allowed:
        sys.exit(CODES.get(verdict.code, Exit.DENIED))


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)
