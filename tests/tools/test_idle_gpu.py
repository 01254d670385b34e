"""The idle rule as a table: one broken condition is use, one missing metric is unknown, all five is idle."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.rules.evidence import Verdict
from tools.rules.idle_gpu import MachineUse, is_gpu_family, judge
from tools.rules.machine_thresholds import IdleGpuThresholds
from tools.rules.saving import MachineCost, saving

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
LIMITS = IdleGpuThresholds()
IDLE = MachineUse(
    metric_hours=336,
    gpu_active_percent=Decimal("0.3"),
    gpu_memory_max_percent=Decimal("1.2"),
    encoder_active_percent=Decimal(0),
    cpu_max_percent=Decimal("3.1"),
    network_mb_per_day=Decimal("1.4"),
    last_metric_at=NOW - timedelta(hours=9),
)
SENTENCES: list[tuple[str, dict[str, object], Verdict]] = [
    ("all five hold", {}, Verdict.IDLE),
    ("encoder exactly at one percent still counts as unused", {"encoder_active_percent": Decimal(1)}, Verdict.IDLE),
    ("GPU active one percent is use", {"gpu_active_percent": Decimal(1)}, Verdict.IN_USE),
    ("GPU memory of five percent is use", {"gpu_memory_max_percent": Decimal(5)}, Verdict.IN_USE),
    ("encoder above one percent is use", {"encoder_active_percent": Decimal("1.1")}, Verdict.IN_USE),
    ("one CPU peak is use", {"cpu_max_percent": Decimal(40)}, Verdict.IN_USE),
    ("network on one day is use", {"network_mb_per_day": Decimal(80)}, Verdict.IN_USE),
    ("GPU not measured", {"gpu_active_percent": None}, Verdict.UNKNOWN),
    ("encoder not measured", {"encoder_active_percent": None}, Verdict.UNKNOWN),
    ("nothing measured", dict.fromkeys(("gpu_active_percent", "cpu_max_percent")), Verdict.UNKNOWN),
    ("too few hours", {"metric_hours": 29}, Verdict.UNKNOWN),
    ("enough hours", {"metric_hours": 30}, Verdict.IDLE),
    ("most billed hours measured", {"metric_hours": 269, "billed_hours": Decimal(336)}, Verdict.IDLE),
    ("a third of the billed hours not measured", {"metric_hours": 224, "billed_hours": Decimal(336)}, Verdict.UNKNOWN),
    ("metrics ended days ago", {"last_metric_at": NOW - timedelta(days=4)}, Verdict.UNKNOWN),
    ("no last metric", {"last_metric_at": None}, Verdict.UNKNOWN),
    (
        "busy although the GPU is not measured",
        {"gpu_active_percent": None, "cpu_max_percent": Decimal(9)},
        Verdict.IN_USE,
    ),
]


@pytest.mark.parametrize(("sentence", "changed", "verdict"), SENTENCES, ids=[row[0] for row in SENTENCES])
def test_verdict(sentence: str, changed: dict[str, object], verdict: Verdict) -> None:
    found = judge(replace(IDLE, **changed), now=NOW, thresholds=LIMITS)  # type: ignore[arg-type]
    assert found.verdict == verdict, sentence
    assert bool(found.missing) == (verdict == Verdict.UNKNOWN) or verdict == Verdict.IN_USE


def test_what_is_missing_is_said() -> None:
    found = judge(replace(IDLE, gpu_active_percent=None, metric_hours=3), now=NOW, thresholds=LIMITS)
    assert found.missing == ("GPU active, share of time", "metrics of at least 30 hours (there are 3)")


numbers = st.one_of(st.none(), st.decimals(min_value=0, max_value=100, places=2))


@given(numbers, numbers, numbers, numbers, numbers, st.integers(0, 400))
def test_never_idle_with_anything_missing_or_broken(
    gpu: Decimal | None,
    memory: Decimal | None,
    encoder: Decimal | None,
    cpu: Decimal | None,
    net: Decimal | None,
    hours: int,
) -> None:
    use = MachineUse(hours, Decimal(300), gpu, memory, encoder, cpu, net, NOW)
    found = judge(use, now=NOW, thresholds=LIMITS)
    if found.verdict == Verdict.IDLE:
        assert None not in (gpu, memory, encoder, cpu, net)
        assert all(check.holds for check in found.checks)


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [
        *((name, True) for name in ("g5.12xlarge", "p4d.24xlarge", "g4dn.xlarge", "g6e.2xlarge", "gr6.4xlarge")),
        *((name, False) for name in ("m5.large", "c7g.large", "trn1.2xlarge", "", "g", "t3.micro")),
    ],
)
def test_families(instance_type: str, expected: bool) -> None:
    assert is_gpu_family(instance_type, LIMITS) is expected


def cost(*, hours: str, uncovered: str, effective: str, uncovered_effective: str, span: str = "336") -> MachineCost:
    return MachineCost(
        Decimal(hours), Decimal(uncovered), Decimal(effective), Decimal(uncovered_effective), Decimal(span)
    )


def test_saving_of_an_uncovered_machine_is_its_rate_times_730() -> None:
    made = saving(
        cost(hours="336", uncovered="336", effective="1905.792", uncovered_effective="1905.792"), hours_per_month=730
    )
    assert made is not None
    assert made.hourly_rate == Decimal("5.672")
    assert made.per_month == Decimal("4140.56")
    assert made.per_year == made.annual_cost == Decimal("49686.72")


def test_covered_hours_save_nothing_but_count_in_the_amount() -> None:
    made = saving(cost(hours="336", uncovered="84", effective="1000", uncovered_effective="336"), hours_per_month=730)
    assert made is not None
    assert made.per_month == Decimal("730")  # 4.00 an hour, a quarter of the time
    assert made.annual_cost > made.per_year


def test_a_machine_that_ran_half_the_time_is_not_extrapolated_to_all_of_it() -> None:
    made = saving(cost(hours="168", uncovered="168", effective="168", uncovered_effective="168"), hours_per_month=730)
    assert made is not None
    assert made.per_month == Decimal(365)


def test_no_hours_no_saving() -> None:
    assert saving(cost(hours="0", uncovered="0", effective="0", uncovered_effective="0"), hours_per_month=730) is None
