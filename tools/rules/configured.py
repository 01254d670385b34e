"""Limits of rules as a reader of `savings.toml` set them: a table for each rule, and only limits that there are.

A misspelt key would leave the shipped limit in force while everybody believes in the new one; so it is refused.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

from lake.errors import LakeError
from tools.rules.thresholds import SavingsThresholds

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

BEYOND_A_WHOLE = ("headroom_percent", "more_tokens_percent", "_price_percent", "_iops_percent", "_throughput_percent")
"""How the percentages end that may be above 100: what comes on top of something, and one price as a share of another.
Any other is a share of a whole; a machine whose CPU may be busy to 300 % would be idle at any load."""
WHOLE = 100
L = TypeVar("L", bound="DataclassInstance")


def thresholds_of(text: str, *, name: str) -> SavingsThresholds:
    """The limits of this TOML text over the shipped ones; LakeError naming file, table and key for what is no limit."""
    document = document_of(text, name=name)
    known = SavingsThresholds()
    for table, given in document.items():
        sections = is_dataclass(getattr(known, table, None))
        if sections and isinstance(given, dict):
            current: Any = getattr(known, table)
            known = replace(known, **{table: changed(current, given, file=name, table=f"[{table}] ")})
        elif sections or table not in _names(known):
            raise _fault(name, f"'{table}' is no table of limits; there are: {', '.join(_names(known))}.")
        else:
            known = replace(known, **{table: _value(name, table, known, table, given)})
    return known


def document_of(text: str, *, name: str) -> dict[str, Any]:
    """The TOML document `name`, its numbers exact; LakeError for what is none."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise _fault(name, f"It is no TOML: {error}.") from None


def changed(limits: L, given: Mapping[str, Any], *, file: str, table: str = "") -> L:
    """`limits` with the `given` values in their place; LakeError for a key that is no limit or a value that is none."""
    values = {key: _value(file, f"{table}{key}", limits, key, given[key]) for key in given}
    try:
        return replace(limits, **values)
    except ValueError as error:
        raise _fault(file, f"{table}{error}.") from None


def by_team(document: Mapping[str, Any], limits: L, *, file: str) -> tuple[L, dict[str, L]]:
    """The limits of everybody, and of each team that has a table `[team.NAME]` with limits of its own."""
    common = changed(limits, {key: value for key, value in document.items() if key != "team"}, file=file)
    teams = document.get("team", {})
    if not isinstance(teams, dict) or not all(isinstance(own, dict) for own in teams.values()):
        raise _fault(file, "A team's limits stand in a table such as [team.payments].")
    return common, {team: changed(common, own, file=file, table=f"[team.{team}] ") for team, own in teams.items()}


def _names(limits: Any) -> list[str]:
    return [one.name for one in fields(limits)]


def _value(file: str, where: str, limits: Any, key: str, given: Any) -> Any:
    """The value in the type of the shipped one; negative ones limit nothing and are refused."""
    if key not in _names(limits):
        raise _fault(file, f"{where} is no limit; there are: {', '.join(_names(limits))}.")
    shipped = getattr(limits, key)
    if is_dataclass(shipped) and not isinstance(shipped, type):
        if not isinstance(given, dict):
            raise _fault(file, f"{where} is a table of limits of its own.")
        return changed(shipped, given, file=file, table=f"{where} ")
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
    if number > WHOLE and key.endswith("_percent") and not key.endswith(BEYOND_A_WHOLE):
        raise _fault(file, f"{where} is a share, so it must be at most 100.")
    return int(number) if isinstance(shipped, int) else number


def _texts(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(isinstance(one, str) and one for one in given)


def _fault(file: str, why: str) -> LakeError:
    return LakeError(
        f"The limits of {file} cannot be used.",
        why=why,
        do="Mend the file, or remove it: then the shipped limits hold.",
    )
