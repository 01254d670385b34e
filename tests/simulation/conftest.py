"""One simulated database for all tests of this folder that run in one process."""

from collections.abc import Iterator

import pytest

from tests.simulation.memory import Memory
from tests.simulation.run import staged


@pytest.fixture
def memory() -> Iterator[Memory]:
    with staged() as memory:
        yield memory
