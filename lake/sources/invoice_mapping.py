"""What the columns of any invoice mean, said in a TOML file: which is which FOCUS column, and how it writes its values.

Nothing is guessed: a decimal comma, an order of day and month, or a sign that is not said is not assumed.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lake import duck
from lake.columns import BY_NAME, LABELS
from lake.errors import LakeError
from lake.sources.refusals import cannot_read

_STRICT = ConfigDict(extra="forbid", frozen=True)
_LONGEST = 1_000_000  # bytes; a mapping is a page
_FOCUS = {*BY_NAME, *LABELS} - {"Tags"}


class FileForm(BaseModel):
    """How the file writes its values. Times of day are read in `zone`; a day is that day in every zone."""

    model_config = _STRICT

    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    dates: str = ""  # such as %d.%m.%Y; empty: ISO 8601
    zone: str = "UTC"
    sign: Literal["as written", "reversed"] = "as written"

    @field_validator("dates")
    @classmethod
    def _known_dates(cls, value: str) -> str:
        if value and not all(mark in value for mark in ("%d", "%m")) and "%b" not in value and "%B" not in value:
            raise ValueError("a date needs a day and a month, such as %d.%m.%Y")
        if value and "%Y" not in value and "%y" not in value:
            raise ValueError("a date needs a year, such as %d.%m.%Y")
        with duck.connect() as connection:
            try:
                connection.execute("SELECT strptime(strftime(DATE '2026-10-05', ?), ?)", [value, value])
            except duckdb.Error:
                raise ValueError("is no format of a date, such as %d.%m.%Y") from None
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("is no time zone, such as Europe/Berlin")
        return ZoneInfo(value).key

    @model_validator(mode="after")
    def _marks_differ(self) -> "FileForm":
        if self.thousands == self.decimal:
            raise ValueError("the decimal mark and the thousands mark are the same")
        return self


class InvoiceForm(BaseModel):
    """What an invoice has and a charge has not: its date, which tells the billing period, and its tax.

    `optional` names columns that a file may lack.
    """

    model_config = _STRICT

    date: str = ""
    tax: str = ""
    period_end: Literal["inclusive", "exclusive"] = "inclusive"
    optional: tuple[str, ...] = ()


class InvoiceMapping(BaseModel):
    """A whole mapping: FOCUS columns to columns of the file, or to one text for all lines; tag keys to columns."""

    model_config = _STRICT

    name: str = "invoice of the mapping file"
    file: FileForm = Field(default_factory=FileForm)
    columns: dict[str, str]
    constants: dict[str, str] = {}
    tags: dict[str, str] = {}
    invoice: InvoiceForm = Field(default_factory=InvoiceForm)

    @model_validator(mode="after")
    def _can_make_charges(self) -> "InvoiceMapping":
        strange = sorted({*self.columns, *self.constants} - _FOCUS)
        if strange:
            raise ValueError(f"{strange[0]} is no column of FOCUS 1.2 (Tags are said in [tags])")
        both = sorted(set(self.columns) & set(self.constants))
        if both:
            raise ValueError(f"{both[0]} is said twice, in [columns] and in [constants]")
        if "BilledCost" not in self.columns:
            raise ValueError("[columns] does not say which column is BilledCost")
        for needed in ("BillingCurrency", "ProviderName"):
            if needed not in self.columns and needed not in self.constants:
                raise ValueError(f"neither [columns] nor [constants] says {needed}")
        if "ChargePeriodStart" not in self.columns and not self.invoice.date:
            raise ValueError("neither ChargePeriodStart in [columns] nor date in [invoice] says when a charge is")
        return self

    def named(self) -> list[str]:
        """Every column of the file that the mapping speaks of, each once."""
        told = (*self.columns.values(), *self.tags.values(), self.invoice.date, self.invoice.tax)
        return list(dict.fromkeys(name for name in told if name))


def read_mapping(path: Path) -> InvoiceMapping:
    """The mapping that this file writes; raises LakeError, with the line where TOML has one, if it cannot be used."""
    try:
        if path.stat().st_size > _LONGEST:
            raise LakeError(f"{path} is no mapping.", why="It is larger than a megabyte.", do="Name the TOML file.")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise cannot_read(path, error) from error
    except UnicodeDecodeError as error:
        raise _unusable(path, "It is no UTF-8 text.") from error
    try:
        return InvoiceMapping.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _unusable(path, f"It is no TOML: {error}.") from error
    except ValidationError as error:
        raise _unusable(path, _first(error)) from error


def _first(error: ValidationError) -> str:
    told = error.errors()[0]
    place = ".".join(str(part) for part in told["loc"])
    said = told["msg"].removeprefix("Value error, ")
    if told["type"] == "extra_forbidden":
        said = "is no key of a mapping"
    elif told["type"] == "missing":
        said = "is missing"
    return f"{place}: {said}." if place else f"{said[:1].upper()}{said[1:]}."


def _unusable(path: Path, why: str) -> LakeError:
    return LakeError(f"{path} is no mapping that can be used.", why=why, do="Correct it; docs/bills.md has an example.")


@cache
def standard() -> InvoiceMapping:
    """The mapping for an invoice table in the columns that need none."""
    return read_mapping(Path(__file__).with_name("invoice.toml"))
