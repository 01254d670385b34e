"""`spendgate policy explain`: why a change needs these votes, who could give them, and what would hold it now."""

import json
import re
import sys
import tomllib
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from sqlmodel import Session

from app.commands.console import print_json
from app.commands.here import person_at, place
from app.commands.policy import with_ids
from app.commands.proposals import may_see
from app.database import reading
from app.errors import Exit, Problem
from app.ready import read_file
from app.whoami import Here
from approvals.active import Active, entitled
from approvals.card import project
from approvals.changes.change import parse_change
from approvals.errors import NotFound
from approvals.evidence import read_evidence
from approvals.explain import Explained, Question, explain
from approvals.person import People
from approvals.precedents import earlier_proposals, recent_claims
from approvals.propose import ID
from approvals.sealed import decode
from approvals.split import Summed, summed
from approvals.store import proposal_of
from tools.shown import one_line

PLAIN = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")
EXTRAS = ("amount", "currency", "environment", "team", "account")


class Asked(NamedTuple):
    """What is asked about, however it was named."""

    title: str
    question: Question
    pinned: str | None = None


def explain_change(
    what: str, *, requester: str | None, given: dict[str, str | None], person: str | None, as_json: bool
) -> None:
    """Prints the whole answer; what was `given` on the command line replaces what is stored or in the file."""
    here = place()
    stored = ID.fullmatch(what.strip().upper()) is not None and not Path(what).exists()
    reader = person_at(here, person) if stored or requester is None else None
    with reading(here.engine) as (session, now):
        current = entitled(session, now)
        asker = _known(requester, current.people) if requester else None
        if stored:
            asked = _stored(session, what.strip().upper(), reader, current, asker, given, now)
        else:
            own = reader.person.id if reader and reader.person else None
            asked = _from_file(Path(what), current, asker or own, given)
        answer = explain(current.rules, current.people, asked.question, now=now, claims=recent_claims(session, now=now))
    if as_json:
        print_json(document(asked, answer, current.people))
        return
    sys.stdout.write("\n".join(one_line(with_ids(line, current.people)) for line in _lines(asked, answer)) + "\n")


def document(asked: Asked, answer: Explained, people: People) -> dict[str, Any]:
    """The answer as JSON: ids everywhere, the names once."""
    return {
        "title": asked.title,
        "kind": asked.question.kind,
        "requester": asked.question.requester,
        "class": answer.class_name,
        "environment": answer.environment,
        "column": answer.column,
        "reason": answer.reason,
        "sealed_reason": asked.pinned,
        "slots": [
            {
                "role": slot.words(),
                "people": [one.person for one in answer.candidates if number in one.slots],
            }
            for number, slot in enumerate(answer.slots)
        ],
        "cannot": [
            {"person": one.person, "code": one.code, "reason": one.why_not}
            for one in answer.candidates
            if not one.slots
        ],
        "may_propose": answer.may_ask,
        "could_be_approved": answer.filling.possible,
        "sentence": _verdict(answer),
        "freeze": {
            "name": answer.freeze.name,
            "until": answer.freeze.until,
            "reason": answer.freeze.reason,
            "outlasts": answer.freeze_outlasts,
        }
        if answer.freeze
        else None,
        "next_freeze": {"name": answer.next_freeze[0].name, **answer.next_freeze[1]._asdict()}
        if answer.next_freeze
        else None,
        "caps": answer.caps,
        "capped": answer.cap,
        "vote_within_hours": _hours(answer.vote_within),
        "execute_within_hours": _hours(answer.execute_within),
        "names": {person.id: person.name for person in people.by_id.values()},
    }


def _lines(asked: Asked, answer: Explained) -> list[str]:
    lines = [asked.title, answer.reason, ""]
    lines += [f"  class        {answer.class_name}", f"  column       {answer.column}"]
    if asked.pinned is not None and asked.pinned != answer.reason:
        lines.append(f"  sealed as    {asked.pinned}")
    if asked.question.requester:
        may = answer.may_ask
        told = "may propose it" if may is None or may.allowed else f"may not propose it: {may.reason}"
        lines.append(f"  requester    {asked.question.requester}: {told}")
    for number, slot in enumerate(answer.slots):
        able = [one.person for one in answer.candidates if number in one.slots]
        lines.append(f"  vote {number + 1}       {slot.words()}: {', '.join(able) or 'nobody'}")
    lines += [f"  cannot       {one.person}: {one.why_not}" for one in answer.candidates if not one.slots]
    lines.append(f"  freeze       {_freeze(answer)}")
    lines.append(f"  caps         {'; '.join(answer.caps) or 'none'}")
    if answer.cap is not None:
        lines.append(f"  held         {answer.cap.reason}")
    vote, execute = _hours(answer.vote_within), _hours(answer.execute_within)
    lines.append(f"  time         {vote} hours to vote, then {execute} hours to carry out")
    return [*lines, "", _verdict(answer)]


def _freeze(answer: Explained) -> str:
    if answer.freeze is not None:
        longer = "; that is longer than there is time to vote and to carry it out, so it would expire"
        return answer.freeze.reason + (longer if answer.freeze_outlasts else "")
    if answer.next_freeze is None:
        return "none now"
    freeze, window = answer.next_freeze
    return (
        f'none now; "{freeze.name}" begins {window.start:%Y-%m-%d %H:%M} UTC, before the time to carry it out is over'
    )


def _verdict(answer: Explained) -> str:
    if not answer.filling.possible:
        return answer.filling.sentence[0].upper() + answer.filling.sentence[1:] + "."
    if answer.may_ask is not None and not answer.may_ask.allowed:
        return "Its votes could be given, and this person may not propose it."
    return "Different people could give every vote that it needs."


