"""A doctored part of a log is refused by the name of the entry, as a doctored whole is."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from audit import canonical, checkpoint
from tests.audit.doctored import changed_entry, line_of, resealed
from tests.audit.packs import KEY, ORIGIN, Bench, files_of

PARTS: dict[str, tuple[str, Callable[[list[bytes]], None], str]] = {
    "an entry is changed": ("entries.jsonl", lambda lines: changed_entry(lines, 2), "entry 6: its proof"),
    "an entry is left out": ("entries.jsonl", lambda lines: lines.__delitem__(2), "where entry 6 should be"),
    "an entry is left out with its proof": ("both", lambda lines: lines.__delitem__(2), "where entry 6 should be"),
    "all entries are left out": ("both", lambda lines: lines.clear(), "missing"),
    "a proof is left out": ("proofs.jsonl", lambda lines: lines.__delitem__(2), "entry 6: its proof"),
    "the last proof is left out": ("proofs.jsonl", lambda lines: lines.__delitem__(5), "entry 9: "),
    "there is a proof too many": ("proofs.jsonl", lambda lines: lines.append(lines[0]), "more proofs than entries"),
    "a proof has a hash too few": (
        "proofs.jsonl",
        lambda lines: set_hashes(lines, 2, slice(1, None)),
        "entry 6: its pro",
    ),
    "a proof has a hash too many": (
        "proofs.jsonl",
        lambda lines: set_hashes(lines, 2, [0, 0, 1, 2, 3]),
        "entry 6: its p",
    ),
    "a proof has short hashes": ("proofs.jsonl", lambda lines: put(lines, 2, b'"AAAA"'), "entry 6: its proof"),
    "a proof has other base64": (
        "proofs.jsonl",
        lambda lines: put(lines, 2, b'"AB=="'),
        "entry 6: it is not the one form",
    ),
    "a proof is of no text": ("proofs.jsonl", lambda lines: put(lines, 2, b"7"), "entry 6: "),
    "a proof is of another index": ("proofs.jsonl", lambda lines: lines.insert(2, lines[3]), "entry 6: its proof"),
    "a proof names a part twice": ("proofs.jsonl", lambda lines: twice(lines, 2), "entry 6: it is written otherwise"),
    "a checkpoint has no proof": (
        "checkpoints.jsonl",
        lambda lines: no_proof(lines),
        "line 1: the log of its 6 entries",
    ),
    "a checkpoint has another root": (
        "checkpoints.jsonl",
        lambda lines: lines.insert(0, line_of(checkpoint.sign(ORIGIN, 6, bytes(32), KEY), told_proof(lines[0]))),
        "line 1: the log of its 6 entries is not the beginning",
    ),
}


def set_hashes(lines: list[bytes], at: int, which: Any) -> None:
    told = json.loads(lines[at])
    hashes = told["hashes"]
    told["hashes"] = hashes[which] if isinstance(which, slice) else [hashes[one] for one in which]
    lines[at] = canonical.canonical(told)


def put(lines: list[bytes], at: int, hashes: bytes) -> None:
    lines[at] = b'{"hashes":[' + hashes + b'],"index":5}'


def twice(lines: list[bytes], at: int) -> None:
    lines[at] = lines[at].replace(b'"index":5}', b'"index":0,"index":5}')


def no_proof(lines: list[bytes]) -> None:
    lines[0] = line_of(json.loads(lines[0])["note"])


def told_proof(line: bytes) -> tuple[str, ...]:
    return tuple(json.loads(line)["proof"])


@pytest.mark.parametrize("what", PARTS)
def test_a_doctored_part_is_refused_by_name(packs: dict[str, bytes], bench: Bench, what: str) -> None:
    name, doctor, told = PARTS[what]
    files = files_of(packs["part"])
    for one in ("entries.jsonl", "proofs.jsonl") if name == "both" else (name,):
        lines = files[one].split(b"\n")[:-1]
        doctor(lines)
        files[one] = b"".join(line + b"\n" for line in lines)
    assert bench.check(bench.zipped(resealed(files))) == 1
    assert told in bench.said.splitlines()[-1]
