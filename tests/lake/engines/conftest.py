"""A lake with awkward names and amounts, loaded once, and the same lake published to a PostgreSQL server."""

import csv
import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from lake.engine import Lake
from lake.engines.publish import publish
from lake.engines.served import Served
from lake.load import ingest
from tests.lake.conftest import row

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SERVICES = (
    "Machines",
    "Disks",
    "it's",
    'say "hi"',
    "back\\slash",
    "tab\there",
    "two\nlines",
    "ü, ñ",
    "%s {x}",
    "\\N",
    "b",
    "B",
)
TEAMS = ("risk", "Treasury", "*", "", "Zoë")
KINDS = ("g5.12xlarge", "m7g.large")


class Twice(NamedTuple):
    """One lake asked in its files and on its server."""

    files: Lake
    served: Lake
    address: str


def rows(seed: int, count: int) -> list[dict[str, str]]:
    """Charges of two months, in two currencies, of two providers, with amounts to the last digit that money has."""
    made, dice = [], random.Random(seed)
    for _ in range(count):
        day = date(2026, 9, 1) + timedelta(days=dice.randrange(60))
        cost = Decimal(dice.randrange(-(10**6), 10**12)).scaleb(-12) * dice.choice((1, 1000, 10**9))
        tags = {
            "team": dice.choice(TEAMS),
            "cost center": dice.choice(("a", "it's", "")),
            "k'ey": dice.choice(("x", "tab\there", "\\N")),
            "odd": dice.choice(("", "nul\x00l")),
        }
        made.append(
            row(
                format(cost, "f"),
                day=day.isoformat(),
                ServiceName=dice.choice(SERVICES),
                ProviderName=dice.choice(("AWS", "OpenAI")),
                BillingCurrency=dice.choice(("USD", "USD", "EUR")),
                ServiceCategory=dice.choice(("Compute", "AI and Machine Learning", "Storage")),
                RegionId=dice.choice(("eu-1", "us-1", "")),
                ResourceId=dice.choice(("i-1", "i-2", "vol-1", "")),
                ListCost=dice.choice(("", format(cost * 2, "f"))),
                ChargeDescription=f"per hour {dice.choice(KINDS)} Linux",
                ConsumedQuantity="1.5",
                ConsumedUnit=dice.choice(("Hours", "GB-Mo", "GPU-Hours", "Tokens", "1000 Tokens")),
                Tags=json.dumps({key: value for key, value in tags.items() if value}),
            )
        )
    return made


def loaded(folder: Path, made: list[dict[str, str]]) -> Lake:
    """A lake with these charges."""
    path = folder / "bill.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(made[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(made)
    lake = Lake(folder / "lake")
    report = ingest(lake, [path], now=NOW)
    assert (report.rows_loaded, report.rows_quarantined) == (len(made), 0), report.findings
    return lake


@pytest.fixture(scope="session")
def twice(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Twice:
    """The lake, and the published one."""
    folder = tmp_path_factory.mktemp("twice")
    files, address = loaded(folder, rows(7, 600)), new_database()
    publish(files, address, now=NOW)
    # where a served lake is asked there need be no files at all
    return Twice(files, Lake(folder / "nothing", server=Served(address)), address)
