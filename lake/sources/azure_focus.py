"""What Microsoft's FOCUS exports say otherwise than FOCUS means it, read as it is meant.

They write a list cost and a contracted cost of zero where they know none (Marketplace and reservations), leave the
service's name out for what other publishers sell and for commitments, credits and roundings, and write the id of one
commitment in capitals here and in small letters there. Read as they stand, a saving against list prices would be less
than nothing, and a commitment would not meet what it covers. (FinOps toolkit, conformance summary of the dataset.)
"""

from collections.abc import Mapping

import duckdb

from lake.report import Finding
from lake.sources.port import list_cost_unknown
from lake.sources.table_file import TableFile, as_text

PROVIDER = "Microsoft"
_SUBCATEGORY = "x_skumetersubcategory"
# A zero however it is written; an amount of text, since nothing is typed yet.
_ZERO = r"[+-]?(0+\.?0*|\.0+)([eE][+-]?[0-9]+)?"


def is_one(file: TableFile) -> bool:
    """Whether the file has the columns of its meters that Microsoft adds to FOCUS."""
    return _SUBCATEGORY in (name.lower() for name in file.names)


def amended(file: TableFile, values: Mapping[str, str]) -> dict[str, str]:
    """The SQL of the file's columns, changed for the rows that Microsoft provides and for no others."""
    theirs = f"{values.get('ProviderName', 'NULL')} = '{PROVIDER}'"
    made = dict(values)
    costs = " OR ".join(_amounts(values[name]) for name in ("BilledCost", "EffectiveCost") if name in values)
    for name in ("ListCost", "ContractedCost"):
        if name in values and costs:
            unknown = f"{theirs} AND {_is_zero(values[name])} AND ({costs})"
            made[name] = f"CASE WHEN {unknown} THEN NULL ELSE {values[name]} END"
    for name in ("CommitmentDiscountId", "ResourceId"):
        if name in values:
            made[name] = f"CASE WHEN {theirs} THEN lower({values[name]}) ELSE {values[name]} END"
    if "ServiceName" in values:
        seller = values.get("PublisherName", "NULL")
        subcategory = next(at for at, name in enumerate(file.names) if name.lower() == _SUBCATEGORY)
        stands_in = (
            f"CASE WHEN {theirs} THEN CASE WHEN {seller} NOT ILIKE 'Microsoft%' THEN {seller} "
            f"ELSE nullif(trim({as_text(file, subcategory)}), '') END END"
        )
        made["ServiceName"] = f"coalesce({values['ServiceName']}, {stands_in})"
    return made


def unchanged(given: Mapping[str, str], made: Mapping[str, str], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the file says where `amended` says otherwise, as names of the file's (`names`) and SQL; NULL elsewhere."""
    return [
        (names[target], f"CASE WHEN {value} IS DISTINCT FROM {made[target]} THEN {value} END")
        for target, value in given.items()
        if made[target] != value
    ]


def _is_zero(value: str) -> str:
    return f"regexp_full_match(trim({value}), '{_ZERO}')"


def _amounts(value: str) -> str:
    """SQL: whether this is something, and not a zero."""
    return f"NOT coalesce({_is_zero(value)}, true)"


def look(connection: duckdb.DuckDBPyConnection, file: TableFile, number: int) -> list[Finding]:
    """How many of Microsoft's charges have no list cost that is known."""
    counted = connection.execute(
        'SELECT count(*) FROM clean WHERE file = ? AND "ProviderName" = ? AND "ListCost" IS NULL', [number, PROVIDER]
    ).fetchone()
    return [list_cost_unknown(file, "ListCost", int(counted[0]))] if counted and counted[0] else []
