"""Whether an endpoint's metrics are its own: monitoring tells endpoints by their names alone."""

from lake.metered import Metered
from tools.rules.judged import Look


def unlike(resource: Metered, look: Look) -> tuple[str, ...]:
    """What is missing where its metrics may be another endpoint's, in words."""
    if resource.resource_id not in look.namesakes:
        return ()
    return ("metrics of this endpoint alone: others in another region or account bear its name",)
