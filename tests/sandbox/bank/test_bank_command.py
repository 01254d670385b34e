"""`spendgate sandbox bank` writes the bank and says where; as JSON for scripts."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from app.commands.sandbox_bank import run


def test_it_writes_the_bank_and_says_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(into=tmp_path / "bank", until=date(2026, 3, 3)) == 0
    out, err = capsys.readouterr()
    assert "from 2025-02-01 to 2026-03-03" in out
    assert "spendgate ingest" in err
    assert (tmp_path / "bank" / "bill" / "aws" / "2026-03.parquet").exists()


def test_as_json_it_prints_one_document_and_by_default_it_ends_yesterday(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert run(into=tmp_path / "bank", csv=True, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert date.fromisoformat(told["until"]) in (yesterday, yesterday + timedelta(days=1))  # run at midnight
    assert isinstance(told["effective_cost"], str)
    assert all(Path(path).exists() for path in told["files"])
