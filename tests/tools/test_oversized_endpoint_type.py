"""The rule of endpoints on too large a type, as a table: a sentence, the endpoint, the verdict and the money.

Hours of ml.m5.4xlarge, 16 cores and 64 GiB, at list prices of 0.922 dollars, and 0.461 for ml.m5.2xlarge with half of
both. Two machines are billed at 1.515 dollars an hour each, 2,211.90 a month.
"""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from lake.metered import Metered
from lake.price_book import OnDemand
from tests.tools import test_bill_rules
from tests.tools.test_bill_rules import ARN, AT, FINE, UNKNOWN, WASTE, assert_says, book
from tests.tools.test_oversized_endpoint import LOOK as OTHERS
from tools.rules import oversized_endpoint_type
from tools.rules.evidence import Verdict
from tools.rules.judged import EndpointHour, Look

LARGE, RULE = "ml.m5.4xlarge", oversized_endpoint_type


def served(cpu: str, memory: str | None, *, cores: int = 16, hours: int = 336, ago: int = 10) -> list[EndpointHour]:
    """CPU and memory in percent of the machine."""
    held = None if memory is None else Decimal(memory)
    at = [AT - timedelta(hours=ago + back) for back in range(hours)]
    return [EndpointHour(hour, Decimal(cpu) * cores, None, 900, held) for hour in at]


def on_gpus(gpu: str, held: str | None) -> list[EndpointHour]:
    memory = None if held is None else Decimal(held)
    return [
        replace(one, gpu_cards_percent=Decimal(gpu), gpu_memory_cards_percent=memory)
        for one in served("20", "20", cores=8)
    ]


SERVED = {
    "calm": served("20", "25"),
    "no-memory": served("20", None),
    "busy": served("45", "25"),
    "full": served("20", "45"),
    "busy-no-memory": served("45", None),
    "rush": [*served("90", "25")[:4], *served("20", "25")[4:]],
    "short-rush": [*served("90", "25")[:3], *served("20", "25")[3:]],
    "part-measured": served("20", "25", hours=200),
    "long-ago": served("20", "25", ago=72),
    "namesake": served("20", "25"),
    "tiny": served("1", "1", cores=2),
    "gpus": on_gpus("30", "40"),
    "gpus-no-memory": on_gpus("30", None),
    "gpus-full": on_gpus("30", "95"),
    "bursts": served("5", "5", cores=8),
}
PRICES = {
    ("USD", "us-east-1", kind): Decimal(price)
    for kind, price in (
        (LARGE, "0.922"), ("ml.m5.2xlarge", "0.461"), ("ml.g4dn.2xlarge", "0.94"), ("ml.g4dn.xlarge", "0.736"),
    )
}  # fmt: skip
LOOK = replace(
    OTHERS,
    endpoint_hours={ARN + name: tuple(hours) for name, hours in SERVED.items()},
    endpoint_minimums={},
    namesakes=frozenset({f"{ARN}namesake"}),
    hosting_prices=PRICES,
)


def hosted(name: str, machines: int = 2, kind: str = LARGE, **more: Any) -> Metered:
    made = test_bill_rules.hosted("unmeasured", machines, **more)
    return replace(made, resource_id=ARN + name, instance_type=kind)


CASES: list[tuple[str, Any, Metered, Verdict | None, str]] = [
    ("20 % and 25 % are 40 % and 50 % of half the size, which costs half", RULE, hosted("calm"), WASTE, "1105.95"),
    ("its main memory was not measured", RULE, hosted("no-memory"), UNKNOWN, ""),
    ("45 % of its processors are 90 % of the smaller ones", RULE, hosted("busy"), FINE, ""),
    ("45 % of its memory are 90 % of the smaller one", RULE, hosted("full"), FINE, ""),
    ("too busy for any, so that its memory would change nothing", RULE, hosted("busy-no-memory"), None, ""),
    ("busy in more than one hour of a hundred", RULE, hosted("rush"), FINE, ""),
    ("busy in fewer", RULE, hosted("short-rush"), WASTE, "1105.95"),
    ("two fifths of its hours were not measured", RULE, hosted("part-measured"), UNKNOWN, ""),
    ("measured until three days ago", RULE, hosted("long-ago"), UNKNOWN, ""),
    ("another region has one of its name", RULE, hosted("namesake"), UNKNOWN, ""),
    ("three machines, of which two would do: the rule of too many machines has it", RULE, hosted("calm", 3), None, ""),
    ("the smallest of its family", RULE, hosted("tiny", kind="ml.m5.large"), None, ""),
    ("ml.g4dn.xlarge has the same GPU, and is a fifth cheaper and a little more", RULE,
     hosted("gpus", kind="ml.g4dn.2xlarge"), WASTE, "480.03"),
    ("the memory of its GPU was not measured", RULE, hosted("gpus-no-memory", kind="ml.g4dn.2xlarge"), UNKNOWN, ""),
    ("the memory of its GPU is full", RULE, hosted("gpus-full", kind="ml.g4dn.2xlarge"), FINE, ""),
    ("it earns CPU credits, of which each size has its own", RULE, hosted("bursts", kind="ml.t3.2xlarge"), UNKNOWN, ""),
    ("no list tells what its type is", RULE, hosted("calm", kind="ml.x9.huge"), None, ""),
    ("a plan covers its machines: no cash is saved", RULE, hosted("calm", bare="0"), FINE, ""),
    ("called, and nothing else was measured", RULE,
     replace(test_bill_rules.hosted("called once"), instance_type=LARGE), None, ""),
    ("nothing was measured", RULE, hosted("unmeasured"), None, ""),
    ("a notebook is no endpoint", RULE, book(), None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "rule", "what", "verdict", "saving"), CASES, ids=[row[0] for row in CASES])
def test_the_rule_says(sentence: str, rule: Any, what: Metered, verdict: Verdict | None, saving: str) -> None:
    assert_says(rule.judge(what, LOOK), sentence, verdict, saving)


def without(kind: str) -> Look:
    return replace(LOOK, hosting_prices={key: price for key, price in PRICES.items() if key[2] != kind})


@pytest.mark.parametrize("kind", [LARGE, "ml.m5.2xlarge"])
def test_without_a_price_it_says_which_is_missing(kind: str) -> None:
    said = RULE.judge(hosted("calm"), without(kind))
    assert said is not None
    assert said.finding.missing == (f"a price of {kind} in us-east-1",)
    assert said.change is None


def test_the_books_price_goes_before_the_bills_and_hardly_cheaper_is_not_worth_it() -> None:
    mine = OnDemand("ml.m5.2xlarge", "us-east-1", Decimal("0.8"), "USD", date(2026, 10, 1), "ours")
    prices = {**LOOK.book.prices, ("ml.m5.2xlarge", "us-east-1"): mine}
    said = RULE.judge(hosted("calm"), replace(LOOK, book=replace(LOOK.book, prices=prices)))
    assert said is not None
    assert said.finding.verdict == FINE
    euros = {**prices, ("ml.m5.2xlarge", "us-east-1"): replace(mine, currency="EUR")}
    assert_says(RULE.judge(hosted("calm"), replace(LOOK, book=replace(LOOK.book, prices=euros))), "", WASTE, "1105.95")


def test_its_change_names_both_types() -> None:
    said = RULE.judge(hosted("calm"), LOOK)
    assert said is not None
    assert said.change is not None
    assert (said.change["before"], said.change["after"]) == (LARGE, "ml.m5.2xlarge")
