"""The Merkle tree of RFC 9162 §2.1: hashes, roots, proofs, and their verification. Pure; SHA-256 throughout.

Which subtrees a proof consists of does not depend on where their hashes come from: `inclusion_path` and
`consistency_path` name them, `inclusion_proof` and `consistency_proof` take them from the entries themselves, and
`stored_tree.py` from what the signer stored.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

Range = tuple[int, int]
"""A run of leaves, [first, end), whose root is one hash of a proof."""

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()
_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """HASH(0x00 || data): §2.1.1."""
    return sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """HASH(0x01 || left || right): §2.1.1."""
    return sha256(_NODE + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the roots of its complete subtrees, largest first.

    `add` takes leaf hashes in order; `root` is the tree's hash so far. Holds one hash for each bit of the size.
    """

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Grows the tree by one leaf, given its hash."""
        held, grown, edge = self.size, leaf, self._edge
        while held & 1:
            grown = sha256(_NODE + edge.pop() + grown).digest()
            held >>= 1
        edge.append(grown)
        self.size += 1

    def root(self) -> bytes:
        """MTH(D_n) of what was added: §2.1.1."""
        if not self._edge:
            return EMPTY_ROOT
        found = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            found = node_hash(left, found)
        return found


def root(leaves: Iterable[bytes]) -> bytes:
    """MTH(D_n) of raw entries: §2.1.1; of none it is the hash of nothing."""
    return root_of(map(leaf_hash, leaves))


def root_of(hashes: Iterable[bytes]) -> bytes:
    """The same of leaf hashes, or of the roots of equal complete subtrees."""
    edge = Frontier()
    for one in hashes:
        edge.add(one)
    return edge.root()


def split(size: int) -> int:
    """The largest power of two smaller than `size` (at least 2): the k of §2.1.1."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_path(index: int, size: int) -> list[Range]:
    """PATH(m, D_n) of §2.1.3.1 as runs of leaves, from the leaf's sibling upwards; outside the tree a ValueError."""
    if not 0 <= index < size:
        raise ValueError(f"there is no entry {index} in a tree of {size}")
    path: list[Range] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + split(end - first)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    return path[::-1]


def consistency_path(size1: int, size2: int) -> list[Range]:
    """PROOF(m, D_n) of §2.1.4.1 as runs of leaves; none for equal sizes; from size 0 a ValueError."""
    if not 0 < size1 <= size2:
        raise ValueError(f"there is no consistency proof from size {size1} to size {size2}")
    path: list[Range] = []
    first, end, whole = 0, size2, True
    while size1 != end:
        middle = first + split(end - first)
        if size1 <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first, whole = middle, False
    if not whole:
        path.append((first, end))
    return path[::-1]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The proof that entry `index` (from 0) is in the tree of the raw entries `leaves`: §2.1.3.1."""
    return [root(leaves[first:end]) for first, end in inclusion_path(index, len(leaves))]


def consistency_proof(leaves: Sequence[bytes], size: int) -> list[bytes]:
    """The proof that the tree of the first `size` entries is the beginning of the tree of all: §2.1.4.1."""
    return [root(leaves[first:end]) for first, end in consistency_path(size, len(leaves))]


def verify_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from the leaf to the root: §2.1.3.2. A proof of another length is none."""
    if not 0 <= index < size or not _hashes(leaf_hash, *proof):
        return False
    at, last, found = index, size - 1, leaf_hash
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> bool:
    """Whether the tree of `size1` is the beginning of that of `size2`: §2.1.4.2. Size 0 is the beginning of nothing."""
    if size1 == size2:
        return size1 >= 0 and not proof and root1 == root2
    if not 0 < size1 < size2 or not proof or not _hashes(root1, *proof):
        return False
    steps = list(proof)
    if size1 & (size1 - 1) == 0:
        steps.insert(0, root1)
    at, last = size1 - 1, size2 - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == root1 and new == root2


def _hashes(*values: bytes) -> bool:
    return all(isinstance(value, bytes) and len(value) == HASH_BYTES for value in values)
