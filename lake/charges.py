"""From the text of a FOCUS file to typed charges, and to the few rows that must wait in quarantine.

A row is held back only if its money, time or currency cannot be read, since it could then be summed in no way that is
true. Every other breach of FOCUS loads, with a finding.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import duckdb
import pyarrow as pa

from lake import allocating, duck
from lake.ai import Facts, judge
from lake.allocation_rules import AllocationRules
from lake.columns import ALLOCATION, COLUMNS, LABELS, Column, Kind
from lake.labels import Tagged, read_tags
from lake.numbers import cast, fits
from lake.report import Finding

_FACTS = (
    "ServiceCategory",
    "SkuMeter",
    "SkuPriceDetails",
    "ResourceType",
    "ChargeDescription",
    "x_model",
    "x_use_case",
)
_TIME = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)?)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)?"
_ZONED = r".*(Z|UTC|:\d{2}([.]\d+)? ?[+-]\d{2}(:?\d{2})?)"
_MINUTES_ONLY = r"^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}) ?(Z|UTC|[+-]\d{2}(:?\d{2})?)?$"
_TAG_FAULTS = {
    "fault": ("tags", "Tags is no JSON object; the text is kept, no label is read from it"),
    "braces": ("tags", "Tags lacks its braces; read as if they were there"),
    "stand-in": ("team-stand-in", "the team is read from the tag {keys}, since no tag names a team"),
}
TIMES = tuple(column for column in COLUMNS if column.kind == Kind.TIME)


def label(connection: duckdb.DuckDBPyConnection, files: list[str], rules: AllocationRules) -> list[Finding]:
    """Adds `tag_map`, one row for each distinct set of tags, and the view `labelled`, in which labels are settled."""
    noticed = _Noticed()

    def make(texts: Sequence[tuple[str, int, int]]) -> pa.Table:
        read = [read_tags(text, rules.tag_keys) for text, _, _ in texts]
        for tagged, (_, file, rows) in zip(read, texts, strict=True):
            noticed.take(tagged, file, rows)
        columns: dict[str, list[str | None]] = {"text": [text for text, _, _ in texts]}
        for name in LABELS:
            columns[name] = [tagged.labels.get(name) for tagged in read]
            columns[f"{name}_key"] = [tagged.keys.get(name) for tagged in read]
        table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
        tags = pa.array([list(tagged.tags.items()) for tagged in read], pa.map_(pa.string(), pa.string()))
        return table.append_column("x_tags", tags)

    select = 'SELECT "Tags", min(file), count(*) FROM clean WHERE "Tags" IS NOT NULL GROUP BY ALL'
    duck.map_rows(connection, "tag_map", select, make)
    allocating.settle(connection, rules)
    return noticed.findings(files)


@dataclass
class _Noticed:
    """What the tags of a load have that is unusual: in how many rows, and in which file first."""

    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_TAG_FAULTS, 0))
    first: dict[str, int] = field(default_factory=dict)
    stand_ins: set[str] = field(default_factory=set)

    def take(self, tagged: Tagged, file: int, rows: int) -> None:
        found = {"fault": bool(tagged.fault), "braces": tagged.braces_missing, "stand-in": _is_stand_in(tagged)}
        for fault in (fault for fault, there in found.items() if there):
            self.rows[fault] += rows
            self.first[fault] = min(file, self.first.get(fault, file))
        if found["stand-in"]:
            self.stand_ins.add(tagged.keys["x_team"])

    def findings(self, files: list[str]) -> list[Finding]:
        return [
            Finding(
                rule=rule,
                file=files[self.first[fault]],
                column="Tags",
                rows=self.rows[fault],
                text=text.format(keys=", ".join(sorted(self.stand_ins))),
            )
            for fault, (rule, text) in _TAG_FAULTS.items()
            if self.rows[fault]
        ]


def _is_stand_in(tagged: Tagged) -> bool:
    key = tagged.keys.get("x_team", "")
    return bool(key) and "team" not in key.lower() and "squad" not in key.lower()


def judge_ai(connection: duckdb.DuckDBPyConnection) -> None:
    """Adds `ai_map`, one row for each distinct set of facts that the rules of AI read."""
    wanted = ", ".join(duck.name(name) for name in _FACTS)
    duck.map_rows(connection, "ai_map", f"SELECT DISTINCT {wanted} FROM labelled", _judged)  # noqa: S608


def _judged(rows: Sequence[tuple[str | None, ...]]) -> pa.Table:
    judged = [judge(Facts(*row)) for row in rows]
    table = pa.table({name: pa.array([row[index] for row in rows], pa.string()) for index, name in enumerate(_FACTS)})
    table = table.append_column("ai", pa.array([found.ai for found in judged], pa.bool_()))
    table = table.append_column("rule", pa.array([found.rule for found in judged], pa.string()))
    return table.append_column("model", pa.array([found.model for found in judged], pa.string()))


def type_charges(
    connection: duckdb.DuckDBPyConnection, files: list[str], source: str | None, short: frozenset[str]
) -> None:
    """Adds the views `dated` and `charge`: typed, each charge with its source, its billing period and, if it must be
    held back, its fault. `dated` has what decides where a charge goes and what it adds up to, and needs few columns;
    `charge` has all. Both are read from `clean` whenever they are asked, since keeping them would take the memory of
    the whole bill twice.
    """
    _source_map(connection, source)
    read_times(connection)
    duck.create(connection, "file_names", pa.table({"number": list(range(len(files))), "name": files}))
    typed = {column.name: f"{_typed(column, short)} AS {duck.name(column.name)}" for column in COLUMNS}
    connection.execute(
        f"CREATE VIEW dated AS {_placed('clean', [*(typed[name] for name in _DATED), _COST_SOURCE], short)}"
    )
    labels = [f"l.{name}" for name in LABELS if name != "x_model"]
    facts = " AND ".join(f"l.{duck.name(name)} IS NOT DISTINCT FROM a.{duck.name(name)}" for name in _FACTS)
    own = ["coalesce(l.x_model, a.model) AS x_model", "l.x_tags", *(f"l.{name}" for name, _ in ALLOCATION)]
    own += ["a.ai AS x_ai", "a.rule AS x_ai_rule", "f.name AS x_file", "l.x_extra"]
    joins = f"LEFT JOIN ai_map a ON {facts} JOIN file_names f ON f.number = l.file"
    connection.execute(f"CREATE VIEW charge AS {_placed('labelled', [*typed.values(), *labels, *own], short, joins)}")


# What decides where a charge goes, what it adds up to, and whether it is another's twin.
_DATED = (
    "BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "BillingCurrency", "BillingPeriodStart",
    "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd", "ChargeCategory", "ProviderName", "BillingAccountId",
    "ResourceId", "SkuId",
)  # fmt: skip
# No tag stands for this one, so that it is the file's own column alone.
_COST_SOURCE = "trim(l.x_cost_source) AS x_cost_source"


def _placed(table: str, columns: list[str], short: frozenset[str], joins: str = "") -> str:
    return (
        'SELECT l.file, l.row AS x_row, l."BillingPeriodStart" AS billed_in, s.source AS x_source, '  # noqa: S608
        "t_ChargePeriodStart.day AS x_day, t_BillingPeriodStart.label AS period, "
        f"{', '.join(columns)}, {_fault(short)} AS fault FROM {table} l {_time_joins()} {joins} "
        f"JOIN source_map s ON s.provider IS NOT DISTINCT FROM {_PROVIDER}"
    )


_PROVIDER = 'coalesce("ProviderName", "PublisherName", "InvoiceIssuerName")'


def _source_map(connection: duckdb.DuckDBPyConnection, source: str | None) -> None:
    providers = [row[0] for row in connection.execute(f"SELECT DISTINCT {_PROVIDER} FROM clean").fetchall()]  # noqa: S608
    slugs = [source or source_name(provider) for provider in providers]
    duck.create(connection, "source_map", pa.table({"provider": pa.array(providers, pa.string()), "source": slugs}))


def source_name(provider: str | None) -> str:
    """The source that a provider's charges go to: its name in lower case, letters, digits and single hyphens."""
    if not provider:
        return "unknown"
    slug = re.sub(r"[^a-z0-9]+", "-", provider.lower()).strip("-")
    if slug and len(slug) <= 60:
        return slug
    return f"{slug[:40]}-{sha256(provider.encode()).hexdigest()[:8]}".strip("-")


