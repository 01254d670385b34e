"""A witness answers as C2SP tlog-witness has it, and cosigns no two trees of one size."""

import base64
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.errors import Problem
from app.witnesses import submission
from app.witnesses.memory import Memory, opened
from app.witnesses.process import cosigned
from audit.checkpoint import parse, verify
from audit.note import WITNESS, MalformedNote, Note, SigningKey
from tests.app.witnesses.conftest import NAME, TIME, WITNESS_NAME, Leaves, Served

pytestmark = pytest.mark.slow

HASH = base64.b64encode(bytes(32)) + b"\n"


def test_a_checkpoint_is_cosigned_with_the_witnesses_own_key_and_time(witness: Served, leaves: Leaves) -> None:
    answer = witness.post(leaves.body(0, 10))
    assert answer.status_code == 200
    signed = verify(cosigned(leaves.at(10), answer.text), witness.key)
    assert (signed.origin, signed.size, signed.root) == (NAME, 10, leaves.at(10).root)
    (line,) = [one for one in signed.note.signatures if one.name == WITNESS_NAME]
    assert int.from_bytes(line.value[:8], "big") == TIME
    assert witness.key.kind == WITNESS
    assert answer.text == line.line()


def test_it_grows_by_proofs_and_tells_what_it_cosigned_last(witness: Served, leaves: Leaves) -> None:
    for old, new in ((0, 1), (1, 7), (7, 8), (8, 8), (8, 99)):
        assert witness.post(leaves.body(old, new)).status_code == 200
    told = verify(witness.get(NAME).text, [leaves.key.verifier, witness.key])
    assert (told.size, len(told.signers)) == (99, 2)
    assert witness.get("bank.example/other").status_code == 204


@pytest.mark.parametrize("old", [0, 3, 11])
def test_another_old_size_than_the_known_one_is_a_conflict_that_names_the_known(
    witness: Served, leaves: Leaves, old: int
) -> None:
    witness.post(leaves.body(0, 10))
    answer = witness.post(leaves.body(old, 20))
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (409, "10\n", "text/x.tlog.size")
    assert parse(witness.get(NAME).text).size == 10


def test_a_first_old_size_that_is_not_zero_is_a_conflict(witness: Served, leaves: Leaves) -> None:
    answer = witness.post(leaves.body(5, 10))
    assert (answer.status_code, answer.text) == (409, "0\n")


def test_an_older_checkpoint_is_never_cosigned_again(witness: Served, leaves: Leaves) -> None:
    witness.post(leaves.body(0, 20))
    assert witness.post(leaves.body(20, 10)).status_code == 400
    assert witness.post(leaves.body(10, 10)).status_code == 409
    assert parse(witness.get(NAME).text).size == 20


def test_another_tree_of_the_known_size_is_a_conflict(witness: Served, leaves: Leaves) -> None:
    witness.post(leaves.body(0, 20))
    answer = witness.post(leaves.fork(5).body(20, 20))
    assert (answer.status_code, answer.text) == (409, "20\n")


@pytest.mark.parametrize("at", [0, 5, 19])
def test_a_tree_that_does_not_contain_the_known_one_is_refused(witness: Served, leaves: Leaves, at: int) -> None:
    witness.post(leaves.body(0, 20))
    assert witness.post(leaves.fork(at).body(20, 30)).status_code == 422
    assert witness.post(submission.body(20, [], leaves.at(30))).status_code == 422
    assert witness.post(submission.body(20, leaves.proof(20, 30)[::-1], leaves.at(30))).status_code == 422
    assert parse(witness.get(NAME).text).size == 20
    assert witness.post(leaves.body(20, 30)).status_code == 200


@pytest.mark.parametrize("old", [0, 20])
def test_a_proof_where_none_belongs_is_refused(witness: Served, leaves: Leaves, old: int) -> None:
    if old:
        witness.post(leaves.body(0, old))
    assert witness.post(submission.body(old, [bytes(32)], leaves.at(20))).status_code == 422


def test_an_unknown_log_is_not_found(witness: Served, leaves: Leaves) -> None:
    stranger = Leaves(SigningKey.new("bank.example/other"), leaves.leaves, "bank.example/other")
    assert witness.post(stranger.body(0, 10)).status_code == 404


