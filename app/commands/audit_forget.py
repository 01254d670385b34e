"""`spendgate audit forget` and `spendgate audit hold`: a person's data erased for good, or kept from being erased."""

import asyncio
import secrets
import sys
from typing import Any

from sqlalchemy import Engine

from agent.memory import SCHEMA as CONVERSATION
from agent.memory import forget as forget_thread
from agent.memory import open_memory
from app.commands.console import hint, print_json, print_table
from app.commands.db_server import owner_address
from app.commands.here import Place, person_at, place
from app.database import is_server, open_database, reading, writing
from app.errors import Exit, Problem
from app.forgetting import TOUCHED, Forgotten, forget_person, known_person, may_hold
from app.home import Home, open_home
from app.migrate import require_current
from app.scrub import scrub, scrub_file, where_found
from app.settings import OWNER_URL, load_database_url, load_settings
from app.turns import drop_lease
from app.whoami import Here
from approvals.active import entitled
from approvals.policy import Verdict
from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.hold import EVERYBODY, LegalHold, holds, lift_hold, place_hold
from audit.log import append
from audit.private import open_text

MEMORY = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
LEFT = (
    "What was posted in Slack stays in Slack: remove it there.",
    "Backups made before now still hold it: let them expire, or restore none without running this again.",
)
CODES = {"hold": Exit.CONFLICT, "retention": Exit.CONFLICT}


def forget(person: str, *, reason: str | None, yes: bool, acting_as: str | None, as_json: bool) -> None:
    """Erases a person; whatever stands against it is said and logged."""
    here = _owner_place()
    who = _mapped(here, acting_as)
    if not yes:
        _confirm(person)
    lease = f"forget-{secrets.token_hex(4)}"
    with writing(here.engine) as (session, now):
        done = forget_person(session, now=now, person=person, by=who.id, reason=reason, lease=lease)
    if not done.verdict.allowed:
        _refused(done.verdict, as_json)
    clean = finish(here, done, lease)
    left = [*LEFT, *_in_file(here.home, person)]
    if not clean:
        left.append("A process still reads old pages of the database: stop the processes and run this again.")
    found = where_found(here.engine, done.values)
    left += [f"The name or an account still stands in {where}: it was written there as free text." for where in found]
    if as_json:
        told = {"person": person, "already": done.already, "texts": done.texts, "answers": done.answers}
        print_json({"done": True, **told, "conversations": len(done.threads), "clean": clean, "left": left})
        return
    if done.already:
        sys.stdout.write(f"{person} was forgotten before; what was left of it is removed now.\n")
    else:
        sys.stdout.write(
            f"{person} is forgotten: {done.texts} texts, {done.answers} answers, {len(done.threads)} conversations. "
            "The id stays in the log and leads nowhere.\n"
        )
    for line in left:
        hint(line)


def finish(here: Place, done: Forgotten, lease: str) -> bool:
    """Removes what the conversations remember, then the old pages; False if a reader keeps some of those in place."""
    asyncio.run(_forget_memory(here.home, done.threads))
    with writing(here.engine) as (session, _):
        for thread in done.threads:
            drop_lease(session, thread=thread, owner=lease)
    clean = scrub(here.engine, TOUCHED)
    if is_server(here.engine):
        return scrub(here.engine, MEMORY, schema=CONVERSATION) and clean
    return (not here.home.checkpoints.exists() or scrub_file(here.home.checkpoints)) and clean


async def _forget_memory(home: Home, threads: tuple[str, ...]) -> None:
    if not threads or (home.server is None and not home.checkpoints.exists()):
        return
    async with open_memory(home.memory) as saver:
        for thread in threads:
            await forget_thread(saver, thread)


def _in_file(home: Home, person: str) -> list[str]:
    """The operator's own file is the operator's: it is named, and never rewritten."""
    if home.people.exists() and person in home.people.read_text(encoding="utf-8", errors="replace"):
        return [f"{home.people} still names {person}: take the table out; a file that names it is never adopted again."]
    return []


