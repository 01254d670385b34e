"""Everything of a comparison at once, for tests whose records are a list."""

from collections.abc import Iterable
from datetime import UTC, datetime

from audit.population import Judged, Logged, Period
from audit.reconcile import Reconciliation
from audit.trail_event import Ours
from audit.trail_files import Raw

NOW = datetime(2027, 1, 1, tzinfo=UTC)
"""Later than everything that the tests let happen."""


def reconcile(logged: Logged, raws: Iterable[Raw], mine: Ours, period: Period) -> Judged:
    """The calls of these records against the log."""
    reconciliation = Reconciliation(logged, mine, period, now=NOW)
    for raw in raws:
        reconciliation.take(raw)
    return reconciliation.end()
