"""`spendgate policy check` and `show`: what a rules or people file means before it counts, and what counts now."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from sqlmodel import Session

from app.commands.console import hint, print_json, print_table
from app.commands.here import place
from app.database import reading, system_clock
from app.errors import Exit, Problem
from app.home import Home
from app.named import PERSON
from app.ready import DEFAULTS, read_file, refuse_second_database
from app.settings import load_settings
from approvals.active import PEOPLE, RULES, newest
from approvals.adopt import differs
from approvals.apart import clear_text, people_of
from approvals.check import Finding, check, one_vote_for_good
from approvals.errors import PolicyError
from approvals.person import People, load_people
from approvals.place import Place
from approvals.rules_file import TOP, load_rules
from approvals.store import PolicyVersion
from tools.shown import one_line, shown

LINE = re.compile(r"\bline (\d+)")


class Source(NamedTuple):
    """A file, or the text that is in force, with what it is called."""

    label: str
    text: str


def check_file(file: Path, *, people: Path | None, strict: bool, as_json: bool) -> None:
    """Prints each finding with its line. Exits with 2 where the file is invalid, and with `strict` for a warning."""
    source = Source(str(file), read_file(file))
    kind = recognised(source)
    if kind == PEOPLE and people is not None:
        raise Problem(
            f"{file} is a people file itself.", do="Leave --people away, or name a rules file.", exit_code=Exit.USAGE
        )
    try:
        rules_from, people_from = _sides(source, kind, people)
        rules = load_rules(rules_from.text, file=rules_from.label, adopted=kind == PEOPLE)
        known = load_people(people_from.text, file=people_from.label) if people_from else None
    except PolicyError as error:
        _say_invalid(source, kind, error, as_json)
        sys.exit(Exit.USAGE)
    findings = check(rules, known, now=system_clock())
    places = {"rules": Place(*rules_from, what=""), "people": Place(*(people_from or Source("", "")), what="")}
    rows = sorted(
        (_row(finding, places, known) for finding in findings), key=lambda row: (row["file"], row["line"] or 0)
    )
    if as_json:
        against = rules_from.label if kind == PEOPLE else people_from.label if people_from else None
        print_json({"file": source.label, "recognised": kind, "valid": True, "against": against, "findings": rows})
    else:
        for row in rows:
            sys.stdout.write(one_line(f"{row['place']}: {row['severity']}: {row['sentence']}") + "\n")
        _say_valid(source, kind, rules_from, people_from, findings)
    if strict and any(finding.severity == "warning" for finding in findings):
        sys.exit(Exit.USAGE)


def show(*, as_json: bool) -> None:
    """What is in force, with its digests."""
    here = place()
    with reading(here.engine) as (session, _):
        rows = [row for kind in (RULES, PEOPLE) if (row := newest(session, kind)) is not None]
        other = [row.kind for row in rows if _file_differs(session, here.home, row)]
    found = [one for row in rows if row.kind == RULES for one in one_vote_for_good(load_rules(row.body, adopted=True))]
    if as_json:
        print_json({row.kind: _told(row) for row in rows})
        return
    print_table(
        ("Kind", "Version", "In force since", "Digest"),
        [(row.kind, row.version, f"{row.active_since:%Y-%m-%d %H:%M} UTC", row.digest) for row in rows],
    )
    for one in found:
        hint(f"Warning of the rules in force: {one.sentence} (`spendgate policy propose rules`).")
    for kind in other:
        hint(f"{kind}.toml differs from what is in force and counts for nothing: `spendgate policy propose {kind}`.")


def _file_differs(session: Session, home: Home, row: PolicyVersion) -> bool:
    """Whether the home's file is there and is another policy; one that cannot be read is another."""
    file = home.rules if row.kind == RULES else home.people
    if not file.exists():
        return False
    try:
        return differs(session, row, read_file(file))
    except PolicyError:
        return True


