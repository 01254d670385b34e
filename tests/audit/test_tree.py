"""RFC 9162's tree: known answers of other implementations, every proof of small trees, and every way to spoil one."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    consistency_proof,
    inclusion_path,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    root_of,
    verify_consistency,
    verify_inclusion,
)

PUBLISHED = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
LEAVES = [bytes.fromhex(text) for text in PUBLISHED]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""What the Certificate Transparency projects publish for these leaves."""

KNOWN_INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
}
KNOWN_CONSISTENCY = {
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
MANY = [bytes([at % 251]) * (at % 5) for at in range(66)]
ANY = b"\x5a" * 32


def test_the_roots_are_those_that_others_publish() -> None:
    assert [root(LEAVES[:size]).hex() for size in range(1, 9)] == list(ROOTS)
    assert root([]) == EMPTY_ROOT == bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert leaf_hash(b"") != EMPTY_ROOT
    assert node_hash(b"a", b"b") != leaf_hash(b"ab")


def test_the_proofs_are_those_that_others_publish() -> None:
    for (index, size), hashes in KNOWN_INCLUSION.items():
        assert [one.hex() for one in inclusion_proof(LEAVES[:size], index)] == list(hashes)
    for (size1, size2), hashes in KNOWN_CONSISTENCY.items():
        assert [one.hex() for one in consistency_proof(LEAVES[:size2], size1)] == list(hashes)


def spoilt(proof: list[bytes], *roots: bytes) -> list[list[bytes]]:
    """The proof with one thing wrong."""
    changed = [[*proof[:at], bytes([one[0] ^ 8]) + one[1:], *proof[at + 1 :]] for at, one in enumerate(proof)]
    longer = [[*proof, ANY], [ANY, *proof], *([*proof, one] for one in roots), *([one, *proof] for one in roots)]
    shorter = [proof[:-1], proof[1:]] if proof else []
    short_hash = [[*proof[:at], one[:31], *proof[at + 1 :]] for at, one in enumerate(proof)]
    return [*changed, *longer, *shorter, *short_hash, [*proof, b""]]


@pytest.mark.parametrize("size", range(1, 18))
def test_every_inclusion_proof_verifies_and_nothing_else_does(size: int) -> None:
    tree, whole = MANY[:size], root(MANY[:size])
    for index, leaf in enumerate(tree):
        proof, hashed = inclusion_proof(tree, index), leaf_hash(leaf)
        assert verify_inclusion(index, size, hashed, proof, whole)
        for wrong in spoilt(proof, whole, hashed):
            assert not verify_inclusion(index, size, hashed, wrong, whole)
        for other in {index - 1, index + 1, index ^ 2} - {index}:
            assert not verify_inclusion(other, size, hashed, proof, whole)
        assert not verify_inclusion(index, size, hashed, proof, EMPTY_ROOT)
        assert not verify_inclusion(index, size, ANY, proof, whole)
        assert not verify_inclusion(index, size, b"", proof, whole)
        if size > 1:
            assert not verify_inclusion(index, size * 2, hashed, proof, whole)


@pytest.mark.parametrize("size2", range(1, 18))
def test_every_consistency_proof_verifies_and_nothing_else_does(size2: int) -> None:
    root2 = root(MANY[:size2])
    for size1 in range(1, size2 + 1):
        root1, proof = root(MANY[:size1]), consistency_proof(MANY[:size2], size1)
        assert verify_consistency(size1, size2, proof, root1, root2)
        for wrong in spoilt(proof, root1, root2):
            assert not verify_consistency(size1, size2, wrong, root1, root2)
        assert not verify_consistency(size1, size2, proof, ANY, root2)
        assert not verify_consistency(size1, size2, proof, root1, ANY)
        assert not verify_consistency(size2 + 1, size1, proof, root2, root1)
        if size1 < size2:
            assert not verify_consistency(size1, size2, proof, root2, root1)
            assert not verify_consistency(size1, size2, [], root1, root2)
            assert not verify_consistency(size1 - 1, size2, proof, root1, root2)


def test_nothing_is_proven_from_an_empty_tree() -> None:
    assert not verify_consistency(0, 5, [], EMPTY_ROOT, root(MANY[:5]))
    assert not verify_consistency(0, 5, [ANY], EMPTY_ROOT, root(MANY[:5]))
    assert not verify_consistency(-1, 5, [ANY], EMPTY_ROOT, root(MANY[:5]))
    assert not verify_inclusion(0, 0, leaf_hash(b""), [], EMPTY_ROOT)
    for size in (0, -1, 6):
        with pytest.raises(ValueError, match="consistency proof"):
            consistency_proof(MANY[:5], size)
    for index in (-1, 5):
        with pytest.raises(ValueError, match="no entry"):
            inclusion_proof(MANY[:5], index)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2**40), st.data())
def test_a_proof_is_as_long_as_the_standard_has_it(size: int, data: st.DataObject) -> None:
    """At most one hash a bit of the size; the runs of leaves fill the tree without a gap or an overlap."""
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, size)
    assert len(path) <= (size - 1).bit_length()
    covered = sorted([*path, (index, index + 1)])
    assert covered[0][0] == 0
    assert covered[-1][1] == size
    assert all(one[1] == other[0] for one, other in pairwise(covered))
    earlier = data.draw(st.integers(1, size))
    assert len(consistency_path(earlier, size)) <= (size - 1).bit_length() + 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=8), max_size=70))
def test_a_tree_that_grows_leaf_by_leaf_is_the_same(leaves: list[bytes]) -> None:
    grown = Frontier()
    for at, leaf in enumerate(leaves):
        assert grown.root() == root(leaves[:at])
        grown.add(leaf_hash(leaf))
    assert (grown.root(), grown.size) == (root(leaves), len(leaves))
    assert root_of(map(leaf_hash, leaves)) == root(leaves)
