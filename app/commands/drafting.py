"""`spendgate savings drafting`: by which rules a scan drafts, in whose name, and turning one on or off."""

import sys
from typing import Any

from sqlmodel import Session

from app import drafting_rules
from app.commands.console import hint, print_json, print_table
from app.commands.here import person_at, place
from app.database import reading, writing
from app.drafting_rules import RULES, newest
from app.errors import Exit, Problem
from approvals.active import Active, entitled
from approvals.policy import may_propose

ASKED = {
    "unknown_person": "Have yourself added to people.toml: docs/running.md, People and rules.",
    "no_role": "Ask somebody with such a role.",
    "unknown_rule": "`spendgate savings drafting` lists the rules.",
}
AS_IT_IS = "`spendgate savings drafting` shows what is on."
CODES = {"unknown_person": Exit.DENIED, "no_role": Exit.DENIED, "unknown_rule": Exit.NOT_FOUND}
HEADINGS = ("Rule", "Change", "Drafting", "In the name of", "Since (UTC)")


def show(*, as_json: bool) -> None:
    """Every rule that leads to a change: whether scans draft by it, and in whose name."""
    here = place()
    with reading(here.engine) as (session, now):
        current = entitled(session, now)
        lines = _lines(session, current)
    if as_json:
        print_json({"drafting": lines})
        return
    names = {person.id: person.name for person in current.people.by_id.values()}
    print_table(HEADINGS, [_cells(line, names) for line in lines])
    for line in lines:
        if line["but"]:
            hint(f"{line['rule']} is on and drafts nothing: {line['but']}.")


def _lines(session: Session, current: Active) -> list[dict[str, Any]]:
    turned, lines = newest(session), []
    for name, form in sorted(RULES.items()):
        line = {"rule": name, "change": form.kind, "drafts": False, "person": None, "since": None, "but": ""}
        row = turned.get(name)
        if row is not None and row.enabled:
            verdict = may_propose(person=row.person, people=current.people, rules=current.rules)
            lacks = "" if verdict.allowed else f"{row.person} may not propose any more"
            line |= {"drafts": True, "person": row.person, "since": row.at.isoformat(), "but": lacks}
        lines.append(line)
    return lines


def _cells(line: dict[str, Any], names: dict[str, str]) -> tuple[str, ...]:
    who, since = line["person"], line["since"]
    when = since[:16].replace("T", " ") if since else ""
    return line["rule"], line["change"], "on" if line["drafts"] else "off", names.get(who, who) if who else "", when


def turn(rule: str, *, on: bool, person: str | None, as_json: bool) -> None:
    """Turns a rule; a refusal ends with its reason."""
    here = place()
    who = person_at(here, person)
    with writing(here.engine) as (session, now):
        verdict = drafting_rules.turn(session, now=now, rule=rule, person=who.id, on=on)
    if not verdict.allowed:
        raise Problem(
            f"The rule {rule[:40]} was not turned {'on' if on else 'off'}.",
            why=f"{verdict.reason}.",
            do=ASKED.get(verdict.code, AS_IT_IS),
            exit_code=CODES.get(verdict.code, Exit.CONFLICT),
        )
    if as_json:
        print_json({"rule": rule, "drafts": on, "person": who.id if on else None})
        return
    sys.stdout.write(f"{verdict.reason}; people decide about each.\n" if on else f"{verdict.reason}.\n")
