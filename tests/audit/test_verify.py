"""Whatever is changed in the stored log, verifying it says so and names the entry."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.canonical import sha256
from audit.errors import AuditError
from audit.verify import COLUMNS

COUNT = 6


def test_an_untouched_log_verifies_and_tells_its_head(log: Any) -> None:
    found = log.verify()
    assert (found.ok, found.entries, found.first_bad) == (True, COUNT, None)
    assert found.head.startswith("6:")
    assert log.verify(expected_head=found.head).ok


def test_a_log_that_was_emptied_does_not_verify(empty_log: Callable[[], Any]) -> None:
    found = empty_log().verify()
    assert (found.ok, found.first_bad, found.entries) == (False, 1, 0)


def stored(log: Any, column: str, seq: int) -> tuple[str, bytes | None]:
    connection = sqlite3.connect(log.path)
    row = connection.execute(
        f"SELECT typeof({column}), CAST({column} AS BLOB) FROM log_entry WHERE seq = ?", (seq,)
    ).fetchone()
    connection.close()
    return row[0], row[1]


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(column=st.sampled_from(COLUMNS), seq=st.integers(1, COUNT), place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_bit_of_any_column_of_any_row(kept: Any, column: str, seq: int, place: int, bit: int) -> None:
    kind, raw = stored(kept, column, seq)
    if raw is None:
        changed: bytes | int = b"x"
        cast = "CAST(? AS TEXT)"
    elif kind == "integer":
        changed, cast = int(raw) ^ (1 << bit), "?"
        if column == "seq" and 1 <= int(changed) <= COUNT:
            return  # that number is taken: the database itself refuses it
    else:
        altered = bytearray(raw)
        altered[place % len(raw)] ^= 1 << bit
        changed, cast = bytes(altered), "CAST(? AS TEXT)" if kind == "text" else "?"
    kept.raw((f"UPDATE log_entry SET {column} = {cast} WHERE seq = ?", (changed, seq)))
    found = kept.verify()
    where = int(changed) if column == "seq" and isinstance(changed, int) else seq
    back = "NULL" if raw is None else f"CAST(CAST(? AS TEXT) AS {'INTEGER' if kind == 'integer' else 'TEXT'})"
    back = "?" if kind == "blob" else back
    values = (where,) if raw is None else (raw, where)
    kept.raw((f"UPDATE log_entry SET {column} = {back} WHERE seq = ?", values))
    assert kept.verify().ok, "the example did not put back what it changed"
    assert not found.ok
    expected = min(seq, where) if column == "seq" else seq
    assert found.first_bad == expected, found.reason
    assert str(expected) in found.reason


def renumbered(start: int, end: int) -> str:
    return f"UPDATE log_entry SET seq = {end} WHERE seq = {start}"


CHANGES: list[tuple[str, list[str], int]] = [
    ("a row in the middle is deleted", ["DELETE FROM log_entry WHERE seq = 3"], 3),
    ("the first row is deleted", ["DELETE FROM log_entry WHERE seq = 1"], 1),
    (
        "a row is deleted and the gap is closed",
        ["DELETE FROM log_entry WHERE seq = 3", renumbered(4, 3), renumbered(5, 4), renumbered(6, 5)],
        3,
    ),
    ("two rows are swapped", [renumbered(2, 99), renumbered(4, 2), renumbered(99, 4)], 2),
    (
        "a row is repeated at the end",
        [
            "INSERT INTO log_entry SELECT 7, 'x', 'y', event, actor_kind, actor, proposal, proposal_version,"
            " recorded_at, body, writer FROM log_entry WHERE seq = 4"
        ],
        7,
    ),
    (
        "a row is added before the first",
        [
            "INSERT INTO log_entry SELECT 0, 'x', 'y', event, actor_kind, actor, proposal, proposal_version,"
            " recorded_at, body, writer FROM log_entry WHERE seq = 1"
        ],
        0,
    ),
    ("a column is emptied", ["UPDATE log_entry SET proposal = NULL WHERE seq = 3"], 3),
    (
        "what was said is changed",
        ["UPDATE log_entry SET body = CAST(replace(CAST(body AS TEXT), 'grüße', 'grüsse') AS BLOB) WHERE seq = 4"],
        4,
    ),
    ("a text becomes bytes", ["UPDATE log_entry SET event = CAST(event AS BLOB) WHERE seq = 5"], 5),
    ("a body becomes text", ["UPDATE log_entry SET body = CAST(body AS TEXT) WHERE seq = 5"], 5),
    ("a body is emptied", ["UPDATE log_entry SET body = x'' WHERE seq = 2"], 2),
    ("a text that is no text", ["UPDATE log_entry SET actor = CAST(x'ff00' AS TEXT) WHERE seq = 2"], 2),
    ("a number that is no number", ["UPDATE log_entry SET proposal_version = 'two' WHERE seq = 5"], 5),
]


@pytest.mark.parametrize(("what", "statements", "first_bad"), CHANGES, ids=[what for what, _, _ in CHANGES])
def test_it_is_named_when(log: Any, what: str, statements: list[str], first_bad: int) -> None:
    log.raw(*statements)
    found = log.verify()
    assert not found.ok
    assert found.first_bad == first_bad, found.reason


def test_a_rewritten_entry_with_a_fitting_hash_is_named_by_the_next_one(log: Any) -> None:
    body = stored(log, "body", 3)[1] or b""
    forged = body.replace(b'"w-1"', b'"w-2"')
    log.raw(
        (
            "UPDATE log_entry SET body = ?, hash = ?, actor = 'w-2' WHERE seq = 3",
            (forged, sha256(b"\x00", forged)),
        )
    )
    found = log.verify()
    assert (found.ok, found.first_bad) == (False, 4)


def test_a_body_in_another_form_is_named_even_with_a_fitting_hash(log: Any) -> None:
    body = (stored(log, "body", 6)[1] or b"") + b" "
    log.raw(("UPDATE log_entry SET body = ?, hash = ? WHERE seq = 6", (body, sha256(b"\x00", body))))
    assert log.verify().first_bad == 6


def test_a_cut_tail_is_only_found_by_an_expected_head(log: Any) -> None:
    head = log.verify().head
    log.raw("DELETE FROM log_entry WHERE seq > 4")
    assert log.verify().ok
    found = log.verify(expected_head=head)
    assert (found.ok, found.first_bad, found.entries) == (False, 5, 4)
    assert "ends at 4" in found.reason


def test_a_wholly_rewritten_log_is_found_by_an_expected_head(log: Any, tmp_path: Path) -> None:
    head = log.verify().head
    other = type(log)(tmp_path / "other.db")
    other.fill(2)
    other.fill(6)
    assert other.verify().ok
    found = other.verify(expected_head=head)
    assert (found.ok, found.first_bad) == (False, 6)


def test_an_older_head_stays_valid_while_the_log_grows(log: Any) -> None:
    head = log.verify().head
    log.fill(3)
    assert log.verify(expected_head=head).ok


@pytest.mark.parametrize("given_head", ["", "6", "six:abc", "6:abc", ":" + "0" * 64])
def test_a_head_that_is_none_is_said_so(log: Any, given_head: str) -> None:
    with pytest.raises(AuditError, match="NUMBER:HASH"):
        log.verify(expected_head=given_head)