def _typed(column: Column, short: frozenset[str]) -> str:
    name = duck.name(column.name)
    if column.kind in (Kind.MONEY, Kind.QUANTITY):
        known = column.name in short
        return cast(column, f"l.{name}" if known else f"trim(l.{name})", short=known)
    if column.kind == Kind.TIME:
        return f"{_moment_of(column)}.moment"
    if column.name == "BillingCurrency":
        return f"upper(trim(l.{name}))"
    return f"l.{name}"


def read_time(value: str) -> str:
    """SQL: the moment that this text writes, read as UTC if it names no zone; NULL if it is none."""
    whole = rf"regexp_replace(trim({value}), {duck.text(_MINUTES_ONLY)}, '\1:00\2')"
    return f"CASE WHEN regexp_full_match(trim({value}), {duck.text(_TIME)}) THEN TRY_CAST({whole} AS TIMESTAMPTZ) END"


def read_times(connection: duckdb.DuckDBPyConnection) -> None:
    """Adds `time_map`: each distinct text of a time once, since reading one is slow and charges share them.

    `day` is its day, `label` what a billing period that starts then is called.
    """
    texts = " UNION ".join(f"SELECT {duck.name(column.name)} AS text FROM clean" for column in TIMES)  # noqa: S608
    utc = "timezone('UTC', moment)"
    label = f"CASE WHEN day({utc}) = 1 THEN strftime({utc}, '%Y-%m') ELSE strftime({utc}, '%Y-%m-%d') END"
    connection.execute(
        f"CREATE TABLE time_map AS SELECT *, CAST({utc} AS DATE) AS day, {label} AS label "  # noqa: S608
        f"FROM (SELECT text, {read_time('text')} AS moment FROM ({texts}))"
    )


