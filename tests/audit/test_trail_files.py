"""CloudTrail's files as they really lie about: gzipped, cut off, concatenated, spoilt; nothing is lost in silence."""

import gzip
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from audit.errors import AuditError
from audit.trail_files import CHUNK, MOST, Raw, Summary, files_of, records

GOOD = {"eventVersion": "1.11", "eventID": "e", "n": 7}


def good(number: int) -> dict[str, Any]:
    return GOOD | {"eventID": f"e{number}", "why": "ü" * 5}


def listed(*numbers: int) -> bytes:
    return json.dumps({"Records": [good(number) for number in numbers]}, ensure_ascii=False).encode()


def lines(*numbers: int) -> bytes:
    return b"".join(json.dumps(good(number)).encode() + b"\n" for number in numbers)


def read(tmp_path: Path, content: bytes) -> list[tuple[int, str]]:
    """Each record by its number, as its event id or as why it cannot be read."""
    path = tmp_path / "file.json"
    path.write_bytes(content)
    found = []
    for one in records(path):
        assert isinstance(one, Raw)
        assert one.file == str(path)
        found.append(
            (one.number, one.why or str(one.record.get("eventID") if isinstance(one.record, dict) else one.record))
        )
    return found


@pytest.mark.parametrize(
    "content",
    [
        listed(1, 2),
        gzip.compress(listed(1, 2)),
        b"\xef\xbb\xbf" + listed(1, 2),
        lines(1, 2),
        gzip.compress(lines(1, 2)),
        json.dumps([good(1), good(2)], indent=2).encode(),
        json.dumps({"Records": [good(1), good(2)]}, indent=4).encode(),
        listed(1) + listed(2),
        listed(1) + b"\n" + lines(2),
        b'{"Records": [' + json.dumps(good(1)).encode() + b'], "next": {"a": [1]}}' + lines(2),
        b'{"next": "x", "Records": [' + json.dumps(good(1)).encode() + b"]}" + lines(2),
        json.dumps(good(1), indent=2).encode() + b"\n" + json.dumps(good(2), indent=2).encode(),
        gzip.compress(listed(1)) + gzip.compress(listed(2)),
        listed(1)[:-1] + b', "Records": [' + json.dumps(good(2)).encode() + b"]}",
        listed(1)[:-1] + b', "x": [], "Events" : [' + json.dumps(good(2)).encode() + b"]}",
        json.dumps({"x": 1, "Records": [good(1)], "Events": [good(2)]}).encode(),
        json.dumps({"digestStartTime": "x", "Records": [good(1), good(2)]}).encode(),
        json.dumps(good(1) | {"eventName": "x", "digestS3Object": "y"}).encode() + b"\n" + lines(2),
    ],
    ids=["records", "gzip", "byte order mark", "lines", "lines in gzip", "list", "indented", "two documents", "mixed",
         "more after", "more before", "indented values", "two members", "records twice", "records and events",
         "lists behind another name", "a digest's name and records", "a record with a digest's name"],
)  # fmt: skip
def test_every_usual_shape_gives_its_records_in_order(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == [(1, "e1"), (2, "e2")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", [(0, "the file is empty")]),
        (gzip.compress(b""), [(0, "the file is empty")]),
        (b"%PDF-1.7 \x00\xff", [(1, "it is no JSON (expecting value)")]),
        (listed(1, 2)[:-40], [(1, "e1"), (2, "it is no JSON")]),
        (listed(1)[:-1], [(1, "e1"), (2, "the list of records does not end as one")]),
        (listed(1)[:-2] + b", ", [(1, "e1"), (2, "the list of records does not end as one")]),
        (lines(1) + b"spoilt\n" + lines(3), [(1, "e1"), (2, "it is no JSON (expecting value)"), (3, "e3")]),
        (lines(1) + b'{"eventID": "half\n' + lines(3), [(1, "e1"), (2, "it is no JSON"), (3, "e3")]),
        (lines(1) + b"{" * 3000 + b"\n" + lines(3), [(1, "e1"), (2, "it is no JSON"), (3, "e3")]),
        (lines(1) + b'{"a":' * 50_000 + b"\n" + lines(3), [(1, "e1"), (2, "it is nested too deeply"), (3, "e3")]),
        (lines(1) + b'{"eventID": "\xff\xfe"}\n' + lines(3), [(1, "e1"), (2, "bytes that are no UTF-8"), (3, "e3")]),
        (listed(1, 2).replace(b'"e1"', b'"e1'), [(1, "it is no JSON"), (2, "e2")]),
        (listed(1, 2, 3).replace(b'"e2"', b"\xff"), [(1, "e1"), (2, "it is no JSON"), (3, "e3")]),
        (listed(1, 2, 3).replace(b'"e2"', b'"\xff"'), [(1, "e1"), (2, "bytes that are no UTF-8"), (3, "e3")]),
        (b'{"Records": [1, null, "x"]}', [(1, "1"), (2, "None"), (3, "x")]),
        (b'{"x": 1, "Records": [1], "Records": []}\n' + lines(2), [(1, "a name twice"), (2, "e2")]),
        (lines(1)[:-2] + b', "eventID": "other"}\n' + lines(2), [(1, "a name twice"), (2, "e2")]),
        (listed(1, 2)[:-3] + b', "a": {"b": 1, "b": 2}}]}', [(1, "e1"), (2, "a name twice")]),
        (listed(1)[:-1] + b', "Events": {"eventName": "x"}}', [(1, "e1"), (2, "another record")]),
        (listed(1)[:-1] + b', "eventName": "x"}', [(1, "e1"), (2, "another record")]),
        (listed(1)[:-1] + b', "x": {"b": 1, "b": 2}}' + lines(3), [(1, "e1"), (2, "another record"), (3, "e3")]),
        (json.dumps(good(1) | {"Records": []}).encode(), [(1, "another record")]),
        (listed(1)[:-1] + b', "Events": [2', [(1, "e1"), (2, "2"), (3, "does not end")]),
    ],
    ids=["empty", "empty gzip", "no text", "cut", "no end", "cut after a comma", "spoilt line", "half a line",
         "open braces", "deep", "bytes", "spoilt record", "spoilt middle", "bytes in the middle", "no objects",
         "records twice behind another name", "a name twice", "a name twice inside", "no list", "a record around",
         "a name twice around", "a record with a list", "no end of a second list"],
)  # fmt: skip
def test_what_is_spoilt_is_named_and_what_follows_is_read(
    tmp_path: Path, content: bytes, told: list[tuple[int, str]]
) -> None:
    found = read(tmp_path, content)
    assert [number for number, _ in found] == [number for number, _ in told]
    assert all(wanted in seen for (_, seen), (_, wanted) in zip(found, told, strict=True)), found


