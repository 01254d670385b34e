"""`spendgate token`: makes, lists and ends the tokens with which one's own assistant asks over HTTP."""

import sys
from datetime import datetime

from app.access import AccessToken, make_token, revoke_token, tokens_of
from app.commands.console import hint, print_json
from app.commands.here import Place, person_at, place
from app.database import reading, writing
from app.errors import Exit, Problem
from app.whoami import NOBODY


def make(*, days: int, may_propose: bool, person: str | None, as_json: bool) -> None:
    """Makes a token for the person at this terminal and shows it, once."""
    here, who = _person(person)
    with writing(here.engine) as (session, now):
        name, text = make_token(session, now=now, person=who, days=days, may_propose=may_propose)
    if as_json:
        print_json({"id": name, "token": text, "may_propose": may_propose, "days": days})
        return
    sys.stdout.write(text + "\n")
    may = "read and propose" if may_propose else "read"
    hint(f"This is {name}; it may {may} as you, for {days} days. It is not shown again: keep it like a password.")


def show(*, person: str | None, as_json: bool) -> None:
    """Lists one's own tokens, without their texts."""
    here, who = _person(person)
    with reading(here.engine) as (session, now):
        rows = [_row(one, now) for one in tokens_of(session, who)]
    if as_json:
        print_json({"tokens": rows})
        return
    for row in rows:
        sys.stdout.write(f"{row['id']}  {row['may']:<16}  until {row['expires_at']}  {row['state']}\n")
    if not rows:
        hint("You have no token. `spendgate token make` makes one.")


def revoke(name: str, *, person: str | None, as_json: bool) -> None:
    """Ends a token of one's own."""
    here, who = _person(person)
    with writing(here.engine) as (session, now):
        ended = revoke_token(session, now=now, person=who, name=name).id
    if as_json:
        print_json({"id": ended, "state": "revoked"})
    else:
        sys.stdout.write(f"{ended} is ended: the next request with it is refused.\n")


def _person(acting_as: str | None) -> tuple[Place, str]:
    here = place("command")
    who = person_at(here, acting_as)
    if who.id == NOBODY:
        raise Problem(
            "There is nobody to make a token for.",
            why="A token acts as a person of people.toml, and nobody is configured.",
            do="Name yourself there and run `spendgate db init`; over stdio `spendgate mcp` needs no token.",
            exit_code=Exit.DENIED,
        )
    return here, who.id


def _row(one: AccessToken, now: datetime) -> dict[str, str]:
    state = "revoked" if one.revoked_at is not None else "expired" if one.expires_at <= now else "valid"
    may = "read and propose" if one.may_propose else "read"
    return {"id": one.id, "may": may, "expires_at": f"{one.expires_at:%Y-%m-%d %H:%M} UTC", "state": state}
