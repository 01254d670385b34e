"""Allocation rules: the order in which labels are looked for, what a charge keeps of it, and faults by their line."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lake import duck
from lake.allocation_rules import ALLOCATED_LABELS, TAGS_ALONE, AllocationRules, Method, parse_rules, read_rules
from lake.engine import Lake
from lake.errors import LakeError
from lake.period import Period
from lake.question import Question

OCTOBER = Period.parse("2026-10")
# One rule of each table, written in the opposite order of that in which they count; all fit the same charge.
EVERY_TABLE = """
[[rule]]
id = "by-rule"
when = { service = "Machines", description = "Instance*" }
set = { team = "of-rule", project = "of-rule", workload = "of-rule", model = "of-rule", environment = "of-rule" }

[[request_tag]]
id = "by-request"
when = { "tag:Request-Team" = "kyc" }
set = { team = "of-request", project = "of-request", workload = "of-request", model = "of-request" }

[[inference_profile]]
id = "by-profile"
when = { resource = "arn:aws:bedrock:*:application-inference-profile/abc" }
set = { team = "of-profile", project = "of-profile", workload = "of-profile" }

[[principal]]
id = "by-principal"
when = { principal = "arn:aws:iam::*:role/scoring" }
set = { team = "of-principal", project = "of-principal" }

[[api_key]]
id = "by-key"
when = { api_key = "key-*" }
set = { team = "of-key" }

[[inherited]]
id = "by-account"
when = { account = "4711" }
set = { owner = "of-account" }
"""
FACTS = {
    "SubAccountId": "4711",
    "ResourceId": "arn:aws:bedrock:eu-1:4711:application-inference-profile/abc",
    "x_api_key_id": "KEY-9",
    "line_item_iam_principal": "arn:aws:iam::4711:role/scoring",
    "Tags": json.dumps({"use_case": "tagged", "user:request_team": "KYC"}),
}


def stored(lake: Lake, *columns: str) -> list[tuple[Any, ...]]:
    """These columns of every charge, in the order of the bill's rows."""
    files = [str(lake.folder / file.path) for snapshot in lake.store.current() for file in snapshot.files]
    return duckdb.execute(f"SELECT {', '.join(columns)} FROM read_parquet({files}) ORDER BY x_row").fetchall()


def rules_of(text: str) -> AllocationRules:
    return parse_rules(text, file="allocation.toml")


