"""The rule of endpoints with too many machines, as a table: a sentence, the endpoint, the verdict and the money."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from lake.metered import Metered
from tests.tools import test_bill_rules
from tests.tools.test_bill_rules import ARN, AT, CALLS, FINE, NAMES_OF, UNKNOWN, WASTE, assert_says, book
from tools.rules import idle_endpoint, oversized_endpoint
from tools.rules.evidence import Verdict
from tools.rules.judged import EndpointHour


def served(cpu: str, gpu: str | None = "0", *, hours: int = 336, ago: int = 10) -> list[EndpointHour]:
    """Hours of ml.g5.2xlarge, of 8 cores and one GPU: CPU in percent of the machine."""
    at = [AT - timedelta(hours=ago + back) for back in range(hours)]
    return [EndpointHour(hour, Decimal(cpu) * 8, None if gpu is None else Decimal(gpu)) for hour in at]


SERVED = {
    "calm": served("20"),
    "namesake": served("20"),
    "tagged": served("20"),
    "wordy": served("20"),
    "gpu-bound": served("5", "70"),
    "no-gpu": served("5", None),
    "busy-hours": [*served("90")[:4], *served("20")[4:]],
    "few-busy-hours": [*served("90")[:3], *served("20")[3:]],
    "part-measured": served("20", hours=200),
    "measured-long-ago": served("20", ago=72),
    "uncalled": served("1"),
    "twin-uncalled": [],
    "twin-called": [],
}
NAMES = NAMES_OF | {name: f"{ARN}{name}" for name in SERVED}
LOOK = replace(
    test_bill_rules.LOOK,
    endpoint_hours={ARN + name: tuple(hours) for name, hours in SERVED.items()},
    endpoint_minimums={f"{ARN}tagged": "4", f"{ARN}wordy": "four"},
    namesakes=test_bill_rules.LOOK.namesakes | {f"{ARN}namesake", f"{ARN}twin-uncalled", f"{ARN}twin-called"},
    uses={
        **test_bill_rules.LOOK.uses,
        f"{ARN}twin-uncalled": CALLS["uncalled"],
        f"{ARN}twin-called": CALLS["called once"],
    },
)


def hosted(name: str, machines: int = 1, **more: Any) -> Metered:
    return replace(test_bill_rules.hosted("unmeasured", machines, **more), resource_id=NAMES[name])


CASES: list[tuple[str, Any, Metered, Verdict | None, str]] = [
    ("6 at 20 % need 2 at 60 %", oversized_endpoint, hosted("calm", 6), WASTE, "4423.80"),
    ("its tag says that 4 always stay", oversized_endpoint, hosted("tagged", 6), WASTE, "2211.90"),
    ("as many as its tag says", oversized_endpoint, hosted("tagged", 4), FINE, ""),
    ("its tag says no number", oversized_endpoint, hosted("wordy", 6), UNKNOWN, ""),
    ("two always stay, one in each zone", oversized_endpoint, hosted("calm", 2), FINE, ""),
    ("3 whose GPUs are at 70 % need all of them, however idle the processors", oversized_endpoint,
     hosted("gpu-bound", 3), FINE, ""),
    ("its GPUs were not measured", oversized_endpoint, hosted("no-gpu", 6), UNKNOWN, ""),
    ("busy in more than one hour of a hundred", oversized_endpoint, hosted("busy-hours", 6), FINE, ""),
    ("busy in fewer", oversized_endpoint, hosted("few-busy-hours", 6), WASTE, "4423.80"),
    ("two fifths of its hours were not measured", oversized_endpoint, hosted("part-measured", 6), UNKNOWN, ""),
    ("measured until three days ago", oversized_endpoint, hosted("measured-long-ago", 6), UNKNOWN, ""),
    ("its number of machines changed", oversized_endpoint, hosted("calm", 6, least="96"), UNKNOWN, ""),
    ("another region has an endpoint of its name", oversized_endpoint, hosted("namesake", 6), UNKNOWN, ""),
    ("a type of which no list tells the cores", oversized_endpoint,
     replace(hosted("calm", 6), instance_type="ml.x9.huge"), UNKNOWN, ""),
    ("a plan covers its machines: no cash is saved", oversized_endpoint, hosted("calm", 6, bare="0"), FINE, ""),
    ("idle, and another region has one of its name: whose calls were counted?", idle_endpoint,
     hosted("twin-uncalled"), UNKNOWN, ""),
    ("called, and another region has one of its name", idle_endpoint, hosted("twin-called"), UNKNOWN, ""),
    ("nobody calls it: the rule about idle ones saves all of it", oversized_endpoint, hosted("uncalled", 6), None, ""),
    ("called, and nothing else was measured", oversized_endpoint, hosted("called once", 6), UNKNOWN, ""),
    ("nothing was measured", oversized_endpoint, hosted("unmeasured", 6), None, ""),
    ("a notebook is no endpoint either", oversized_endpoint, book(), None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "rule", "what", "verdict", "saving"), CASES, ids=[row[0] for row in CASES])
def test_the_rule_says(sentence: str, rule: Any, what: Metered, verdict: Verdict | None, saving: str) -> None:
    assert_says(rule.judge(what, LOOK), sentence, verdict, saving)
