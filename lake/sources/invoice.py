"""Any other invoice as CSV, read by a mapping: an annual subscription, a reseller's bill, a consultant's hours.

Each line is one charge that costs what is billed, in the month of the invoice; its charge period is the service
period, and nothing is spread over it (FOCUS, examples of simple SaaS agreements). Tax in a column of its own becomes a
charge of its own. Descriptions are somebody else's text: they are stored, and never read as anything but text.
"""

import difflib

import duckdb

from lake import duck
from lake.columns import BY_NAME, Kind
from lake.errors import LakeError
from lake.report import Finding
from lake.sources.cells import Cells, as_json
from lake.sources.invoice_mapping import FileForm, InvoiceMapping
from lake.sources.port import LINE, Reading, Rows
from lake.sources.table_file import TableFile

_NUMBERS = (Kind.MONEY, Kind.QUANTITY)
_COSTS = ("EffectiveCost", "ListCost", "ContractedCost")
_DEFAULTS = {"ChargeCategory": "'Purchase'", "ChargeFrequency": "'One-Time'", "ServiceCategory": "'Other'"}
_ISO_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO_HOURS = "[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?"
_NAMED_AFTER = ("BillingAccountId", "InvoiceIssuerName", "PublisherName", "ServiceName")


class Invoice:
    """An invoice whose columns a mapping explains."""

    def __init__(self, mapping: InvoiceMapping, *, exact: bool = False) -> None:
        self.mapping = mapping
        self._exact = exact

    @property
    def name(self) -> str:
        """As the mapping calls it."""
        return self.mapping.name

    def recognises(self, file: TableFile) -> bool:
        """`exact`: all columns that it needs are there; else any that it names, so that a missing one is told."""
        there = [name in file.names for name in self._needed()]
        return all(there) if self._exact else any(there)

    def _needed(self) -> list[str]:
        return [name for name in self.mapping.named() if name not in self.mapping.invoice.optional]

    def reading(self, file: TableFile) -> Reading:
        """Refuses a file that lacks a column of the mapping, and names the ones that are spelt alike."""
        missing = [name for name in self._needed() if name not in file.names]
        if missing:
            near = difflib.get_close_matches(missing[0], file.names, n=3)
            raise LakeError(
                f"{file.path} lacks the column {missing[0]}, which the mapping names.",
                why=f"It has {', '.join(near or [name[:40] for name in file.names[:6]])}"
                + ("." if near else f" … ({len(file.names)} columns)."),
                do="Correct the mapping, or load the file that it is for.",
            )
        cells = Cells(_once(file, self.mapping.named()), lambda name: name)
        values = _values(cells, self.mapping)
        rows = [Rows(values, rest=cells.rest(_verbatim(self.mapping)))]
        if self.mapping.invoice.tax in cells:
            rows.append(_tax(cells, self.mapping, values))
        return Reading(rows)

    def look(self, connection: duckdb.DuckDBPyConnection, file: TableFile, number: int) -> list[Finding]:
        """Nothing beyond what is noticed for every bill."""
        return []


def _once(file: TableFile, named: list[str]) -> TableFile:
    """The file, with columns that no mapping speaks of told apart where they bear one name."""
    seen: set[str] = set()
    columns = []
    for index, (name, kind) in enumerate(file.columns):
        told = name if name not in seen or name in named else f"{name or 'column'} ({index + 1})"
        seen.add(told)
        columns.append((told, kind))
    return TableFile(file.path, file.form, tuple(columns), file.digest, file.delimiter, file.gzipped)


def _verbatim(mapping: InvoiceMapping) -> list[str]:
    """Columns of the file that are carried over as they are: texts, and no number or day that is read in some form."""
    as_is = [name for target, name in mapping.columns.items() if target not in BY_NAME or _is_text(target)]
    return [*as_is, *mapping.tags.values()]


def _is_text(target: str) -> bool:
    return BY_NAME[target].kind in (Kind.TEXT, Kind.JSON)


def _values(cells: Cells, mapping: InvoiceMapping) -> dict[str, str]:
    form = mapping.file
    values = {target: duck.text(value) for target, value in mapping.constants.items()}
    for target, name in mapping.columns.items():
        kind = BY_NAME[target].kind if target in BY_NAME else Kind.TEXT
        given = cells.text(name)
        if kind in _NUMBERS:
            values[target] = amount(given, form, money=kind == Kind.MONEY)
        elif kind == Kind.TIME:
            inclusive = target.endswith("End") and mapping.invoice.period_end == "inclusive"
            values[target] = moment(given, form, last_day=inclusive)
        else:
            values[target] = given
    billed = values["BilledCost"]
    for target, value in {**dict.fromkeys(_COSTS, billed), **_DEFAULTS}.items():
        values.setdefault(target, value)
    for target in _NAMED_AFTER:
        values.setdefault(target, values["ProviderName"])
    dated = mapping.invoice.date or mapping.columns["ChargePeriodStart"]
    values.setdefault("BillingPeriodStart", _month(cells.text(dated), form, later=0))
    values.setdefault("BillingPeriodEnd", _month(cells.text(dated), form, later=1))
    start = mapping.columns.get("ChargePeriodStart", mapping.invoice.date)
    values.setdefault("ChargePeriodStart", moment(cells.text(start), form))
    values.setdefault("ChargePeriodEnd", moment(cells.text(start), form, last_day=True))
    if mapping.tags:
        values["Tags"] = as_json([(key, cells.text(name)) for key, name in mapping.tags.items()])
    return values