def _stored(
    session: Session,
    name: str,
    reader: Here | None,
    current: Active,
    asker: str | None,
    given: dict[str, str | None],
    now: datetime,
) -> Asked:
    try:
        row = proposal_of(session, name)
        card = project(session, row.id, current.people)
        if reader is None or not may_see(reader, card):
            raise NotFound(name, why="it is another team's", do="")  # in the same words as for none at all
    except NotFound as error:
        raise Problem(
            f"There is no proposal {name!r}.",
            why="No row has this id; a draft becomes a proposal once `spendgate worker` has sealed it.",
            do="List them with `spendgate proposals list`, or name a file that exists.",
            exit_code=Exit.NOT_FOUND,
        ) from error
    sealed = decode(row.sealed, row.digest) if row.sealed is not None else None
    evidence = read_evidence(sealed.evidence if sealed else json.loads(row.evidence))
    told = {
        "amount": evidence.amount,
        "currency": evidence.currency,
        "environment": sealed.policy.environment if sealed else evidence.environment,
        "team": evidence.team,
        "account": row.account or json.loads(row.change).get("account"),
    }
    merged = _merged(told, given)
    class_name = current.rules.class_of(row.kind)
    days = current.rules.split_days
    earlier = earlier_proposals(session, now=now, scope=row.scope, class_name=class_name, days=days, but=row.id)
    scope = f"team {merged['team']}" if merged["team"] else row.scope or ""
    together = summed(merged["amount"], merged["currency"], earlier, resource=row.resource, scope=scope, days=days)
    editors = tuple(sealed.editors) if sealed else ()
    question = _question(row.kind, current, asker or row.requester, merged, editors=editors, together=together)
    return Asked(f"{row.id}  {card.title}", question, sealed.policy.reason if sealed else None)


def _from_file(path: Path, current: Active, requester: str | None, given: dict[str, str | None]) -> Asked:
    if not path.exists():
        raise Problem(
            f"There is no file {path}, and it is no proposal's id either.",
            why="A proposal's id is P- and ten capital letters or digits.",
            do="Name a file with a change, or list the proposals with `spendgate proposals list`.",
            exit_code=Exit.NOT_FOUND,
        )
    stored = _read(path)
    change = stored.pop("change", None)
    extras = {key: stored.pop(key) for key in EXTRAS if key in stored and (change is not None or key != "account")}
    if change is None:
        change, stored = stored, {}
    if stored or not isinstance(change, dict) or not isinstance(change.get("kind"), str):
        odd = f"unknown: {', '.join(sorted(stored))}" if stored else "there is no kind"
        raise Problem(
            f"{path} holds no change.",
            why=f"{odd}.",
            do='Write kind = "…" and its fields below [change], and above it amount, currency, environment, team.',
            exit_code=Exit.USAGE,
        )
    kind = change["kind"]
    title = parse_change(change).title() if set(change) != {"kind"} else kind
    extras.setdefault("account", change.get("account"))
    return Asked(title, _question(kind, current, requester, _merged(extras, given)))


def _read(path: Path) -> dict[str, Any]:
    text = read_file(path)
    try:
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        form = "JSON" if path.suffix == ".json" else "TOML"
        raise Problem(
            f"{path} cannot be read as {form}.",
            why=f"{error}.",
            do="Correct it, or give a JSON file the ending .json.",
            exit_code=Exit.USAGE,
        ) from error
    return found if isinstance(found, dict) else {}


def _merged(told: dict[str, Any], given: dict[str, str | None]) -> dict[str, Any]:
    """What is asked about: what the command line gives, else what is stored; each value checked."""
    found = {key: given.get(key) if given.get(key) is not None else told.get(key) for key in EXTRAS}
    for key in EXTRAS[1:]:
        value = found[key]
        if value is not None and not (isinstance(value, str) and value.strip()):
            raise Problem(f"{key} is no text: {value!r}.", do=f'Write {key} = "…".', exit_code=Exit.USAGE)
    amount = found["amount"]
    if amount is not None and not isinstance(amount, Decimal):
        if isinstance(amount, bool | float) or not PLAIN.fullmatch(str(amount)):
            raise Problem(
                f"The amount cannot be read: {str(amount)[:40]!r}.",
                why="It is digits, with a point where there are cents: a floating number would have been rounded.",
                do='Write 24000, or "24000.50" in quotes in a file.',
                exit_code=Exit.USAGE,
            )
        found["amount"] = Decimal(str(amount))
    return found


def _question(
    kind: str,
    current: Active,
    requester: str | None,
    merged: dict[str, Any],
    *,
    editors: tuple[str, ...] = (),
    together: Summed | None = None,
) -> Question:
    named = merged["environment"]
    environment = named if named in ("production", "non_production") else current.rules.environment(named)
    return Question(
        kind=kind,
        environment=environment,
        amount=merged["amount"],
        currency=merged["currency"],
        requester=requester,
        editors=editors,
        account=merged["account"],
        team=merged["team"],
        together=together,
    )


def _known(wanted: str, people: People) -> str:
    if wanted not in people.by_id:
        raise Problem(
            f"There is nobody with the id {wanted[:60]!r}.",
            why="--requester takes an id of the people file in force.",
            do=f"Use one of: {', '.join(people.by_id) or '(the people file names nobody)'}.",
            exit_code=Exit.NOT_FOUND,
        )
    return wanted


def _hours(span: Any) -> int:
    return int(span.total_seconds() // 3600)
