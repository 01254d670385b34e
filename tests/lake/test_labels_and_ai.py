"""Labels from tags, and which charges are AI: a sentence a row."""

import json
from decimal import Decimal
from typing import Any

import pytest

from lake.ai import AI_CATEGORY, Facts, Rule, judge
from lake.engine import Lake
from lake.labels import read_tags
from lake.period import Period
from lake.question import Question

NOTHING = Facts(None, None, None, None, None, None, None)
AI: list[tuple[str, dict[str, str], Rule | None, str | None]] = [
    ("the service category", {"category": AI_CATEGORY}, Rule.CATEGORY, None),
    ("and a model", {"category": AI_CATEGORY, "sku_meter": "gpt-4o-mini Input"}, Rule.CATEGORY, "gpt-4o-mini"),
    ("a model in another category", {"sku_meter": "Claude-Sonnet-4-5 output"}, Rule.MODEL, "claude-sonnet-4-5"),
    ("a model by its label", {"model": "our-own-llm"}, Rule.MODEL, "our-own-llm"),
    ("a GPU instance", {"category": "Compute", "sku_meter": "BoxUsage:g5.12xlarge"}, Rule.ACCELERATOR, None),
    ("a GPU instance in the details", {"sku_details": '{"InstanceType": "p4d.24xlarge"}'}, Rule.ACCELERATOR, None),
    ("an accelerator of the provider", {"description": "$1.34 per trn1.2xlarge hour"}, Rule.ACCELERATOR, None),
    ("an Azure N machine", {"sku_meter": "Standard_NC24ads_A100_v4"}, Rule.ACCELERATOR, None),
    ("a card by name", {"description": "NVIDIA H100 80 GB hours"}, Rule.ACCELERATOR, None),
    ("a use case", {"category": "Storage", "use_case": "fraud-detection"}, Rule.USE_CASE, None),
    ("a use case in other letters", {"use_case": "KYC_Assistant"}, Rule.USE_CASE, None),
    ("a general machine", {"category": "Compute", "sku_meter": "BoxUsage:m5.2xlarge"}, None, None),
    ("an ARM machine with a g in its name", {"sku_meter": "BoxUsage:r6g.large t4g.micro"}, None, None),
    ("a use case that is none of AI's", {"use_case": "core-banking"}, None, None),
    ("storage classes", {"description": "S3 Standard-IA, GP3 volume, io2"}, None, None),
    ("nothing known", {}, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "facts", "rule", "model"), AI, ids=[row[0] for row in AI])
def test_ai(sentence: str, facts: dict[str, str], rule: Rule | None, model: str | None) -> None:
    found = judge(NOTHING._replace(**facts))
    assert (found.ai, found.rule, found.model) == (rule is not None, rule, model), sentence


TAGS: list[tuple[str, str, dict[str, str]]] = [
    ("plain", '{"team": "risk", "env": "prod"}', {"x_team": "risk", "x_environment": "prod"}),
    ("case", '{"Owner-Team": "risk", "Use_Case": "claims"}', {"x_team": "risk", "x_use_case": "claims"}),
    ("a provider's prefix", '{"user:Team": "risk"}', {"x_team": "risk"}),
    ("the nearest key wins", '{"business_unit": "Retail", "team": "risk"}', {"x_team": "risk"}),
    ("a stand-in", '{"business_unit": "Retail"}', {"x_team": "Retail"}),
    ("blank is nobody", '{"team": "  ", "business_unit": "Retail"}', {"x_team": "Retail"}),
    ("without braces", '"team": "risk"', {"x_team": "risk"}),
    ("numbers stay as written", '{"team": 7.10, "model": true}', {"x_team": "7.10", "x_model": "true"}),
    ("no value", '{"team": null}', {}),
    ("a list", '["team"]', {}),
    ("no JSON", "team=risk", {}),
    ("very deep", "[" * 5000, {}),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "text", "labels"), TAGS, ids=[row[0] for row in TAGS])
def test_tags(sentence: str, text: str, labels: dict[str, str]) -> None:
    assert read_tags(text).labels == labels, sentence


def test_a_column_wins_over_a_tag(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    tags = json.dumps({"team": "from-tag", "model": "tagged"})
    load(write("bill.csv", [charge("1.00", Tags=tags, x_team="from-column"), charge("2.00", Tags=tags, x_team="")]))
    answered = lake.ask(Question(period=Period.parse("2026-10"), by=("team", "model")))
    assert [(row["team"], row["model"], row["value"]) for row in answered.rows] == [
        ("from-tag", "tagged", Decimal(2)),
        ("from-column", "tagged", Decimal(1)),
    ]


@pytest.mark.parametrize("broken", ["team=risk", '{"team": "\\ud800"}'], ids=["no JSON", "half a character"])
def test_tags_that_cannot_be_read_load_with_a_finding(
    broken: str, write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    report = load(write("bill.csv", [charge(Tags=broken), charge(Tags='{"team": "x"}')]))
    assert [(item.column, item.rows) for item in report.findings if item.rule == "tags"] == [("Tags", 1)]
    assert sorted(lake.values("team")) == ["(untagged)", "x"]


def test_the_rule_is_kept_with_the_charge(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    import duckdb

    load(write("bill.csv", [charge(SkuMeter="BoxUsage:g5.xlarge"), charge(SkuMeter="BoxUsage:m5.large")]))
    path = lake.folder / lake.store.current()[0].files[0].path
    assert duckdb.execute(f"SELECT x_ai, x_ai_rule FROM '{path}' ORDER BY x_row").fetchall() == [
        (True, "accelerator hardware"),
        (False, None),
    ]
