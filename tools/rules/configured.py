"""Limits of rules as a reader of `savings.toml` set them: a table for each rule, and only limits that there are.

A misspelt key would leave the shipped limit in force while everybody believes in the new one; so it is refused.
"""

import tomllib
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from lake.errors import LakeError
from tools.rules.thresholds import SavingsThresholds


def thresholds_of(text: str, *, name: str) -> SavingsThresholds:
    """The limits of this TOML text over the shipped ones; LakeError naming file, table and key for what is no limit."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise _fault(name, f"It is no TOML: {error}.") from None
    known = SavingsThresholds()
    for table, given in document.items():
        sections = is_dataclass(getattr(known, table, None))
        if sections and isinstance(given, dict):
            current: Any = getattr(known, table)
            changed = {key: _value(name, f"[{table}] {key}", current, key, given[key]) for key in given}
            try:
                known = replace(known, **{table: replace(current, **changed)})
            except ValueError as error:
                raise _fault(name, f"[{table}] {error}.") from None
        elif sections or table not in _names(known):
            raise _fault(name, f"'{table}' is no table of limits; there are: {', '.join(_names(known))}.")
        else:
            known = replace(known, **{table: _value(name, table, known, table, given)})
    return known


def _names(limits: Any) -> list[str]:
    return [one.name for one in fields(limits)]


def _value(file: str, where: str, limits: Any, key: str, given: Any) -> Any:
    """The value in the type of the shipped one; negative ones limit nothing and are refused."""
    if key not in _names(limits):
        raise _fault(file, f"{where} is no limit; there are: {', '.join(_names(limits))}.")
    shipped = getattr(limits, key)
    if isinstance(shipped, str | tuple):
        wanted = type(shipped)
        fits = isinstance(given, str) if wanted is str else _texts(given)
        if not fits:
            raise _fault(file, f"{where} must be {'a text' if wanted is str else 'a list of texts'}.")
        return wanted(given)
    try:
        number = Decimal(str(given)) if not isinstance(given, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number < 0 or (isinstance(shipped, int) and number % 1):
        raise _fault(file, f"{where} must be {'a whole number' if isinstance(shipped, int) else 'a number'} from 0 on.")
    return int(number) if isinstance(shipped, int) else number


def _texts(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(isinstance(one, str) and one for one in given)


def _fault(file: str, why: str) -> LakeError:
    return LakeError(
        f"The limits of {file} cannot be used.",
        why=why,
        do="Mend the file, or remove it: then the shipped limits hold.",
    )