def test_each_label_is_of_the_nearest_that_knows_it(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    rows = [charge("1.00", **FACTS), charge("1.00", **FACTS, x_team="of-column")]
    load(write("bill.csv", rows), rules=rules_of(EVERY_TABLE))
    labels = [f"x_{name}" for name in ALLOCATED_LABELS]
    told = dict(zip(ALLOCATED_LABELS, stored(lake, *labels)[0], strict=True))
    assert told == {
        "owner": "of-account", "team": "of-key", "project": "of-principal", "use_case": "tagged",
        "workload": "of-profile", "model": "of-request", "environment": "of-rule",
    }  # fmt: skip
    one, other = stored(lake, "x_allocation_method", "x_allocation_rule_id", "x_allocated_by")
    assert one == (
        "api_key",
        "by-key",
        "owner: inherited by-account; team: api_key by-key; project: principal by-principal; use_case: tag use_case; "
        "workload: inference_profile by-profile; model: request_tag by-request; environment: rule by-rule",
    )
    assert other[:2] == ("column", "x_team")


def test_every_method_has_its_place_in_the_order() -> None:
    assert [str(method) for method in Method] == [
        "column", "tag", "inherited", "api_key", "principal", "inference_profile", "request_tag", "rule", "unallocated",
    ]  # fmt: skip
    methods = [rule.method for rule in rules_of(EVERY_TABLE).rules]
    assert methods == sorted(methods, key=list(Method).index)


def test_what_nobody_names_stays_unallocated_and_whole(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    rows = [charge("1.00", SubAccountId="4711"), charge("2.00", SubAccountId="4712"), charge("4.00")]
    load(write("bill.csv", rows), rules=rules_of(EVERY_TABLE.replace('owner = "of-account"', 'team = "risk"')))
    answered = lake.ask(Question(period=OCTOBER, by=("team", "allocation_method", "allocation_rule")))
    told = [
        tuple(row[name] for name in ("team", "allocation_method", "allocation_rule", "value")) for row in answered.rows
    ]
    assert told == [
        ("of-rule", "rule", "by-rule", Decimal(6)),
        ("risk", "inherited", "by-account", Decimal(1)),
    ]
    load(write("bill.csv", rows))
    answered = lake.ask(Question(period=OCTOBER, by=("team", "allocation_method")))
    assert [tuple(row.values()) for row in answered.rows] == [("(untagged)", "unallocated", "USD", Decimal(7))]


def test_within_a_table_the_first_rule_wins_for_each_label(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    rules = rules_of("""
        [[inherited]]
        id = "one"
        when = { account = ["4711", "4712"] }
        set = { team = "first" }
        [[inherited]]
        id = "two"
        when = { account = "47*" }
        set = { team = "second", use_case = "second" }
    """)
    load(write("bill.csv", [charge(SubAccountId="4712"), charge(SubAccountId="4799")]), rules=rules)
    assert stored(lake, "x_team", "x_use_case") == [("first", "second"), ("second", "second")]


def test_a_fact_that_a_charge_lacks_is_met_by_nothing_but_an_empty_text(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    """A key that is not named is the console's, and no gap in tagging."""
    rules = rules_of("""
        [[api_key]]
        id = "keys"
        when = { api_key = "key-*" }
        set = { team = "nobody" }
        [[api_key]]
        id = "console"
        when = { api_key = "", provider = "AWS" }
        set = { team = "console" }
    """)
    load(write("bill.csv", [charge(x_api_key_id=""), charge(x_api_key_id="k")]), rules=rules)
    assert stored(lake, "x_team") == [("console",), (None,)]


def test_a_tag_key_of_ones_own_comes_before_the_known_ones(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    tags = json.dumps({"team": "usual", "Cost-Owner": "own", "project": "p", "owner": "dana"})
    load(write("bill.csv", [charge(Tags=tags)]), rules=rules_of('[tags]\nteam = ["cost owner"]'))
    assert stored(lake, "x_team", "x_project", "x_owner", "x_allocation_rule_id") == [
        ("own", "p", "dana", "Cost-Owner")
    ]


def test_a_snapshot_keeps_which_rules_it_was_loaded_with(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    rules = rules_of(EVERY_TABLE)
    load(write("bill.csv", [charge()]), rules=rules)
    assert lake.snapshots()[0].allocation == rules.digest
    load(write("bill.csv", [charge()]), rules=TAGS_ALONE)
    assert lake.snapshots()[0].allocation == ""


FAULTS = [
    ("no TOML", "[[rule]\n", "allocation.toml: it is no TOML"),
    ("a table that is none", "\n[[rules]]\nid = 'a'", "line 2: 'rules' is nothing that allocation rules have"),
    ("a key of no meaning", "[[rule]]\nid = 'a'\nteam = 'x'", "line 3: 'team' is nothing that a rule has"),
    ("no id", "[[rule]]\nwhen = { service = 'x' }", "line 1: a rule needs an id"),
    ("no condition", "[[rule]]\nid = 'a'\nset = { team = 'x' }", "line 1: a rule needs 'when'"),
    ("nothing to say", "[[rule]]\nid = 'a'\nwhen = { service = 'x' }\nset = {}", "line 4: a rule needs 'set'"),
    (
        "a label that is none",
        "[[rule]]\nid = 'a'\nwhen = { service = 'x' }\nset = { squad = 'x' }",
        "line 4: a rule cannot set 'squad'",
    ),
    ("an unknown fact", "[[rule]]\nid = 'a'\nwhen = { svc = 'x' }\nset = { team = 'x' }", "line 3: "),
    (
        "another table's fact",
        "[[api_key]]\nid = 'a'\nwhen = { service = 'x' }\nset = { team = 'x' }",
        "line 3: a rule of [[api_key]] looks at api_key",
    ),
    ("a number", "[[rule]]\nid = 'a'\nwhen = { service = 1 }\nset = { team = 'x' }", "line 3: 'service' needs a text"),
    (
        "an id twice, in two tables",
        "[[rule]]\nid = 'a'\nwhen = { service = 'x' }\nset = { team = 'x' }\n"
        "[[api_key]]\nid = 'a'\nwhen = { api_key = 'x' }\nset = { team = 'x' }",
        "the id 'a' is that of the rule in line 5",
    ),
    ("a tag key of no label", "[tags]\n\nsquad = 'x'", "line 3: 'squad' is no label"),
    ("a share that is none", "target_percent = 500", "line 1: target_percent is no whole number"),
    ("one table where several are meant", "rule = 'x'", "line 1: write each rule as a table of its own"),
]


@pytest.mark.parametrize(("sentence", "text", "told"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_told_with_its_line(sentence: str, text: str, told: str) -> None:
    with pytest.raises(LakeError) as refusal:
        rules_of(text)
    assert told in refusal.value.why, sentence


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="cannot be read"):
        read_rules(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# one\n# \xe4\n")
    with pytest.raises(LakeError, match=r"latin\.toml, line 2: it is no UTF-8"):
        read_rules(tmp_path / "latin.toml")


def test_more_sets_of_tags_than_python_holds_at_once_are_read_part_by_part(
    write: Any, charge: Any, load: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of three: labels, rules, AI and findings are what they are of one part."""
    monkeypatch.setattr(duck, "PART", 3)
    tags = ["{broken", '"team": "t-0"', *(f'{{"team": "t-{n}"}}' for n in range(1, 9)), "{worse"]
    rows = [charge(Tags=text, SubAccountId=f"{n}", SkuMeter=f"gpt-{n}") for n, text in enumerate(tags)]
    accounts = "\n".join(
        f'[[inherited]]\nid = "a{n}"\nwhen = {{ account = "{n}" }}\nset = {{ owner = "o-{n}" }}' for n in range(11)
    )
    report = load(write("bill.csv", rows), rules=rules_of(accounts))
    assert stored(lake, "x_team", "x_owner", "x_ai") == [
        (None if n in (0, 10) else f"t-{n - 1}", f"o-{n}", True) for n in range(11)
    ]
    assert [(told.rule, told.rows) for told in report.findings if told.rule == "tags"] == [("tags", 2), ("tags", 1)]
