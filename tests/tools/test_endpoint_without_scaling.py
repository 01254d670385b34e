"""The rule of endpoints whose number never changes, as a table: a sentence, the endpoint, the verdict and the money.

Hours of ml.g5.2xlarge, 8 cores and one GPU, at 1.515 dollars; 6 machines are 6,635.70 a month.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from lake.metered import Metered
from tests.tools import test_bill_rules
from tests.tools.test_bill_rules import ARN, AT, FINE, UNKNOWN, WASTE, assert_says, book
from tests.tools.test_oversized_endpoint import LOOK as OTHERS
from tools.rules import endpoint_without_scaling, oversized_endpoint
from tools.rules.endpoint_without_scaling import planned
from tools.rules.evidence import Verdict
from tools.rules.judged import EndpointHour
from tools.rules.serving_thresholds import EndpointScalingThresholds

DAY, NIGHT = ("75", 54_000), ("7.5", 5_400)


def served(day: tuple[str, int | None], night: tuple[str, int | None], *, ago: int = 10) -> list[EndpointHour]:
    """Fourteen days, half of whose hours are busy: CPU in percent of the machine, and calls."""
    told = []
    for back in range(336):
        cpu, calls = day if back % 24 < 12 else night
        told.append(EndpointHour(AT - timedelta(hours=ago + back), Decimal(cpu) * 8, Decimal(0), calls))
    return told


def without_calls(hours: list[EndpointHour], *, every: int = 1) -> list[EndpointHour]:
    return [replace(hour, calls=None) if at % every == 0 else hour for at, hour in enumerate(hours)]


SERVED = {
    "day-and-night": served(DAY, NIGHT),
    "tagged": served(DAY, NIGHT),
    "steady": served(DAY, ("75", 54_000)),
    "half": served(DAY, ("30", 21_600)),
    "shallow": served(DAY, ("30.1", 21_601)),
    "heavy-nights": served(DAY, ("40", 5_400)),
    "a-few-heavy-hours": [replace(one, cpu_cores_percent=Decimal(8 * 40)) if at in (13, 14, 15) else one
                          for at, one in enumerate(served(DAY, NIGHT))],
    "large-answers": served(("75", 500), ("7.5", 50)),
    "small": served(("60", 54_000), NIGHT),
    "uncounted": without_calls(served(DAY, NIGHT)),
    "partly-counted": without_calls(served(DAY, NIGHT), every=2),
    "silent-nights": served(DAY, ("1", None)),
    "zero-nights": served(DAY, ("1", 0)),
    "long-ago": served(DAY, NIGHT, ago=72),
    "namesake": served(DAY, NIGHT),
}  # fmt: skip
LOOK = replace(
    OTHERS,
    endpoint_hours={ARN + name: tuple(hours) for name, hours in SERVED.items()},
    endpoint_minimums={f"{ARN}tagged": "4"},
    namesakes=frozenset({f"{ARN}namesake"}),
)


def hosted(name: str, machines: int = 6, **more: Any) -> Metered:
    return replace(test_bill_rules.hosted("unmeasured", machines, **more), resource_id=ARN + name)


RULE = endpoint_without_scaling
CASES: list[tuple[str, Any, Metered, Verdict | None, str]] = [
    ("6 at 75 % by day bear 100 calls a minute each at 50 %; by night 2 do: 4 of 6 in half of the hours", RULE,
     hosted("day-and-night"), WASTE, "2211.90"),
    ("its tag says that 4 always stay: 2 of 6 in half of the hours", RULE, hosted("tagged"), WASTE, "1105.95"),
    ("nobody calls it by night, and the zeros are counted", RULE, hosted("zero-nights"), WASTE, "2211.90"),
    ("hours without a call are not counted: silence is no zero", RULE, hosted("silent-nights"), UNKNOWN, ""),
    ("as many calls at all hours", RULE, hosted("steady"), FINE, ""),
    ("quiet hours have two fifths of the calls", RULE, hosted("half"), FINE, ""),
    ("and a little more", RULE, hosted("shallow"), FINE, ""),
    ("by night few calls make much work: machines that follow calls would be overrun", RULE, hosted("heavy-nights"),
     FINE, ""),
    ("so they would in three hours of 336", RULE, hosted("a-few-heavy-hours"), WASTE, "2211.90"),
    ("a machine bears less than one call a minute, and AWS counts whole ones", RULE, hosted("large-answers"), FINE, ""),
    ("5 would do at all hours: the rule of too many machines has it", RULE, hosted("small"), None, ""),
    ("two always stay, one in each zone", RULE, hosted("day-and-night", 2), None, ""),
    ("its calls were never counted", RULE, hosted("uncounted"), UNKNOWN, ""),
    ("half of its hours were not counted", RULE, hosted("partly-counted"), UNKNOWN, ""),
    ("measured until three days ago: the rule of too many machines says so", RULE, hosted("long-ago"), None, ""),
    ("another region has one of its name: the rule of too many machines says so", RULE, hosted("namesake"), None, ""),
    ("its number of machines changed: it may be scaled already", RULE, hosted("day-and-night", least="96"), None, ""),
    ("a plan covers its machines: no cash is saved", RULE, hosted("day-and-night", bare="0"), FINE, ""),
    ("nothing was measured", RULE, hosted("unmeasured"), None, ""),
    ("a notebook is no endpoint", RULE, book(), None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "rule", "what", "verdict", "saving"), CASES, ids=[row[0] for row in CASES])
def test_the_rule_says(sentence: str, rule: Any, what: Metered, verdict: Verdict | None, saving: str) -> None:
    assert_says(rule.judge(what, LOOK), sentence, verdict, saving)


def test_its_change_names_the_bounds_and_the_calls_that_were_worked_out() -> None:
    said = RULE.judge(hosted("day-and-night"), LOOK)
    assert said is not None
    assert said.change is not None
    assert (said.change["least"], said.change["most"], said.change["calls"]) == (2, 6, 100)
    assert oversized_endpoint.judge(hosted("day-and-night"), LOOK).finding.verdict == FINE  # type: ignore[union-attr]
    assert RULE.judge(hosted("steady"), LOOK).change is None  # type: ignore[union-attr]


def test_how_many_calls_a_machine_bears_is_told_by_the_hours_that_work() -> None:
    """An hour of two calls and a health check tells nothing; of those that tell, the heavier calls count."""
    limits, at = EndpointScalingThresholds(), AT
    light = [(EndpointHour(at, None, None, 6_000), Decimal(40))] * 90
    heavy = [(EndpointHour(at, None, None, 6_000), Decimal(50))] * 10
    idle = [(EndpointHour(at, None, None, 2), Decimal(9))] * 100
    # 6,000 calls an hour on 2 machines are 50 a minute each, at 50 % of use: so many they bear at the target of 50 %.
    assert planned([*light, *heavy, *idle], 2, 1, limits).calls == 50
    assert planned([*light, *idle], 2, 1, limits).calls == 62
