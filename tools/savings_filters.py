"""Which resources a list of savings is about: filters by the few names that a resource has in the bill."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from tools.asked import NotUnderstoodError
from tools.result import Problem
from tools.shown import shown

FILTERS = ("team", "use_case", "environment", "account", "region", "resource", "provider")
Accepted = dict[str, set[str]]


def accept(wanted: Mapping[str, tuple[str, ...]], known: Iterable[Any]) -> Accepted:
    """The names that are meant, as the bill writes them; an unknown one is refused with the closest."""
    resources = list(known)
    accepted: Accepted = {}
    for name, values in wanted.items():
        if name not in FILTERS:
            raise NotUnderstoodError(
                Problem(
                    what=f"Savings cannot be filtered by '{shown(name)}'.",
                    why="A resource has few names in the bill.",
                    do=f"Filter by one of: {', '.join(FILTERS)}.",
                    candidates=FILTERS,
                )
            )
        carried = {value for one in resources for value in _values(one, name)}
        accepted[name] = {_known(name, value, carried) for value in values}
    return accepted


def fits(resource: Any, accepted: Accepted) -> bool:
    """Whether a machine or another resource of the bill carries the names that are meant."""
    return all(names & _values(resource, name) for name, names in accepted.items())


def _values(resource: Any, name: str) -> set[str]:
    if name == "resource":
        return {value for value in (resource.resource_id, resource.name) if value}
    return {str(getattr(resource, name))}


def _known(name: str, value: str, known: set[str]) -> str:
    folded = {one.casefold(): one for one in known}
    if value.casefold() in folded:
        return folded[value.casefold()]
    close = difflib.get_close_matches(value.casefold(), list(folded), n=3, cutoff=0.4)
    near = tuple(shown(folded[one]) for one in close)
    raise NotUnderstoodError(
        Problem(
            what=f"Nothing that could be saved has the {name.replace('_', ' ')} '{shown(value)}'.",
            why=f"The closest: {', '.join(near)}." if near else "No name of such a resource is close to it.",
            do="Ask with a name that the bill carries.",
            candidates=near,
        )
    )
