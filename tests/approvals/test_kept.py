"""Whose lines are left alone, whoever asks for their deletion."""

import pytest

from approvals.changes.kept import held_by_tag, kept_by_name

NAMES = [
    ("/aws/cloudtrail/organization", "cloudtrail"),
    ("aws-controltower/CloudTrailLogs", "cloudtrail"),
    ("/bank/payments-AUDIT", "audit"),
    ("/bank/vpc_flow_logs", "flow-log"),
    ("/bank/VPCFlowLogs", "flow-log"),
    ("/bank/service-001", None),
    ("/bank/workflow/logs", None),
]


@pytest.mark.parametrize(("name", "part"), NAMES)
def test_a_name_that_an_auditor_asks_for(name: str, part: str | None) -> None:
    assert kept_by_name(name) == part


def test_whoever_looks_for_savings_may_name_parts_of_their_own() -> None:
    assert kept_by_name("/bank/trade_reports", ("Trade-Report",)) == "Trade-Report"
    assert kept_by_name("/bank/audit", ()) is None


TAGS = [
    ({"legal-hold": "case 7"}, "legal-hold"),
    ({"Legal Hold": "case 7"}, "Legal Hold"),
    ({"LEGAL_HOLD": "case 7"}, "LEGAL_HOLD"),
    ({"status": "legalhold"}, "status"),
    ({"hold": "legal"}, "hold"),
    ({"case": "on hold"}, "case"),
    ({"purpose": "audit-log"}, "purpose"),
    ({"data-retention": "10y"}, "data-retention"),
    ({"team": "Regulatory Compliance"}, "team"),
    ({"zone": "retained", "audit": "yes"}, "audit"),
    ({"team": "Shareholder Services", "alarm": "threshold"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("tags", "key"), TAGS, ids=[str(tags) for tags, _ in TAGS])
def test_a_tag_that_says_that_somebody_must_keep_it(tags: dict[str, str], key: str | None) -> None:
    assert held_by_tag(tags) == key
