"""Malformed requests to Slack's address: a short run of `python -m tests.app.slack.fuzz`."""

import logging
from pathlib import Path

import pytest

from tests.app.slack.fuzz import fuzz, stored, whole


@pytest.mark.parametrize("requests", [96, pytest.param(4000, marks=[pytest.mark.slow, pytest.mark.timeout(300)])])
async def test_no_malformed_request_ends_in_an_error_of_ours_or_changes_anything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, requests: int
) -> None:
    caplog.set_level(logging.CRITICAL, logger="app.slack")  # for this test alone
    api, engine = whole(tmp_path)
    before = stored(engine)
    statuses = await fuzz(api, engine, proposal="P-0000000001", requests=requests, seed=7)
    assert statuses.total() == requests
    assert [status for status in statuses if status >= 500] == []
    assert {200, 400, 401, 403} <= set(statuses)
    assert stored(engine) == before
