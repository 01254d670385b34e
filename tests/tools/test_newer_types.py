"""What a newer type of machine lacks that the older one has."""

import pytest

from tools.rules import old_generation


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("m5d.xlarge", "m6a.xlarge", ["the local disks"]),
        ("m5dn.xlarge", "m6id.xlarge", ["the higher network speed"]),
        ("m5dn.xlarge", "m7i.xlarge", ["the local disks", "the higher network speed"]),
        ("d2.xlarge", "d3.xlarge", []),
        ("m4.large", "m5.large", []),
    ],
)
def test_what_a_newer_type_lacks_is_named(old: str, new: str, lost: list[str]) -> None:
    assert old_generation.losses(old, new) == lost