def _confirm(person: str) -> None:
    if not sys.stdin.isatty():
        raise Problem(
            "Nobody was asked whether this is meant.",
            why="Erasing cannot be undone, and there is no terminal to ask at.",
            do="Run it at a terminal, or with --yes.",
            exit_code=Exit.USAGE,
        )
    sys.stderr.write(f"This cannot be undone. Type {person} to have this person forgotten: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != person:
        raise Problem("Nothing was erased.", why="What was typed is not the id.", exit_code=Exit.USAGE)


def _owner_place() -> Place:
    """The home; on a server with its owner's address: no process that runs all day has the power to erase."""
    settings = load_settings()
    if settings.database_url is None and load_database_url(name=OWNER_URL) is None:
        return place()
    address = owner_address()
    engine: Engine = open_database(address)
    require_current(engine)
    return Place(open_home(settings.home, address), engine)


def _mapped(here: Place, acting_as: str | None) -> Here:
    who = person_at(here, acting_as)
    if who.person is None:
        raise Problem(
            "You are not a mapped person.",
            why="Whoever erases, or holds back, stands in the log, and people.toml names nobody yet.",
            do="Write people.toml and run `spendgate db adopt people`.",
            exit_code=Exit.DENIED,
        )
    return who


def _refused(verdict: Verdict, as_json: bool) -> None:
    if as_json:
        print_json({"done": False, "code": verdict.code, "reason": verdict.reason})
    else:
        sys.stderr.write(f"Nothing was done: {verdict.reason}. The refusal is in the log.\n")
    sys.exit(CODES.get(verdict.code, Exit.DENIED))


def hold_place(person: str, *, reason: str, acting_as: str | None, as_json: bool) -> None:
    """Places a legal hold on one person, or with "all" on everybody."""
    here = place()
    who = _mapped(here, acting_as)
    about = EVERYBODY if person == "all" else person
    with writing(here.engine) as (session, now):
        if about != EVERYBODY and not known_person(session, about):
            raise Problem(
                f"There is no person {person[:60]!r}.",
                why="A hold names an opaque id, or all.",
                do="Take the id from people.toml or from an entry of the log.",
                exit_code=Exit.NOT_FOUND,
            )
        verdict = _judged(session, now, who.id, {"person": about})
        by = Actor(ActorKind.PERSON, who.id)
        made = place_hold(session, now=now, person=about, reason=reason, by=by) if verdict.allowed else None
    if made is None:
        _refused(verdict, as_json)
        return
    told = "everybody" if about == EVERYBODY else about
    _say(f"{made.id}: nothing of {told} is erased until it is lifted.", {"done": True, "hold": made.id}, as_json)


def hold_lift(hold: str, *, acting_as: str | None, as_json: bool) -> None:
    """Lifts a legal hold."""
    here = place()
    who = _mapped(here, acting_as)
    try:
        with writing(here.engine) as (session, now):
            verdict = _judged(session, now, who.id, {"hold": hold[:40]})
            if verdict.allowed:
                lift_hold(session, now=now, hold=hold, by=Actor(ActorKind.PERSON, who.id))
    except AuditError as error:
        raise Problem(error.what, why=error.why, do=error.do, exit_code=Exit.NOT_FOUND) from error
    if not verdict.allowed:
        _refused(verdict, as_json)
    _say(f"{hold} is lifted.", {"done": True, "hold": hold}, as_json)


def hold_list(*, acting_as: str | None, as_json: bool) -> None:
    """Every hold, with its reason for whoever may place one."""
    here = place()
    who = _mapped(here, acting_as)
    with reading(here.engine) as (session, now):
        current = entitled(session, now)
        may = may_hold(current.rules, current.people.roles(who.id)).allowed
        rows = [_row(one, (open_text(session, one.reason_ref) or "(erased)") if may else "") for one in holds(session)]
    if as_json:
        print_json({"holds": rows})
        return
    columns = ("Hold", "About", "Placed", "By", "Lifted", "Reason")
    print_table(columns, [[str(value or "") for value in row.values()] for row in rows])
    if not rows:
        hint("No hold was ever placed.")


def _row(hold: LegalHold, reason: str) -> dict[str, Any]:
    return {
        "id": hold.id,
        "person": "all" if hold.person == EVERYBODY else hold.person,
        "placed_at": hold.placed_at,
        "placed_by": hold.placed_by,
        "lifted_at": hold.lifted_at,
        "reason": reason,
    }


def _judged(session: Any, now: Any, person: str, data: dict[str, Any]) -> Verdict:
    current = entitled(session, now)
    verdict = may_hold(current.rules, current.people.roles(person))
    if not verdict.allowed:
        told = data | {"code": verdict.code, "reason": verdict.reason}
        append(session, now=now, event=Event.HOLD_REFUSED, actor=Actor(ActorKind.PERSON, person), data=told)
    return verdict


def _say(told: str, document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        sys.stdout.write(told + "\n")