def recognised(source: Source) -> str:
    """Whether a text is a rules or a people file, by its keys; a Problem for one that is neither."""
    try:
        keys = set(tomllib.loads(source.text))
    except (ValueError, RecursionError):
        return PEOPLE if "[[person]]" in source.text else RULES  # its own loader names the line
    found = [kind for kind, known in ((PEOPLE, {"person", "channel"}), (RULES, TOP)) if keys & known]
    if len(found) == 1:
        return found[0]
    raise Problem(
        f"{source.label} is {'both a rules and a people file' if found else 'neither a rules nor a people file'}.",
        why="A rules file has [[class]], [roles] and limits; a people file has [[person]].",
        do="Name one of the two; docs/rules-file.md shows how they are written.",
        exit_code=Exit.USAGE,
    )


def with_ids(text: str, people: People | None) -> str:
    """`text` with each known person's id as "Name (id)"."""

    def name(found: re.Match[str]) -> str:
        known = people.by_id.get(found[0]) if people else None
        return f"{shown(known.name)} ({found[0]})" if known else found[0]

    return PERSON.sub(name, text)


def _sides(source: Source, kind: str, people: Path | None) -> tuple[Source, Source | None]:
    """The rules and the people to judge together: the one that was given, and the other as it is in force.

    Where nothing is in force yet, the other is the home's file: the one that `spendgate db init` would take.
    """
    home = Home(load_settings().home.resolve())
    if kind == RULES:
        if people is not None:
            return source, Source(str(people), read_file(people))
        in_force = _in_force(PEOPLE)
        if in_force is not None:
            return source, in_force
        return source, Source(str(home.people), read_file(home.people)) if home.people.exists() else None
    in_force = _in_force(RULES)
    if in_force is not None:
        return in_force, source
    if home.rules.exists():
        return Source(str(home.rules), read_file(home.rules)), source
    return Source("the shipped rules.toml", read_file(DEFAULTS / "rules.toml")), source


def _in_force(kind: str) -> Source | None:
    """What is in force in the configured home; None without one: checking a file makes no home."""
    settings = load_settings()
    home = Home(settings.home.resolve())
    if settings.database_url is None:
        refuse_second_database(home)
        if not home.database.exists():
            return None
    with reading(place().engine) as (session, _):
        row = newest(session, kind)
        if row is None:
            return None
        text = clear_text(people_of(session, row.body)) if kind == PEOPLE else row.body
        return Source(f"{kind} version {row.version}, in force", text)


def _row(finding: Finding, places: dict[str, Place], people: People | None) -> dict[str, Any]:
    where = places[finding.file]
    line = where.line(table=finding.table, at=finding.at, key=finding.key)
    return {
        "severity": finding.severity,
        "place": where.file + (f":{line}" if line else ""),
        "file": where.file,
        "line": line,
        "sentence": with_ids(finding.sentence, people),
    }


def _say_invalid(source: Source, kind: str, error: PolicyError, as_json: bool) -> None:
    found = LINE.search(error.why)
    line = int(found[1]) if found else None
    if as_json:
        row = {"severity": "error", "file": source.label, "line": line, "sentence": error.why, "do": error.do}
        print_json({"file": source.label, "recognised": kind, "valid": False, "findings": [row]})
    else:
        where = source.label + (f":{line}" if line else "")
        why = error.why.removeprefix(source.label).removeprefix(f", line {line}").lstrip(",: ")  # it stands before
        sys.stdout.write(one_line(f"{where}: error: {why} {error.do}") + "\n")


def _say_valid(
    source: Source, kind: str, rules_from: Source, people_from: Source | None, findings: list[Finding]
) -> None:
    warnings = sum(finding.severity == "warning" for finding in findings)
    against = rules_from if kind == PEOPLE else people_from
    beside = f", judged with {against.label}" if against else ""
    count = {0: "no warnings", 1: "1 warning"}.get(warnings, f"{warnings} warnings")
    sys.stdout.write(one_line(f"{source.label}: a valid {kind} file{beside}; {count}") + "\n")
    if against is None:
        hint("There are no people in force yet, so nothing is said about who could approve: name some with --people.")


def _told(row: PolicyVersion) -> dict[str, Any]:
    return {"version": row.version, "digest": row.digest, "active_since": row.active_since}
