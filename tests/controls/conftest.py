"""Roles on a server, an AWS on loopback, and a home: the fixtures of the rooms tested."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.aws.serve import ServedAws
from tests.app.conftest import clock, engine, home  # noqa: F401
from tests.approvals.test_aws import cloud, some_machines  # noqa: F401
from tests.postgres.conftest import new_served, served  # noqa: F401


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[ServedAws]:
    """One for each test: a machine that was stopped on one database would be found stopped on the next."""
    with some_machines(tmp_path) as served_aws:
        yield served_aws
