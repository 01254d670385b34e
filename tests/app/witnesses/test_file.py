"""A file as a witness: appended to, never rewritten; broken writes are mended, cut and foreign notes are seen."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.witnesses.file import BROKEN, FileWitness
from app.witnesses.port import CUT, FORKED, KNOWS_MORE, Contradicted, NotShown
from audit.checkpoint import parse
from audit.note import SigningKey
from tests.app.witnesses.conftest import NAME, Leaves


def show(path: Path, leaves: Leaves, *sizes: int) -> FileWitness:
    """A new process's witness that is shown these sizes."""
    witness = FileWitness(path, leaves.key.verifier)
    for size in sizes:
        witness.publish(leaves.at(size), leaves.grown(size))
    return witness


def sizes(path: Path) -> list[int]:
    return [parse(one.note).size for one in FileWitness(path).known() if not one.broken]


def test_each_checkpoint_is_appended_once(tmp_path: Path, leaves: Leaves) -> None:
    path = tmp_path / "notes"
    show(path, leaves, 3, 7, 7)
    before = path.read_bytes()
    show(path, leaves, 7, 20)
    assert sizes(path) == [3, 7, 20]
    assert path.read_bytes().startswith(before)


@pytest.mark.parametrize("again", [[30], [20, 30]], ids=["another note comes next", "the same note comes next"])
def test_a_note_that_broke_off_anywhere_is_completed_or_marked(
    tmp_path: Path, leaves: Leaves, again: Sequence[int]
) -> None:
    """A crash leaves any beginning of what was to be written; the bytes before it are never touched."""
    path = tmp_path / "notes"
    show(path, leaves, 10)
    whole = path.read_bytes()
    record = str(leaves.at(20).note).encode() + b"\n"
    for kept in range(1, len(record)):
        path.write_bytes(whole + record[:kept])
        assert [one.broken for one in FileWitness(path).known()] == [False, True]
        show(path, leaves, *again)
        assert path.read_bytes().startswith(whole + record[:kept])
        notes = list(FileWitness(path).known())
        assert [parse(one.note).size for one in notes if not one.broken][-len(again) :] == list(again), kept
        goes_on = str(leaves.at(again[0]).note).encode().startswith(record[:kept])
        assert (BROKEN in path.read_bytes()) != (goes_on or again == [20, 30]), kept


def test_a_shorter_log_is_contradicted_after_a_restart(tmp_path: Path, leaves: Leaves) -> None:
    show(tmp_path / "notes", leaves, 20)
    with pytest.raises(Contradicted, match="knows 20 entries") as found:
        show(tmp_path / "notes", leaves, 19)
    assert (found.value.code, found.value.known) == (KNOWS_MORE, 20)


@pytest.mark.parametrize("size", [20, 30])
def test_another_log_under_the_same_key_is_contradicted(tmp_path: Path, leaves: Leaves, size: int) -> None:
    show(tmp_path / "notes", leaves, 10, 20)
    before = (tmp_path / "notes").read_bytes()
    with pytest.raises(Contradicted) as found:
        show(tmp_path / "notes", leaves.fork(5), size)
    assert found.value.code == FORKED
    assert (tmp_path / "notes").read_bytes() == before


def test_what_another_process_of_this_log_appended_is_seen(tmp_path: Path, leaves: Leaves) -> None:
    mine = show(tmp_path / "notes", leaves, 10)
    show(tmp_path / "notes", leaves.fork(12), 30)
    with pytest.raises(Contradicted):
        mine.publish(leaves.at(40), leaves.grown(40))


def test_a_file_that_was_cut_is_an_alarm_while_the_signer_runs(tmp_path: Path, leaves: Leaves) -> None:
    witness = show(tmp_path / "notes", leaves, 10, 20, 30)
    witness.publish(leaves.at(30), leaves.grown(30))
    data = (tmp_path / "notes").read_bytes()
    (tmp_path / "notes").write_bytes(data[: len(data) // 2])
    with pytest.raises(Contradicted, match="cut off") as found:
        witness.publish(leaves.at(40), leaves.grown(40))
    assert found.value.code == CUT


def test_a_restored_log_goes_on_beside_what_was_lost(tmp_path: Path, leaves: Leaves) -> None:
    show(tmp_path / "notes", leaves, 20)
    show(tmp_path / "notes", leaves.under(f"{NAME}/restored-1", 15), 18)
    assert sizes(tmp_path / "notes") == [20, 18]


def test_notes_of_strangers_do_not_stop_the_log(tmp_path: Path, leaves: Leaves) -> None:
    path = tmp_path / "notes"
    show(path, Leaves(SigningKey.new(NAME), leaves.leaves), 90)
    path.write_bytes(path.read_bytes() + b"rubbish\n\n\xff\n\n")
    show(path, leaves, 10)
    assert [
        parse(one.note).size
        for one in FileWitness(path).known()
        if "rubbish" not in one.note and "\ufffd" not in one.note
    ] == [90, 10]


def test_a_folder_that_is_not_mounted_is_a_failure_and_no_alarm(tmp_path: Path, leaves: Leaves) -> None:
    with pytest.raises(NotShown, match="mounted"):
        show(tmp_path / "nowhere" / "notes", leaves, 10)
    with pytest.raises(NotShown):
        list(FileWitness(tmp_path / "nowhere").known())