def _tax(cells: Cells, mapping: InvoiceMapping, values: dict[str, str]) -> Rows:
    given = cells.text(mapping.invoice.tax)
    read = amount(given, mapping.file, money=True)
    changed = {
        **dict.fromkeys(("BilledCost", *_COSTS), read),
        "ChargeCategory": "'Tax'",
        **dict.fromkeys(
            ("PricingQuantity", "PricingUnit", "ConsumedQuantity", "ConsumedUnit", "ContractedUnitPrice"), "NULL"
        ),
    }
    some = f"{given} IS NOT NULL AND NOT regexp_full_match({read}, '[+-]?0*([.]0*)?')"
    rest = as_json([("x_split_from_row", f"CAST({LINE} AS VARCHAR)")])
    text = "taxes that stand beside an amount are charges of their own"
    return Rows(values | changed, rest, f"(SELECT * FROM lines WHERE {some})", told=("tax-split", text))  # noqa: S608


def amount(given: str, form: FileForm, *, money: bool) -> str:
    """SQL: a number as the form writes it, with a decimal point; one that it would not write so is left unreadable.

    A minus behind the number and brackets around it are what accountants write for less than nothing.
    """
    mark, groups = ("[.]" if form.decimal == "." else ","), form.thousands
    whole = rf"[0-9]{{1,3}}([{groups}][0-9]{{3}})+|[0-9]+" if groups else "[0-9]+"
    pattern = duck.text(f"({whole})({mark}[0-9]*)?|{mark}[0-9]+")
    bare = f"regexp_replace({given}, '^[(](.*)[)]$|^[+-]?(.*?)-?$', '\\1\\2')"
    less = f"regexp_full_match({given}, '[(].*[)]|-[^-]*|[^-]*-')"
    plain = f"replace({bare}, {duck.text(groups)}, '')" if groups else bare
    plain = f"replace({plain}, ',', '.')" if form.decimal == "," else plain
    reversed_sign = money and form.sign == "reversed"
    signed = f"CASE WHEN {less} {'=' if reversed_sign else '<>'} true THEN {plain} ELSE '-' || {plain} END"
    strange = f"{given} || ' is not written with {'a comma' if form.decimal == ',' else 'a point'}'"
    one_sign = f"regexp_full_match({given}, '[+-]?[^+-]*|[^+-]*-|[(][^()+-]*[)]')"
    return f"CASE WHEN {one_sign} AND regexp_full_match({bare}, {pattern}) THEN {signed} ELSE {strange} END"


def moment(given: str, form: FileForm, *, last_day: bool = False) -> str:
    """SQL: the moment in UTC that the form writes; one that it would not write so stays unreadable.

    A `last_day` that has no time of day means the moment at which that day is over.
    """
    after = f" + INTERVAL {1 if last_day else 0} DAY"
    if form.dates:
        hours = any(mark in form.dates for mark in ("%H", "%I"))
        local = f"try_strptime({given}, {duck.text(form.dates)})"
        read = _in_zone(local, form) if hours else f"{local}{after}"
    else:
        local = f"TRY_CAST({given} AS TIMESTAMP)"
        read = (
            f"CASE WHEN regexp_full_match({given}, '{_ISO_DAY}') THEN {local}{after} "
            f"WHEN regexp_full_match({given}, '{_ISO_DAY}{_ISO_HOURS}') THEN {_in_zone(local, form)} "
            f"WHEN regexp_full_match({given}, '{_ISO_DAY}{_ISO_HOURS} ?(Z|[+-][0-9]{{2}}:?[0-9]{{2}})') "
            f"THEN timezone('UTC', TRY_CAST({given} AS TIMESTAMPTZ)) END"
        )
    return _or_strange(f"strftime({read}, '%Y-%m-%dT%H:%M:%SZ')", given)


def _in_zone(local: str, form: FileForm) -> str:
    return f"timezone('UTC', timezone({duck.text(form.zone)}, {local}))"


def _month(given: str, form: FileForm, *, later: int) -> str:
    """SQL: the first day of the month in which the invoice is dated where it was written, or of a later one."""
    written = (
        f"try_strptime({given}, {duck.text(form.dates)})" if form.dates else f"TRY_CAST(left({given}, 10) AS DATE)"
    )
    first = f"date_trunc('month', {written}) + INTERVAL {later} MONTH"
    return _or_strange(f"strftime({first}, '%Y-%m-%dT00:00:00Z')", given)


def _or_strange(read: str, given: str) -> str:
    return f"CASE WHEN {given} IS NOT NULL THEN coalesce({read}, {given} || ' is no date of this form') END"
