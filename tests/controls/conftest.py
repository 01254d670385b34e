"""Roles on a server, an AWS on loopback, and a home: the fixtures of the rooms tested."""

from tests.app.conftest import clock, engine, home  # noqa: F401
from tests.approvals.test_aws import aws, cloud  # noqa: F401
from tests.postgres.conftest import new_served, served  # noqa: F401
