"""Settles each charge's labels while a bill is loaded, and keeps with it how each was found.

A column of the file wins, then a tag, then the first allocation rule that fits. Rules are asked once for each distinct
set of facts that they look at, not once a charge: a bill has many charges of one account and key.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from lake import duck
from lake.allocation_rules import ALLOCATED_LABELS, FACTS, TAG, AllocationRules, Method
from lake.columns import LABELS
from lake.labels import plain_key, read_tags

_TAGS = 'c."Tags"'


def settle(connection: duckdb.DuckDBPyConnection, rules: AllocationRules) -> None:
    """Adds the view `labelled` over `clean` and `tag_map`: labels settled, `x_allocation_method` and
    `x_allocation_rule_id` of the team, and `x_allocated_by`, which tells the same of every label."""
    facts = _facts(rules)
    _map(connection, rules, facts)
    joined = " AND ".join(f"{sql} IS NOT DISTINCT FROM m.f{number}" for number, sql in enumerate(facts.values()))
    replaced = ", ".join(duck.name(name) for name in LABELS)
    settled = ", ".join(f"coalesce({', '.join(_sides(name))}) AS {name}" for name in LABELS)
    told = ", ".join(
        f"'{label}: ' || CASE {_case(label, '{method} || {space} || {rule}')} END" for label in ALLOCATED_LABELS
    )
    connection.execute(
        f"CREATE VIEW labelled AS SELECT c.* EXCLUDE ({replaced}), {settled}, t.x_tags, "  # noqa: S608
        f"CASE {_case('team', '{method}')} ELSE '{Method.NONE}' END AS x_allocation_method, "
        f"CASE {_case('team', '{rule}')} END AS x_allocation_rule_id, "
        f"nullif(concat_ws('; ', {told}), '') AS x_allocated_by "
        f'FROM clean c LEFT JOIN tag_map t ON c."Tags" = t.text LEFT JOIN rule_map m ON {joined or "false"}'
    )


def _sides(name: str) -> list[str]:
    ruled = name.removeprefix("x_") in ALLOCATED_LABELS
    return [f"trim(c.{name})", f"t.{name}", *([f"m.{name}"] if ruled else [])]


def _case(label: str, shown: str) -> str:
    """SQL: the branches that tell how a label was found, in the order in which it is looked for."""
    name = f"x_{label}"
    found = (
        (f"trim(c.{name}) IS NOT NULL", f"'{Method.COLUMN}'", f"'{name}'"),
        (f"t.{name} IS NOT NULL", f"'{Method.TAG}'", f"t.{name}_key"),
        (f"m.{name} IS NOT NULL", f"m.{name}_method", f"m.{name}_rule"),
    )
    return " ".join(
        f"WHEN {condition} THEN {shown.format(method=method, rule=rule, space=chr(39) + ' ' + chr(39))}"
        for condition, method, rule in found
    )


def _facts(rules: AllocationRules) -> dict[str, str]:
    """What the rules look at, as SQL; all tags are one fact, their text."""
    facts = {name: FACTS[name] for name in rules.looked_at if not name.startswith(TAG)}
    if any(name.startswith(TAG) for name in rules.looked_at):
        facts[TAG] = _TAGS
    return facts


def _map(connection: duckdb.DuckDBPyConnection, rules: AllocationRules, facts: dict[str, str]) -> None:
    """Adds `rule_map`: for each distinct set of facts what the rules say, and which rule said it."""

    def make(rows: Sequence[tuple[str | None, ...]]) -> pa.Table:
        found = [rules.resolve(_read(dict(zip(facts, row, strict=True)))) for row in rows]
        columns: dict[str, list[str | None]] = {f"f{at}": [row[at] for row in rows] for at in range(len(facts))}
        for label in ALLOCATED_LABELS:
            said = [one.get(label) for one in found]
            columns[f"x_{label}"] = [one[0] if one else None for one in said]
            columns[f"x_{label}_method"] = [str(one[1].method) if one else None for one in said]
            columns[f"x_{label}_rule"] = [one[1].id if one else None for one in said]
        return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})

    if facts:
        duck.map_rows(connection, "rule_map", f"SELECT DISTINCT {', '.join(facts.values())} FROM clean c", make)  # noqa: S608
    else:
        duck.create(connection, "rule_map", make([]))


def _read(facts: dict[str, str | None]) -> dict[str, str | None]:
    """The facts with each tag by itself, its key in the letters that a condition may write it in."""
    text = facts.pop(TAG, None)
    return (
        facts
        if text is None
        else facts | {f"{TAG}{plain_key(key)}": value for key, value in read_tags(text).tags.items()}
    )
