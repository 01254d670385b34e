"""Which later event need not be told again, as a table."""

from datetime import date
from decimal import Decimal

import pytest

from tools.detection.marks import Mark, MarkKind, quiet_because

TODAY, START = date(2026, 11, 20), date(2026, 11, 18)
HERE = (("service", "S"), ("team", "T"))


def made(kind: MarkKind, **more: object) -> Mark:
    given = {"names": HERE, "currency": "USD", "event": "A-1", "excess": Decimal(100), "person": "p-1", "at": TODAY}
    return Mark(kind=kind, **{**given, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "mark", "event", "excess", "quiet"),
    [
        ("no anomaly, one like it", made(MarkKind.NOT_AN_ANOMALY), "A-2", "120", True),
        ("no anomaly, but this one is larger", made(MarkKind.NOT_AN_ANOMALY), "A-2", "150", False),
        ("no anomaly, but this one is a fall", made(MarkKind.NOT_AN_ANOMALY), "A-2", "-100", False),
        ("no anomaly, too long ago", made(MarkKind.NOT_AN_ANOMALY, at=date(2026, 4, 1)), "A-2", "100", False),
        ("acknowledged, the same event", made(MarkKind.ACKNOWLEDGED), "A-1", "149", True),
        ("acknowledged, grown since", made(MarkKind.ACKNOWLEDGED), "A-1", "150", False),
        ("acknowledged, another event", made(MarkKind.ACKNOWLEDGED), "A-2", "100", False),
        ("planned for that day", made(MarkKind.PLANNED, first=START, until=START), "A-2", "900", True),
        ("planned for other days", made(MarkKind.PLANNED, first=TODAY, until=TODAY), "A-1", "1", False),
        ("snoozed until today", made(MarkKind.SNOOZED, until=TODAY), "A-2", "900", True),
        ("snoozed until yesterday", made(MarkKind.SNOOZED, until=date(2026, 11, 19)), "A-1", "1", False),
        ("of another series", made(MarkKind.SNOOZED, until=TODAY, names=(("team", "T"),)), "A-1", "1", False),
        ("in another currency", made(MarkKind.SNOOZED, until=TODAY, currency="EUR"), "A-1", "1", False),
    ],
)
def test_what_is_quiet(what: str, mark: Mark, event: str, excess: str, quiet: bool) -> None:
    found = quiet_because(
        [mark], event=event, names=HERE, currency="USD", start=START, excess=Decimal(excess), today=TODAY
    )
    assert (found is not None) is quiet, what