def test_a_known_name_with_another_key_is_forbidden(witness: Served, leaves: Leaves) -> None:
    forged = Leaves(SigningKey.new(NAME), leaves.leaves)
    assert witness.post(forged.body(0, 10)).status_code == 403
    assert witness.get(NAME).status_code == 204


def test_a_signature_of_another_text_is_forbidden(witness: Served, leaves: Leaves) -> None:
    taken = leaves.at(20).note.signatures
    moved = parse(str(Note(leaves.at(10).note.text, taken)))
    assert witness.post(submission.body(0, [], moved)).status_code == 403


def test_signatures_of_unknown_keys_are_passed_over_and_not_kept(witness: Served, leaves: Leaves) -> None:
    other = SigningKey.new("other.example", WITNESS)
    note = leaves.at(10).note
    both = parse(str(Note(note.text, (other.sign(note.text, at=1), *note.signatures))))
    assert witness.post(submission.body(0, [], both)).status_code == 200
    assert "other.example" not in witness.get(NAME).text


def _with(head: bytes) -> Callable[[Leaves], bytes]:
    return lambda leaves: head + str(leaves.at(10).note).encode()


MALFORMED: dict[str, Callable[[Leaves], bytes]] = {
    "nothing": lambda _: b"",
    "no old size": _with(b"\n"),
    "an old size with a leading zero": _with(b"old 00\n\n"),
    "a negative old size": _with(b"old -1\n\n"),
    "an old size with two spaces": _with(b"old  0\n\n"),
    "an old size beyond any log": _with(b"old 9223372036854775808\n\n"),
    "an old size larger than the checkpoint's": _with(b"old 11\n\n"),
    "carriage returns": _with(b"old 0\r\n\r\n"),
    "no empty line": _with(b"old 0\n"),
    "a proof that is not base64": _with(b"old 0\n!\n\n"),
    "a hash of 31 bytes": _with(b"old 0\n" + base64.b64encode(bytes(31)) + b"\n\n"),
    "base64 without padding": _with(b"old 0\n" + HASH.replace(b"=", b"") + b"\n"),
    "64 hashes": _with(b"old 0\n" + 64 * HASH + b"\n"),
    "a checkpoint that breaks off": lambda leaves: leaves.body(0, 10)[:-1],
    "a note that is no checkpoint": lambda leaves: (
        b"old 0\n\n" + str(Note("hello\n", (leaves.key.sign("hello\n"),))).encode()
    ),
    "bytes that are no text": lambda leaves: leaves.body(0, 10).replace(b"bank", b"b\xffnk"),
    "more than a body may have": lambda leaves: leaves.body(0, 10) + b"x" * submission.MOST_BYTES,
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_no_submission_is_a_bad_request(witness: Served, leaves: Leaves, what: str) -> None:
    assert witness.post(MALFORMED[what](leaves)).status_code == 400
    assert witness.get(NAME).status_code == 204


def test_63_hashes_are_read(witness: Served, leaves: Leaves) -> None:
    assert witness.post(_with(b"old 0\n" + 63 * HASH + b"\n")(leaves)).status_code == 422


def test_only_a_post_submits(witness: Served) -> None:
    assert httpx.get(f"{witness.url}/add-checkpoint", trust_env=False).status_code == 405


def test_what_was_cosigned_outlives_the_process(serve: Callable[..., Served], leaves: Leaves, tmp_path: Path) -> None:
    first = serve(leaves.key.verifier)
    first.post(leaves.body(0, 20))
    again = Memory(tmp_path / "witness", WITNESS_NAME)
    assert again.key == first.memory.key
    known = again.newest(NAME)
    assert known is not None
    assert (known.size, known.root) == (20, leaves.at(20).root)


def test_two_clients_at_once_never_take_the_witness_back(witness: Served, leaves: Leaves) -> None:
    """Each of eight clients wants its own next size; of those that start from one old size exactly one gets it."""
    witness.post(leaves.body(0, 1))
    answers: list[tuple[int, int]] = []
    ready = threading.Barrier(8)

    def client(step: int) -> None:
        for _ in range(3):
            old = parse(witness.get(NAME).text).size
            ready.wait(10)
            answers.append((old, witness.post(leaves.body(old, min(100, old + step))).status_code))
            ready.wait(10)

    threads = [threading.Thread(target=client, args=(step,)) for step in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 24
    won = [old for old, status in answers if status == 200]
    assert len(won) == len(set(won)) == 3
    assert {status for _, status in answers} == {200, 409}


def test_a_restored_log_is_new_only_to_whom_the_log_is_known(
    serve: Callable[..., Served], leaves: Leaves, tmp_path: Path
) -> None:
    restored = leaves.under(f"{NAME}/restored-1", kept=15)
    stranger = serve(leaves.key.verifier, folder=tmp_path / "stranger")
    assert stranger.post(restored.body(0, 20)).status_code == 404
    knows = serve(leaves.key.verifier)
    knows.post(leaves.body(0, 20))
    assert knows.post(restored.body(0, 18)).status_code == 200
    assert knows.post(restored.body(18, 30)).status_code == 200
    assert parse(knows.get(NAME).text).size == 20, "what was known before the restore is evidence of what was lost"
    assert knows.post(leaves.body(0, 25)).text == "20\n"


def test_restores_come_one_after_another(witness: Served, leaves: Leaves) -> None:
    witness.post(leaves.body(0, 20))
    assert witness.post(leaves.under(f"{NAME}/restored-2", 10).body(0, 15)).status_code == 200
    assert witness.post(leaves.under(f"{NAME}/restored-1", 10).body(0, 15)).status_code == 404
    assert witness.post(leaves.under(f"{NAME}/restored-3", 10).body(0, 15)).status_code == 200
    assert witness.post(leaves.under(f"{NAME}/restored-04", 10).body(0, 15)).status_code == 404


def test_a_witness_that_comes_later_is_told_the_name_after_a_restore(
    serve: Callable[..., Served], leaves: Leaves
) -> None:
    late = serve(leaves.key.verifier, also=[f"{NAME}/restored-1"])
    assert late.post(leaves.under(f"{NAME}/restored-1", 10).body(0, 15)).status_code == 200
    assert late.post(leaves.under(f"{NAME}/restored-2", 10).body(0, 15)).status_code == 200


def test_a_state_that_this_witness_did_not_sign_is_not_started_with(witness: Served, leaves: Leaves) -> None:
    witness.post(leaves.body(0, 20))
    (state,) = (witness.memory.folder / "logs").glob("*.note")
    state.write_text(str(leaves.at(5).note))
    with pytest.raises(Problem, match="does not start with"):
        Memory(witness.memory.folder, WITNESS_NAME)


def test_a_folder_has_one_witness_under_one_name(witness: Served) -> None:
    with pytest.raises(Problem, match="already runs"), opened(witness.memory.folder, WITNESS_NAME):
        pass
    with pytest.raises(Problem, match="belongs to its name"):
        Memory(witness.memory.folder, "other.example")


def test_it_follows_logs_and_no_witnesses(serve: Callable[..., Served]) -> None:
    with pytest.raises(MalformedNote, match="follows logs"):
        serve(SigningKey.new("other.example", WITNESS).verifier)


def test_a_state_that_is_gone_is_not_started_without(witness: Served, leaves: Leaves, tmp_path: Path) -> None:
    """A log whose state was deleted could be shown again from the beginning, and be another one."""
    Memory(witness.memory.folder, WITNESS_NAME)  # nothing was cosigned yet
    assert witness.post(leaves.body(0, 5)).status_code == 200
    Memory(witness.memory.folder, WITNESS_NAME)
    for path in (witness.memory.folder / "logs").glob("*.note"):
        path.unlink()
    with pytest.raises(Problem, match="it is gone"):
        Memory(witness.memory.folder, WITNESS_NAME)


def test_beside_a_deleted_lock_nothing_is_cosigned(witness: Served, leaves: Leaves) -> None:
    """Another witness may run on the folder by then, and each would forget what the other cosigned."""
    assert witness.post(leaves.body(0, 5)).status_code == 200
    (witness.memory.folder / "lock").unlink()
    assert witness.post(leaves.body(5, 9)).status_code >= 500
    newest = witness.memory.newest(leaves.origin)
    assert newest is not None
    assert newest.size == 5
