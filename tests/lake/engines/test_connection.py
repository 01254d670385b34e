"""A server that is not there, holds no lake or does not let one in is told in words, without its password."""

import traceback
from collections.abc import Callable

import psycopg
import pytest

from lake.engine import Lake
from lake.engines.connection import connected
from lake.engines.served import Served
from lake.errors import LakeError
from lake.period import Period
from lake.question import Question
from tests.lake.engines.conftest import Twice


def test_no_server(lake: Lake) -> None:
    away = Served("postgresql://owner:hunter2@127.0.0.1:9/lake")
    with pytest.raises(LakeError, match="cannot be reached") as refusal:
        Lake(lake.folder, server=away).snapshots()
    assert "hunter2" not in str(refusal.value)
    assert "SPENDGATE_LAKE_URL" in refusal.value.do


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("postgresql://own%zz:hunter2@127.0.0.1:9/lake", id="a percent in the role"),
        pytest.param("postgresql://owner:hunter2%@127.0.0.1:9/lake", id="a percent in the password"),
        pytest.param("postgresql://owner:a@hunter2@127.0.0.1:9/lake", id="a raw @ in the password"),
        pytest.param("postgresql://ow@hunter2:secret@127.0.0.1:9/lake", id="a raw @ in the role"),
        pytest.param("postgresql://owner:hunter2 @127.0.0.1:9/lake", id="a space"),
        pytest.param("postgresql://owner:hunter2@[::1/lake", id="half a bracket"),
        pytest.param("postgresql://owner:hunter2@127.0.0.1:hunter2/lake", id="a port that is none"),
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(address: str) -> None:
    with pytest.raises(LakeError) as refusal:
        Served(address).current()
    told = "".join(traceback.format_exception(refusal.value))
    assert "hunter2" not in f"{refusal.value.what} {refusal.value.why} {refusal.value.do} {told}"
    assert refusal.value.why.endswith("Error.")


def test_no_lake_on_the_server(lake: Lake, new_database: Callable[..., str]) -> None:
    with pytest.raises(LakeError, match="No lake is published") as refusal:
        Lake(lake.folder, server=Served(new_database())).snapshots()
    assert "spendgate lake publish" in refusal.value.do


def test_a_reader_cannot_write(twice: Twice) -> None:
    with (
        pytest.raises(LakeError, match="could not answer"),
        connected(twice.address) as connection,
    ):
        connection.execute("DELETE FROM spendgate_lake.charges")


def test_a_lake_of_an_earlier_version(twice: Twice, new_database: Callable[..., str]) -> None:
    database = twice.address.partition("@/")[2].partition("?")[0]
    copy = new_database(like=database)
    with psycopg.connect(copy) as connection:
        connection.execute("ALTER TABLE spendgate_lake.charges DROP COLUMN x_service_tier")
    asked = Lake(twice.files.folder, server=Served(copy))
    with pytest.raises(LakeError, match="earlier version"):
        asked.ask(Question(period=Period.parse("2026-10"), by=("service_tier",)))
