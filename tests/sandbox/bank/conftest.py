"""One generated bank for all tests of this folder, and a way to ask its bill."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from sandbox.bank.write import BankSummary, write_bank

UNTIL = date(2026, 11, 22)
Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> BankSummary:
    return write_bank(tmp_path_factory.mktemp("bank"), until=UNTIL)


@pytest.fixture(scope="session")
def truth(bank: BankSummary) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((bank.folder / "truth.json").read_text())
    return read


@pytest.fixture(scope="session")
def machines(bank: BankSummary) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads((bank.folder / "machines.json").read_text())["machines"]
    return read


@pytest.fixture(scope="session")
def ask(bank: BankSummary) -> Iterator[Ask]:
    """Rows of a query over the tables `bill` and `utilization`."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE VIEW bill AS SELECT * FROM read_parquet('{bank.folder}/bill/*/*.parquet')")
        connection.execute(f"CREATE VIEW utilization AS SELECT * FROM '{bank.folder}/usage/utilization.parquet'")
        yield lambda query, *values: connection.execute(query, list(values)).fetchall()
