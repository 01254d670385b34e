"""Signed notes, keys, checkpoints and proof files: the standards' own examples, and their refusals."""

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import checkpoint, note, proof
from audit.note import LOG, WITNESS, MalformedNote, Signature, SigningKey, UnverifiedNote, VerifierKey
from audit.tree import inclusion_proof, root

SIGNATURE = "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
PUBLISHED = f"""example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa {SIGNATURE}
"""
"""The example of C2SP tlog-checkpoint."""

GO_SUMDB = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
"""A key that is in use elsewhere: its id fits its name and bytes."""

KEY = SigningKey("bank.example/log", LOG, bytes(range(32)))
OTHER = SigningKey("bank.example/log", LOG, bytes(range(1, 33)))
SEES = SigningKey("witness.example/w1", WITNESS, bytes(range(2, 34)))
ROOT = bytes(range(100, 132))
ORDER = 2**252 + 27742317777372353535851937790883648493
"""The order of Ed25519's base point: a signature's second half must be less."""


def signed(key: SigningKey = KEY, size: int = 7) -> str:
    return checkpoint.sign(KEY.name, size, ROOT, key)


def test_the_published_example_is_read_and_written_as_it_stands() -> None:
    read = checkpoint.parse(PUBLISHED)
    assert (read.origin, read.size, read.root[:2]) == ("example.com/behind-the-sofa", 20852163, b"\x0a\xc5")
    assert str(read.note) == PUBLISHED
    assert str(VerifierKey.read(GO_SUMDB)) == GO_SUMDB


def test_what_was_signed_verifies_with_its_key_alone() -> None:
    found = checkpoint.verify(signed(), [str(KEY.verifier)])
    assert (found.origin, found.size, found.root, found.signers) == (KEY.name, 7, ROOT, (KEY.verifier,))
    assert SigningKey.read(KEY.secret()) == KEY
    for keys in ([], [str(OTHER.verifier)], [GO_SUMDB], [str(SEES.verifier)]):
        with pytest.raises(UnverifiedNote):
            checkpoint.verify(signed(), keys)
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    assert checkpoint.sign(KEY.name, 7, ROOT, private) == checkpoint.sign(KEY.name, 7, ROOT, KEY.secret()) == signed()


def test_a_witness_signs_with_its_time() -> None:
    read = note.parse(signed())
    both = read._replace(signatures=(*read.signatures, SEES.sign(read.text, at=1700000000)))
    found = checkpoint.verify(str(both), [str(KEY.verifier), str(SEES.verifier)])
    assert found.witnesses == (SEES.verifier,)
    assert int.from_bytes(both.signatures[1].value[:8], "big") == 1700000000
    later = Signature(SEES.name, SEES.verifier.id, (1700000001).to_bytes(8, "big") + both.signatures[1].value[8:])
    with pytest.raises(UnverifiedNote, match="witness"):
        checkpoint.verify(str(both._replace(signatures=(*read.signatures, later))), [KEY.verifier, SEES.verifier])


def test_signatures_of_unknown_keys_are_passed_over_and_of_known_ones_must_hold() -> None:
    read = note.parse(signed())
    stranger = Signature("stranger.example", b"abcd", b"x" * 64)
    more = str(read._replace(signatures=(stranger, *read.signatures)))
    assert checkpoint.verify(more, [KEY.verifier]).size == 7
    forged = Signature(KEY.name, KEY.verifier.id, b"x" * 64)
    with pytest.raises(UnverifiedNote, match="not of this text"):
        checkpoint.verify(str(read._replace(signatures=(*read.signatures, forged))), [KEY.verifier])


def test_a_malleable_signature_is_refused() -> None:
    """The same signature with the group's order added to its second half: some verifiers take both."""
    read = note.parse(signed())
    value = read.signatures[0].value
    other = value[:32] + (int.from_bytes(value[32:], "little") + ORDER).to_bytes(32, "little")
    with pytest.raises(UnverifiedNote):
        checkpoint.verify(str(read._replace(signatures=(Signature(KEY.name, KEY.verifier.id, other),))), [KEY.verifier])


def test_every_bit_of_a_note_counts() -> None:
    raw = signed().encode()
    for at in range(len(raw)):
        for bit in range(8):
            changed = raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]
            with pytest.raises((MalformedNote, UnverifiedNote)):
                checkpoint.verify(changed, [KEY.verifier])


def with_text(text: str) -> str:
    return str(note.Note(text, (KEY.sign(text),)))


