"""What a scan may ask for by itself: the change that a rule of savings leads to, for a resource behind unusual spend.

The rule says so, no model. What is asked is made by the very tool that a conversation uses, at the desk of whoever let
the rule draft: what that person may not see has no finding, and so no proposal.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from tools.bill_rules import judged
from tools.desk import Desk, Receipt, Wanted
from tools.propose import propose_change
from tools.rules import idle_gpu
from tools.rules.catalogue import FORMS
from tools.rules.evidence import Verdict
from tools.rules.form import Form
from tools.savings import survey


class Meant(NamedTuple):
    """A change that a rule leads to, and the name of that rule."""

    rule: str
    wanted: Wanted


def meant(desk: Desk, resources: Collection[str], rules: Collection[str]) -> dict[str, Meant]:
    """For each resource of which one of `rules` finds a saving now, by its id in the bill: what is to be asked. Of two
    rules the first in their order. Raises LakeError where the bill or a gateway's log cannot be read."""
    found = _found(desk, set(resources), set(rules))
    told = {}
    for resource in dict.fromkeys(resources):
        for form in sorted(FORMS, key=lambda form: form.order):
            if (resource, form.name) in found and (wanted := _wanted(desk, resource, form)) is not None:
                told[resource] = Meant(form.name, wanted)
                break
    return told


def _found(desk: Desk, resources: set[str], rules: set[str]) -> set[tuple[str, str]]:
    """The resources, each with a rule that fires on it and leads to a change."""
    found: set[tuple[str, str]] = set()
    if not resources or not rules:
        return found
    if idle_gpu.RULE in rules:
        found |= {(one.machine.resource_id, idle_gpu.RULE) for one in survey(desk).of(Verdict.IDLE)}
    if rules - {idle_gpu.RULE}:
        saving = [one for one in judged(desk).saving() if one.judged.change is not None]
        found |= {(one.resource.resource_id, one.judged.form.name) for one in saving}
    return {(resource, rule) for resource, rule in found if resource in resources and rule in rules}


def _wanted(desk: Desk, resource: str, form: Form) -> Wanted | None:
    """What the tool would store as a draft, by this rule; None where it refuses, or goes by another rule."""
    asked: list[Wanted] = []

    def noted(wanted: Wanted) -> Receipt:
        asked.append(wanted)
        return Receipt(None, accepted=False, reason="noted, to be stored with the scan")

    propose_change(replace(desk, propose=noted), target=resource, kind=form.kind)
    return next((wanted for wanted in asked if wanted.evidence.get("rule") == form.name), None)
