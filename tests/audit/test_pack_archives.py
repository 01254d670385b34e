"""A hostile zip file is refused: nothing of it is unpacked, and it costs neither memory nor time."""

import struct
import zipfile
from pathlib import Path

import pytest

from tests.audit.packs import Bench, files_of


def test_a_zip_file_of_many_names_is_refused_before_they_are_read(
    packs: dict[str, bytes], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.zipped({**files_of(packs["whole"]), **{f"{number:08}": b"" for number in range(900)}})
    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", lambda self: pytest.fail("the names were read"))
    assert bench.check(path) == 2
    assert bench.said.startswith("CANNOT BE CHECKED")


HOSTILE = {
    "a path upwards": "../../evil",
    "an absolute path": "/etc/evil",
    "a folder": "entries.jsonl/",
    "a name with control characters": "evil\x1b[2J",
    "a file that no pack has": "notes.txt",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_zip_file_with_other_names_is_refused_and_nothing_is_unpacked(
    packs: dict[str, bytes], bench: Bench, tmp_path: Path, what: str
) -> None:
    path = bench.zipped({**files_of(packs["whole"]), HOSTILE[what]: b"evil"})
    before = sorted(tmp_path.rglob("*"))
    assert bench.check(path) == 1
    assert "no pack has such a file" in bench.said
    assert "\x1b" not in bench.said
    assert sorted(tmp_path.rglob("*")) == before
    # Above it, where the other tests of this run have their folders, only the name itself can be looked for.
    above = [path for folder in (*tmp_path.parents[:3], Path.cwd(), Path("/etc")) for path in folder.glob("*")]
    assert [path for path in above if path.name == Path(HOSTILE[what]).name] == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_file_with_a_name_twice_or_another_packing_is_refused(packs: dict[str, bytes], bench: Bench) -> None:
    files = files_of(packs["whole"])
    path = bench.zipped(files)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("checkpoint", files["checkpoint"])
    assert bench.check(path) == 1
    for how in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(path, "w", how) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        assert bench.check(path) == 1


def test_a_zip_bomb_ends_at_its_first_megabytes(packs: dict[str, bytes], bench: Bench) -> None:
    files = files_of(packs["part"])
    for name in files:
        for filling in (b"\n", b"0"):
            path = bench.zipped({one: content for one, content in files.items() if one != name})
            with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as stream:
                for _ in range(6):
                    stream.write(filling * (1 << 20))
            assert bench.check(path) == 1, (name, filling)


def test_a_zip_file_that_lies_about_a_size_is_refused(packs: dict[str, bytes], bench: Bench) -> None:
    path = bench.zip(packs["whole"])
    data = bytearray(packs["whole"])
    at = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 7)
    path.write_bytes(bytes(data))
    assert bench.check(path) == 1
