"""Which savings a list is about: filters by the few names that a resource has in the bill, and by kinds of rules."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from tools.asked import NotUnderstoodError
from tools.result import Problem
from tools.rules.catalogue import FORMS
from tools.rules.form import Form
from tools.shown import shown

OF_RESOURCE = ("team", "use_case", "environment", "account", "region", "resource", "provider")
OF_RULE: dict[str, tuple[str, ...]] = {
    "rule": tuple(form.name for form in FORMS),
    "risk": tuple(dict.fromkeys(form.risk.split(":")[0] for form in FORMS)),
    "reversible": ("yes", "no"),
}
FILTERS = (*OF_RESOURCE, *OF_RULE)
Accepted = dict[str, set[str]]


def accept(wanted: Mapping[str, tuple[str, ...]], known: Iterable[Any]) -> Accepted:
    """The names that are meant, as the bill writes them; an unknown one is refused with the closest."""
    resources = list(known)
    accepted: Accepted = {}
    for name, values in wanted.items():
        if name in OF_RULE:
            accepted[name] = {_known(name, value, set(OF_RULE[name])) for value in values}
            continue
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


def fits(resource: Any, form: Form, accepted: Accepted) -> bool:
    """Whether a resource of the bill carries the names that are meant, and the rule about it is of the kind meant."""
    return all(names & (_told(form, name) or _values(resource, name)) for name, names in accepted.items())


def _told(form: Form, name: str) -> set[str]:
    """What a rule says of itself under a filter's name; empty for a filter of resources."""
    told = {
        "rule": form.name,
        "risk": form.risk.split(":")[0],
        "reversible": "yes" if form.reversibility.startswith("reversible") else "no",
    }
    return {told[name]} if name in told else set()


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
