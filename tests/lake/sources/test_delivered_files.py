"""A key means the file of its own copy: what comes before their common end is where both were put."""

import pytest

from lake.sources.delivered_files import Files, Found, inside, parts, period_at

KEY = "cur/bank/20261001-20261101/b2/bank-1.csv"


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("20260101-20261231/bank/20261001-20261101/bank-1.csv", 2),
        ("x/data/billing_period=2026-10/f.csv", 2),
        ("cur/bank/20261001-20261101", None),  # a file's own name is no folder
        ("cur/bank/october/bank-1.csv", None),
    ],
)
def test_the_innermost_folder_that_is_named_for_a_period(path: str, at: int | None) -> None:
    assert period_at(parts(path)) == at


def test_of_two_copies_the_manifests_own_is_meant() -> None:
    ours, theirs = f"copy/A/{KEY.removeprefix('cur/')}", f"copy/B/{KEY}"
    folder = parts("copy/A/bank/20261001-20261101")
    lies = ours.replace("bank-1.csv", "bank-Manifest.json")
    assert Files([theirs, ours]).meant(KEY, beside=lies) == Found(ours, folder, parts("copy/A"))
    assert Files([theirs]).meant(KEY, beside=lies) is None


def test_a_key_without_a_period_means_no_file() -> None:
    assert Files(["notes.csv"]).meant("notes.csv", beside="manifest.json") is None


def test_of_nested_copies_the_nearer_to_the_manifest_is_meant() -> None:
    outer, inner = KEY, f"cur/bank/20261001-20261101/kept/{KEY}"
    there = Files([outer, inner])
    near = there.meant(KEY, beside=inner.replace("bank-1.csv", "m.json"))
    far = there.meant(KEY, beside=outer.replace("bank-1.csv", "m.json"))
    assert near is not None
    assert far is not None
    assert (near.file, far.file) == (inner, outer)


def test_a_file_lies_in_the_innermost_folder_and_never_outside_its_own_periods() -> None:
    folders = [parts("a"), parts("a/20261001-20261101")]
    files = ["a/x.csv", "a/20261001-20261101/r/y.csv", "a/20260901-20261001/z.csv", "b/x.csv"]
    assert inside(files, folders) == {folders[0]: files[:1], folders[1]: files[1:2]}
