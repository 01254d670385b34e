"""What the tests of the gate share beside the gate itself."""

from collections.abc import Iterator

import pytest
from sqlmodel import Session

from tests.approvals.gate import Gate


@pytest.fixture
def session(gate: Gate) -> Iterator[Session]:
    with gate.writing() as (session, _):
        yield session
