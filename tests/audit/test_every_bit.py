"""Every bit of a log, flipped in turn: each is found, and the entry is named."""

from typing import Any

import pytest

from app.database import beside, reading
from audit import checkpoint
from audit.note import SigningKey
from audit.signer import Signer
from audit.stored_tree import StoredTree
from audit.tree import leaf_hash, verify_inclusion
from audit.verify import COLUMNS, judge, rows
from tests.audit.conftest import START

FEW, MANY = 50, 1000
KEY = SigningKey.new("bank.example/log")


def flipped(raw: bytes, at: int, bit: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_bit_of_fifty_entries_in_every_column(empty_log: Any) -> None:
    """As the whole check judges a row: by its bytes, its columns, its number and the entry before."""
    log = empty_log()
    log.fill(FEW)
    with reading(log.engine) as (session, _):
        stored = list(rows(session))
    before, unseen, tried = "0" * 64, [], 0
    for number, row in enumerate(stored, 1):
        assert judge(row, expected=number, prev=before) is None
        for column in COLUMNS:
            kind, raw = row[column]
            for at in range(len(raw or b"")):
                for bit in range(8):
                    tried += 1
                    changed = row | {column: (kind, flipped(raw, at, bit))}
                    if column == "seq" and not changed["seq"][1].isdigit():
                        continue  # no database gives such bytes for a whole number
                    found = judge(changed, expected=number, prev=before)
                    if found is None:
                        unseen.append((number, column, at, bit))
        before = row["hash"][1].decode()
    assert unseen == []
    assert tried > 8 * FEW * 500


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_bit_of_every_byte_of_a_thousand_entries_by_their_proofs(empty_log: Any) -> None:
    """As whoever was given one entry with its proof judges it: by the signed root alone."""
    log = empty_log()
    log.fill(MANY)
    signer = Signer(KEY, origin=KEY.name)
    with reading(log.engine) as (session, _):
        signer.read(session)
    note = signer.sign()
    with beside(log.engine) as (session, _):
        signer.store(session, note, START)
    signed = checkpoint.verify(note, KEY.verifier)
    unseen, tried = [], 0
    with reading(log.engine) as (session, _):
        tree = StoredTree(session)
        for index, row in enumerate(rows(session, 1, MANY)):
            body = row["body"][1]
            proof = tree.inclusion(index, signed.size)
            assert verify_inclusion(index, signed.size, leaf_hash(body), proof, signed.root)
            for at in range(len(body)):
                tried += 1
                changed = flipped(body, at, at % 8)
                if verify_inclusion(index, signed.size, leaf_hash(changed), proof, signed.root):
                    unseen.append((index, at))
    assert unseen == []
    assert tried > MANY * 300