def _time_joins() -> str:
    return " ".join(
        f"LEFT JOIN time_map {_moment_of(column)} ON {_moment_of(column)}.text = l.{duck.name(column.name)}"
        for column in TIMES
    )


def _moment_of(column: Column) -> str:
    return f"t_{column.name}"


def has_zone(value: str) -> str:
    """SQL: whether this text names its zone."""
    return f"regexp_full_match(trim({value}), {duck.text(_ZONED)})"


def _fault(short: frozenset[str]) -> str:
    parts = []
    for column in COLUMNS:
        name = f"l.{duck.name(column.name)}"
        if column.required:
            parts.append(f"CASE WHEN {name} IS NULL THEN '{column.name} is missing' END")
        shown = f"'{column.name} ''' || left({name}, 40) || ''' is no "
        if column.kind == Kind.MONEY and column.name not in short:
            parts.append(f"CASE WHEN {name} IS NOT NULL AND NOT {fits(column)} THEN {shown}readable amount' END")
        elif column.kind == Kind.TIME:
            parts.append(
                f"CASE WHEN {name} IS NOT NULL AND {_moment_of(column)}.moment IS NULL THEN {shown}readable time' END"
            )
        elif column.name == "BillingCurrency":
            parts.append(f"CASE WHEN NOT regexp_full_match(trim({name}), '[A-Za-z]{{3}}') THEN {shown}currency' END")
    return f"nullif(concat_ws('; ', {', '.join(parts)}), '')"
