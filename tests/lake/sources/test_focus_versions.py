"""FOCUS 1.1, 1.3 and 1.4: which version a file seems to be is told, and no column of it is lost."""

import json
from decimal import Decimal
from typing import Any

import pytest

from lake.errors import LakeError
from lake.sources.focus_version import seems

NEW = {"ServiceProviderName": "Northern Cloud", "HostProviderName": "Northern Host", "AllocatedMethodId": "by-cpu"}


@pytest.mark.parametrize(
    ("more", "less", "version"),
    [
        ((), (), "1.0"),
        (("SkuMeter",), (), "1.1"),
        (("SkuMeter", "InvoiceId"), (), "1.2"),
        (("InvoiceId", "ContractApplied"), (), "1.3"),
        (("ServiceProviderName", "HostProviderName"), ("ProviderName", "PublisherName"), "1.4"),
    ],
)
def test_the_columns_tell_the_version(more: tuple[str, ...], less: tuple[str, ...], version: str, charge: Any) -> None:
    assert seems([name for name in (*charge(), *more) if name not in less]) == version


def told(report: Any, rule: str) -> list[str]:
    return [finding.text for finding in report.findings if finding.rule == rule]


def test_a_file_of_1_3_keeps_its_new_columns_and_says_so(write: Any, charge: Any, load: Any, ask: Any) -> None:
    report = load(write("focus13.csv", [charge("7.25", **NEW)]))
    assert told(report, "focus-version") == ["seems to be FOCUS 1.3, by its columns; read as FOCUS 1.2"]
    assert len(told(report, "column-later")) == 3
    [(provider, extra)] = ask('SELECT "ProviderName", x_extra FROM bill')
    assert provider == "AWS"
    assert json.loads(extra) == NEW


def test_a_file_of_1_4_is_read_without_the_columns_it_no_longer_has(
    write: Any, charge: Any, load: Any, ask: Any
) -> None:
    given = charge("7.25", **NEW)
    del given["ProviderName"], given["PublisherName"]
    report = load(write("focus14.csv", [given]))
    assert told(report, "focus-version") == [
        "seems to be FOCUS 1.4, by its columns; read as FOCUS 1.2; "
        "without PublisherName, which that version no longer has"
    ]
    assert ask('SELECT "ProviderName", "PublisherName", "BilledCost", x_source FROM bill') == [
        ("Northern Cloud", None, Decimal("7.25"), "northern-cloud")
    ]
    assert json.loads(ask("SELECT x_extra FROM bill")[0][0])["HostProviderName"] == "Northern Host"


def test_files_of_1_1_and_1_2_lose_nothing_and_need_no_word(write: Any, charge: Any, load: Any, ask: Any) -> None:
    for more in ({"SkuMeter": "m"}, {"SkuMeter": "m", "InvoiceId": "i"}):
        report = load(write("focus.csv", [charge(**more)]))
        assert told(report, "focus-version") == told(report, "column-later") == []
        assert ask('SELECT "SkuMeter", "InvoiceId", x_extra FROM bill') == [("m", more.get("InvoiceId"), None)]


def test_a_file_of_1_2_without_a_publisher_is_still_refused(write: Any, charge: Any, load: Any) -> None:
    given = charge(InvoiceId="i")
    del given["PublisherName"]
    with pytest.raises(LakeError, match="lacks the mandatory FOCUS column PublisherName"):
        load(write("focus12.csv", [given]))
