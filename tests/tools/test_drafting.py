"""What is meant for a resource behind unusual spend: what the tool asks for by a rule that is on."""

from datetime import date, timedelta

import pytest

from lake.engine import Lake
from tests.tools.small_bill import Asked, charge, days_of, desk_of, lake_of, machine_day, usage_hours
from tools.anomalies import found_now
from tools.desk import nobody_proposes
from tools.drafting import meant
from tools.drivers import resource_behind

DAYS = days_of(date(2026, 7, 13), 120)
IDLE, BUSY, FREE = (f"i-0{number:016x}" for number in (1, 2, 3))
RULE = "idle_gpu_instance"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """An idle machine and a busy one since the hundredth day, an old machine without GPUs that does nothing, and three
    uses of a model that rise together."""
    new, rows = DAYS[100:], []
    rows += [machine_day(day, "idle", 1, rate="30.00") for day in new]
    rows += [machine_day(day, "busy", 2, rate="4.00") for day in new]
    small = {
        "SkuPriceDetails": '{"InstanceType": "m4.xlarge"}', "Tags": '{"team": "kyc"}', "SkuMeter": "BoxUsage:m4.xlarge",
        "PricingUnit": "Hrs", "PricingQuantity": "24",
    }  # fmt: skip
    rows += [machine_day(day, "small", 3, rate="0.20", **small) for day in DAYS]
    for use in ("a", "b", "c"):
        name = {"ResourceId": f"arn:aws:bedrock:us-east-1:471852036911:inference-profile/{use}"}
        rows += [charge(day, "600" if day in new else "50", team="claims", **name) for day in DAYS]
    usage = [*usage_hours(1, new), *usage_hours(2, new, cpu_max_pct="90"), *usage_hours(3, DAYS[-16:])]
    return lake_of(tmp_path_factory.mktemp("drafting"), rows, usage=usage)


def test_the_resource_behind_an_event_made_at_least_half_of_what_moved(lake: Lake) -> None:
    desk = desk_of(lake)
    found = {dict(one.incident.names).get("team"): resource_behind(desk, one) for one in found_now(desk)[0]}
    assert found == {"fraud": IDLE, "claims": None}, "each of the three uses moved a third"


@pytest.mark.parametrize(
    ("resources", "rules", "scope", "told"),
    [
        pytest.param([IDLE, BUSY], {RULE}, ("*",), {IDLE: RULE}, id="the idle one, and not the one that works"),
        pytest.param([BUSY], {RULE}, ("*",), {}, id="the rule finds nothing on it"),
        pytest.param([IDLE], {"idle_machine"}, ("*",), {}, id="the rule that finds it is not on"),
        pytest.param([IDLE], {"no_such_rule"}, ("*",), {}, id="a rule that there is not"),
        pytest.param([IDLE], set(), ("*",), {}, id="no rule is on"),
        pytest.param([IDLE], {RULE}, ("claims",), {}, id="the person may not see its team"),
        pytest.param([IDLE], {RULE}, ("fraud",), {IDLE: RULE}, id="the person sees its team alone"),
        pytest.param(["i-0ffffffffffffffff"], {RULE}, ("*",), {}, id="a machine that the bill does not know"),
        pytest.param([FREE], {"idle_machine", "old_generation"}, ("*",), {FREE: "idle_machine"},
                     id="of two rules the first in their order"),
        pytest.param([FREE], {"old_generation"}, ("*",), {FREE: "old_generation"},
                     id="the other one where it is on alone"),
    ],
)  # fmt: skip
def test_what_is_meant(
    lake: Lake, resources: list[str], rules: set[str], scope: tuple[str, ...], told: dict[str, str]
) -> None:
    asked = Asked()
    found = meant(desk_of(lake, scope=scope, propose=asked), resources, rules)
    assert {name: one.rule for name, one in found.items()} == told
    assert asked.wanted == [], "it is noted and not asked: the scan stores it"
    for one in found.values():
        assert one.wanted.evidence["rule"] == one.rule
        assert one.wanted.evidence["checks"]


def test_a_desk_at_which_nothing_is_proposed_will_do(lake: Lake) -> None:
    found = meant(desk_of(lake, propose=nobody_proposes, now=desk_of(lake).now + timedelta(hours=1)), [IDLE], {RULE})
    assert found[IDLE].wanted.change["kind"] == "stop_instance"