CODED = base64.b64encode(ROOT).decode()
MALFORMED: dict[str, str | bytes] = {
    "nothing": "",
    "no signature": f"a\n1\n{CODED}\n\n",
    "no blank line": signed().replace("\n\n", "\n"),
    "it breaks off": signed()[:-1],
    "a hyphen for the dash": signed().replace("—", "-"),
    "two spaces": signed().replace("— bank", "—  bank"),
    "a tab": signed().replace("7\n", "7\t\n"),
    "not UTF-8": signed().encode().replace("—".encode(), b"\xff"),
    "half a character": signed().replace("bank", "b\ud800nk", 1),
    "base64 without its end": signed().replace("=", "", 1),
    "base64 with loose bits": signed()[:-3] + "R=\n" if signed()[-3] != "R" else signed()[:-3] + "Q=\n",
    "a signature of three bytes": f"a\n1\n{CODED}\n\n— a YWJj\n",
    "a name with a plus": signed().replace("— bank", "— ba+nk"),
    "too many signatures": signed() + note.parse(signed()).signatures[0].line() * 100,
    "too long": signed().replace("7\n", "7\n" + "x" * note.MOST_BYTES + "\n"),
    "two lines of text": with_text("a\n1\n"),
    "a leading zero": with_text(f"a\n07\n{CODED}\n"),
    "a sign": with_text(f"a\n+7\n{CODED}\n"),
    "a negative size": with_text(f"a\n-7\n{CODED}\n"),
    "a size in other digits": with_text(f"a\n７\n{CODED}\n"),
    "a size beyond all bounds": with_text(f"a\n{'9' * 5000}\n{CODED}\n"),
    "a size of 2^63": with_text(f"a\n{2**63}\n{CODED}\n"),
    "a root of 31 bytes": with_text(f"a\n7\n{base64.b64encode(ROOT[:31]).decode()}\n"),
    "a root in hex": with_text(f"a\n7\n{ROOT.hex()}\n"),
    "an empty line": with_text(f"a\n7\n{CODED}\n\nmore\n"),
    "an empty origin": with_text(f"\n7\n{CODED}\n"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_it_is_no_checkpoint(what: str) -> None:
    with pytest.raises(MalformedNote):
        checkpoint.parse(MALFORMED[what])
    with pytest.raises((MalformedNote, UnverifiedNote)):
        checkpoint.verify(MALFORMED[what], [KEY.verifier])


def test_extension_lines_are_kept_and_signed() -> None:
    found = checkpoint.verify(with_text(f"a\n7\n{CODED}\nmore\n"), KEY.verifier)
    assert found.extensions == ("more",)


NO_KEYS: dict[str, str] = {
    "nothing": "",
    "only a name": "a",
    "an id of another key": str(KEY.verifier).replace(KEY.verifier.id.hex(), "00000000"),
    "an id in capitals": str(KEY.verifier).replace(KEY.verifier.id.hex(), KEY.verifier.id.hex().upper()),
    "another name": str(KEY.verifier).replace("bank", "tank"),
    "a private key": KEY.secret(),
    "another type": str(VerifierKey(KEY.name, 2, KEY.verifier.public)),
    "a short key": str(VerifierKey(KEY.name, LOG, KEY.verifier.public[:31])),
    "a name with a space": str(VerifierKey("a b", LOG, KEY.verifier.public)),
}


@pytest.mark.parametrize("what", NO_KEYS)
def test_it_is_no_verifier_key(what: str) -> None:
    with pytest.raises(MalformedNote) as refused:
        VerifierKey.read(NO_KEYS[what])
    assert KEY.secret().rpartition("+")[2] not in str(refused.value)


@pytest.mark.parametrize("text", ["", str(KEY.verifier), KEY.secret()[:-4], KEY.secret().replace("bank", "tank")])
def test_it_is_no_private_key(text: str) -> None:
    with pytest.raises(MalformedNote):
        SigningKey.read(text)


def test_a_private_key_does_not_show_itself() -> None:
    assert repr(KEY) == str(KEY) == "SigningKey(bank.example/log)"


@pytest.mark.parametrize(
    "make",
    [
        lambda: checkpoint.sign("", 1, ROOT, KEY),
        lambda: checkpoint.sign("a\nb", 1, ROOT, KEY),
        lambda: checkpoint.sign("a", -1, ROOT, KEY),
        lambda: checkpoint.sign("a", 1, ROOT[:31], KEY),
        lambda: SigningKey.new("a b"),
    ],
)
def test_what_could_not_be_read_back_is_not_signed(make: Callable[[], object]) -> None:
    with pytest.raises(MalformedNote):
        make()


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_no_text_does_anything_but_be_refused(text: str | bytes) -> None:
    with pytest.raises(MalformedNote):
        checkpoint.parse(text)


LEAVES = [f"entry {at}".encode() for at in range(21)]
WHOLE = checkpoint.sign(KEY.name, len(LEAVES), root(LEAVES), KEY)


def made(at: int, /, **changed: object) -> proof.Proof:
    fields: dict[str, object] = {
        "index": at, "hashes": tuple(inclusion_proof(LEAVES, at)), "note": WHOLE, "extra": LEAVES[at]
    }  # fmt: skip
    return proof.Proof(**{**fields, **changed})  # type: ignore[arg-type]


def test_a_proof_file_proves_its_entry_and_no_other() -> None:
    for index, leaf in enumerate(LEAVES):
        text = str(made(index))
        assert proof.parse(text) == made(index)
        assert proof.verify(text, leaf, [KEY.verifier]).size == len(LEAVES)
        with pytest.raises(UnverifiedNote):
            proof.verify(text, leaf + b" ", [KEY.verifier])
    with pytest.raises(UnverifiedNote):
        proof.verify(made(3, index=4), LEAVES[3], [KEY.verifier])
    with pytest.raises(UnverifiedNote):
        proof.verify(made(3, hashes=(*made(3).hashes, ROOT)), LEAVES[3], [KEY.verifier])
    with pytest.raises(UnverifiedNote):
        proof.verify(made(3), LEAVES[3], [OTHER.verifier])


def test_every_bit_of_a_proof_file_counts() -> None:
    """But for the extra line, which nobody may trust: the entry is what is proven."""
    raw = str(made(5, extra=None)).encode()
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1 << at % 7]) + raw[at + 1 :]
        with pytest.raises((MalformedNote, UnverifiedNote)):
            proof.verify(changed.decode("utf-8", "replace"), LEAVES[5], [KEY.verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        str(made(5)).replace("@v1", "@v2"),
        str(made(5)).replace("index 5", "index 05"),
        str(made(5)).replace("index 5\n", ""),
        str(made(5)).replace("index 5", f"index {'9' * 5000}"),
        str(made(5)).replace("\n\n", "\n", 1),
        str(made(5, hashes=(ROOT[:31],))),
        str(made(5, hashes=(ROOT,) * 64)),
    ],
)
def test_it_is_no_proof_file(text: str) -> None:
    with pytest.raises(MalformedNote):
        proof.parse(text)
