"""`spendgate lake publish`, loading with a server named, and asking there from a home without any bill."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.settings import LAKE_URL, load_settings, refuse_credentials
from tests.lake.conftest import row, write  # noqa: F401


@pytest.fixture
def run(tmp_path: Path, new_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    address = new_database()
    for name in ("PGPASSWORD", "PGUSER", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)

    def ran(*words: str, home: str = "home", served: bool = True) -> Any:
        monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path / home))
        monkeypatch.setenv(LAKE_URL, address if served else "")
        return CliRunner().invoke(app, list(words))

    return ran


def test_what_is_loaded_is_asked_on_the_server(run: Any, write: Any) -> None:  # noqa: F811
    bill = write("bill.csv", [row("10.25", ServiceName="Disks")])
    loaded = run("ingest", str(bill))
    assert loaded.exit_code == 0, loaded.output
    assert "1 snapshot with 1 charge published, 0 were there already." in loaded.stderr
    asked = run("spend", "--by", "service", "--period", "2026-10", home="elsewhere")
    assert asked.exit_code == 0, asked.output
    assert "Disks\tUSD\t10.25" in asked.stdout
    alone = run("spend", "--period", "2026-10", home="elsewhere", served=False)
    assert "The lake is empty" in str(alone.exception or alone.output)
    again = run("lake", "publish", "--json")
    assert '"already_there": 1' in again.stdout


def test_without_a_server_there_is_nothing_to_publish_to(run: Any) -> None:
    refused = run("lake", "publish", served=False)
    assert refused.exit_code != 0
    assert "SPENDGATE_LAKE_URL is not set" in str(refused.exception or refused.output)


@pytest.mark.parametrize("process", ["worker", "signer", "witness"])
def test_who_never_asks_the_bill_does_not_hold_its_address(process: str) -> None:
    load_settings({})
    with pytest.raises(Exception, match=LAKE_URL):
        refuse_credentials(process, process, {LAKE_URL: "postgresql://a@h/b"})