@pytest.mark.parametrize("content", [listed(*range(3000)), lines(*range(3000))], ids=["records", "lines"])
def test_a_gzip_cut_anywhere_ends_with_a_record_that_says_so(tmp_path: Path, content: bytes) -> None:
    whole = gzip.compress(content)
    for cut in (3, 11, len(whole) // 3, len(whole) - 9, len(whole) - 1):
        found = read(tmp_path, whole[:cut])
        assert "it ends in the middle" in found[-1][1], (cut, found[-1])
        assert [seen for _, seen in found[:-1]] == [f"e{number}" for number in range(len(found) - 1)]


@pytest.mark.slow
@pytest.mark.parametrize("content", [listed(*range(3000)), lines(*range(3000))], ids=["records", "lines"])
def test_a_gzip_that_is_damaged_is_never_read_as_whole(tmp_path: Path, content: bytes) -> None:
    whole = gzip.compress(content)
    for at in range(40, len(whole), len(whole) // 40):
        damaged = whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :]
        assert any(not seen.startswith("e") for _, seen in read(tmp_path, damaged)), at


def test_a_number_longer_than_any_is_not_converted(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text('{"eventID": "e1", "n": ' + "9" * 100_000 + ', "f": 1e999, "x": NaN, "i": -12}')
    (raw,) = records(path)
    assert isinstance(raw, Raw)
    assert raw.record == {"eventID": "e1", "n": None, "f": "1e999", "x": None, "i": -12}


@pytest.mark.slow
def test_no_more_of_a_file_is_held_than_one_record_may_be_long(tmp_path: Path) -> None:
    path = tmp_path / "year.json.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write('{"Records": [')
        file.write(", ".join(json.dumps(good(number) | {"more": "x" * 400}) for number in range(60_000)))
        file.write("]}")
    tracemalloc.start()
    assert sum(1 for _ in records(path)) == 60_000
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 12 * CHUNK  # the file's text is a hundred times as long as a piece


def test_a_record_longer_than_any_of_cloudtrails_is_given_up(tmp_path: Path) -> None:
    long = json.dumps(good(1) | {"more": "x" * (2 * MOST)}).encode()
    found = read(tmp_path, b"[" + long + b", " + json.dumps(good(2)).encode() + b"]")
    assert [number for number, _ in found] == [1, 2]
    assert "longer than" in found[0][1]
    assert found[1][1] == "e2"


def test_folders_are_read_whole_and_what_is_no_record_file_is_told(tmp_path: Path) -> None:
    deep = tmp_path / "AWSLogs" / "1" / "CloudTrail" / "eu" / "2026"
    deep.mkdir(parents=True)
    (deep / "a.json.gz").write_bytes(gzip.compress(listed(1)))
    (deep / "b.JSONL").write_bytes(lines(2))
    (deep / "README.txt").write_text("no records")
    (tmp_path / "digest.json").write_text(json.dumps({"awsAccountId": "1", "digestStartTime": "2026-01-01T00:00:00Z"}))
    wanted, passed = files_of([tmp_path, deep / "a.json.gz"])
    assert [path.name for path in wanted] == ["a.json.gz", "b.JSONL", "digest.json"]
    assert [path.name for path in passed] == ["README.txt"]
    assert isinstance(next(records(tmp_path / "digest.json")), Summary)


def test_what_is_neither_a_file_nor_a_folder_is_told_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.json").write_bytes(listed(1))
    home = tmp_path / "trail"
    (home / "deep").mkdir(parents=True)
    (home / "b.json").write_bytes(listed(2))
    (home / "link").symlink_to(tmp_path / "elsewhere")
    (home / "deep" / "broken.json").symlink_to(tmp_path / "nowhere")
    (home / "file.json").symlink_to(tmp_path / "elsewhere" / "a.json")
    os.mkfifo(home / "pipe.json")
    wanted, passed = files_of([home])
    assert [path.name for path in wanted] == ["b.json", "file.json"]
    assert [path.name for path in passed] == ["broken.json", "link", "pipe.json"]


def test_a_path_that_is_not_there_and_a_folder_without_records_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="no such file"):
        files_of([tmp_path / "none.json"])
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(AuditError, match="neither a file nor a folder"):
        files_of([tmp_path / "pipe.json"])
    with pytest.raises(AuditError, match="nothing to compare"):
        files_of([tmp_path])


def test_a_file_that_cannot_be_opened_is_a_record_that_says_so(tmp_path: Path) -> None:
    (only,) = records(tmp_path / "gone.json")
    assert isinstance(only, Raw)
    assert (only.number, only.why) == (0, "the file cannot be opened (No such file or directory)")
