"""The scripted provider against the whole process: a few trajectories always, all of them among the slow tests."""

import pytest

from evals.scripted import LIMITS, SLACK_SECONDS, follow_all, trajectories

# A stream that is given up in the middle is closed when its generator is collected, and says so then.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]
FEW = ("one tool, one figure", "a fault that passes", "forty calls at once", "status 500", "a call that ends without")


async def test_a_few_trajectories_end_as_they_should() -> None:
    chosen = [one for one in trajectories() if one.name.startswith(FEW)]
    assert len(chosen) >= len(FEW)
    assert {one.trajectory.name: one.reasons for one in await follow_all(chosen) if one.reasons} == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_every_trajectory_ends_as_it_should_and_in_time() -> None:
    followed = await follow_all(trajectories())
    assert {one.trajectory.name: one.reasons for one in followed if one.reasons} == {}
    assert max(one.seconds for one in followed) < LIMITS.seconds + SLACK_SECONDS


def test_each_trajectory_has_a_name_of_its_own() -> None:
    names = [one.name for one in trajectories()]
    assert len(set(names)) == len(names) >= 75
