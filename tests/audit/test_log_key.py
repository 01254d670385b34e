"""The signer's folder: one key, one newest checkpoint, one signer at a time."""

from pathlib import Path
from typing import Any

import pytest

from app.database import reading
from app.errors import Exit, Problem
from app.log_key import KeyFolder
from app.processes.signer import Following
from audit.signer import NotSigned
from tests.audit.signing import KEY, bodies


def test_the_process_keeps_its_key_and_meets_what_it_signed_last(log: Any, tmp_path: Path) -> None:
    files = KeyFolder(tmp_path / "signer")
    first = Following(log.engine, files)
    assert first.round() is not None
    assert first.round() is None
    assert files.key() == first.key
    assert (files.key_file.stat().st_mode & 0o777, files.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    told = [one for one in bodies(log) if b"log.key_changed" in one]
    assert len(told) == 1
    assert str(first.key.verifier).encode() in told[0]
    again = Following(log.engine, KeyFolder(tmp_path / "signer"))
    assert again.key == first.key
    log.raw("DELETE FROM log_entry WHERE seq = 7", "DELETE FROM log_checkpoint")
    with pytest.raises(NotSigned, match="shorter"):
        again.round()


def test_a_checkpoint_that_was_signed_and_not_stored_is_stored_by_the_next_start(log: Any, tmp_path: Path) -> None:
    """Killed between its own file and the database."""
    files = KeyFolder(tmp_path / "signer")
    first = Following(log.engine, files)
    with reading(log.engine) as (session, _):
        first.signer.read(session)
    note = first.signer.sign()
    files.keep(note)
    assert Following(log.engine, files).round() == note


def test_another_key_is_told_by_an_entry(log: Any, tmp_path: Path) -> None:
    one = Following(log.engine, KeyFolder(tmp_path / "one"))
    other = Following(log.engine, KeyFolder(tmp_path / "other"))
    told = [body for body in bodies(log) if b"log.key_changed" in body]
    assert len(told) == 2
    assert str(one.key.verifier).encode() in told[1]
    assert str(other.key.verifier).encode() in told[1]


def test_files_beside_the_key_that_do_not_belong_together_are_refused(log: Any, tmp_path: Path) -> None:
    files = KeyFolder(tmp_path / "signer")
    Following(log.engine, files).round()
    files.key_file.chmod(0o644)
    with pytest.raises(Exception, match="Other users"):
        files.key()
    files.key_file.chmod(0o600)
    files.key_file.write_text(KEY.secret())
    with pytest.raises(Exception, match="not signed with this key"):
        Following(log.engine, files)
    files.key_file.write_text("rubbish")
    with pytest.raises(Exception, match="cannot be read") as told:
        files.key()
    assert "rubbish" not in str(told.value)


def test_one_signer_at_a_time_uses_a_key(log: Any, tmp_path: Path) -> None:
    """Two on two copies of a database would sign two trees of one name and size."""
    one, other = KeyFolder(tmp_path / "signer"), KeyFolder(tmp_path / "signer")
    with one.alone():
        with pytest.raises(Problem, match="already uses the key") as refused, other.alone():
            pytest.fail("two hold one key")
        assert refused.value.exit_code == Exit.CONFLICT
    with other.alone():
        assert Following(log.engine, other).round()


def test_what_another_signer_kept_meanwhile_is_not_written_over(log: Any, tmp_path: Path) -> None:
    """The checkpoint that is remembered never goes backwards, nor to another tree."""
    files = KeyFolder(tmp_path / "signer")
    with files.alone():
        first = Following(log.engine, files)
        assert first.round()
        log.fill(1)
        kept = Following(log.engine, KeyFolder(tmp_path / "signer")).round()
        log.fill(1)
        with pytest.raises(Problem, match="Nothing more is signed"):
            first.round()
        assert files.last_file.read_text() == kept


def test_a_lock_that_was_deleted_is_no_lock(log: Any, tmp_path: Path) -> None:
    files = KeyFolder(tmp_path / "signer")
    with files.alone():
        following = Following(log.engine, files)
        assert following.round()
        (tmp_path / "signer" / "lock").unlink()
        log.fill(1)
        with pytest.raises(Problem, match="Nothing more is signed"):
            following.round()
