"""The stand-alone verifier agrees with the log's own code, and is one file that needs nothing of it."""

import ast
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import canonical, checkpoint, note, pack_verifier, tree
from audit.errors import AuditError
from audit.note import LOG, WITNESS, SigningKey

SOURCE = Path(pack_verifier.__file__).read_text()


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=40), st.data())
@settings(max_examples=60, deadline=None)
def test_it_agrees_with_the_other_code_about_trees(leaves: list[bytes], data: st.DataObject) -> None:
    edge: list[bytes] = []
    for size, leaf in enumerate(leaves):
        pack_verifier.add_leaf(edge, size, tree.leaf_hash(leaf))
    root = tree.root(leaves)
    assert pack_verifier.root_of(edge) == root
    index = data.draw(st.integers(0, len(leaves) - 1))
    leaf, proof = tree.leaf_hash(leaves[index]), tree.inclusion_proof(leaves, index)
    assert pack_verifier.root_by_inclusion(index, len(leaves), leaf, proof) == root
    old = data.draw(st.integers(1, len(leaves)))
    old_root, growth = tree.root(leaves[:old]), tree.consistency_proof(leaves, old)
    assert pack_verifier.is_consistent(old, len(leaves), growth, old_root, root)
    wrong_proof = data.draw(st.lists(st.sampled_from([*proof, *growth, leaf, root, b"short"]), max_size=8))
    at, size = data.draw(st.integers(-1, 41)), data.draw(st.integers(-1, 41))
    found = pack_verifier.root_by_inclusion(at, size, leaf, wrong_proof)
    assert (found == root) == tree.verify_inclusion(at, size, leaf, wrong_proof, root)
    mine = pack_verifier.is_consistent(at, size, wrong_proof, old_root, root)
    assert mine == (at > 0 and tree.verify_consistency(at, size, wrong_proof, old_root, root))


NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=8)
LINES = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=12)


def both(mine: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[Any, Any]:
    """What each returns, or None where it refuses."""
    results: list[Any] = []
    for call in (mine, theirs):
        try:
            results.append(call())
        except (ValueError, AuditError, RecursionError):
            results.append(None)
    return results[0], results[1]


@given(NAMES, st.sampled_from([LOG, WITNESS]), st.binary(min_size=32, max_size=32), st.data())
@settings(max_examples=40, deadline=None)
def test_it_agrees_with_the_other_code_about_notes(name: str, kind: int, seed: bytes, data: st.DataObject) -> None:
    made, vkey = both(lambda: SigningKey(name, kind, seed), lambda: str(SigningKey(name, kind, seed).verifier))
    mine, theirs = both(lambda: tuple(pack_verifier.read_key(vkey)), lambda: tuple(note.VerifierKey.read(vkey)))
    assert mine == theirs
    if theirs is None:
        return
    size, root = data.draw(st.integers(0, 2**63 - 1)), data.draw(st.binary(min_size=32, max_size=32))
    text = f"{data.draw(LINES)}\n{size}\n{b64encode(root).decode()}\n"
    signed = str(note.Note(text, (made.sign(text, at=data.draw(st.integers(0, 2**64 - 1))),)))
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(signed) - 1))
        signed = signed[:at] + data.draw(st.sampled_from(["", "x", "\n", "=", "+", "\u2014", " "])) + signed[at + 1 :]
    one = pack_verifier.read_key(vkey)
    keys = ({(one.name, one.id()): one}, [note.VerifierKey.read(vkey)])

    def by_mine() -> tuple[Any, ...]:
        point = pack_verifier.parse_checkpoint(signed.encode())
        if not pack_verifier.signers(point, keys[0]):
            raise ValueError("nobody signed")
        return point.origin, point.size, point.root

    def by_theirs() -> tuple[Any, ...]:
        point = checkpoint.verify(signed, keys[1])
        return point.origin, point.size, point.root

    mine, theirs = both(by_mine, by_theirs)
    assert mine == theirs


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.data())
@settings(max_examples=150, deadline=None)
def test_it_agrees_with_the_other_code_about_canonical_form(value: Any, data: st.DataObject) -> None:
    mine, written = both(lambda: value, lambda: canonical.canonical(value))
    if written is None:
        return  # half a character, which no UTF-8 has
    assert pack_verifier.canonical(written) == mine
    at = data.draw(st.integers(0, len(written)))
    piece = data.draw(
        st.sampled_from([b"", b" ", b"0", b".5", b"-", b"e1", b'"', b"\\u0041", b",", b"9" * 17, b"\xff"])
    )
    changed = written[:at] + piece + written[at + data.draw(st.integers(0, 2)) :]
    mine, theirs = both(lambda: pack_verifier.canonical(changed), lambda: canonical.read(changed))
    assert mine == theirs


@pytest.mark.parametrize("ordered", [True, False])
def test_names_are_in_the_order_of_their_utf_16_units(ordered: bool) -> None:
    """Which is not the order of their code points: a character of four bytes comes before one of three."""
    written = b'{"\xf0\x9f\x98\x80":1,"\xef\xbd\x9e":2}' if ordered else b'{"\xef\xbd\x9e":2,"\xf0\x9f\x98\x80":1}'
    mine, theirs = both(lambda: pack_verifier.canonical(written), lambda: canonical.read(written))
    assert mine == theirs
    assert (mine is not None) == ordered


def test_it_is_one_file_that_needs_nothing_of_ours() -> None:
    assert len(SOURCE.splitlines()) <= 400
    imported = set()
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add((node.module or "").split(".")[0])
    assert "cryptography" in imported
    assert imported - {"cryptography"} <= set(sys.stdlib_module_names)
    ast.parse(SOURCE, feature_version=(3, 9))
