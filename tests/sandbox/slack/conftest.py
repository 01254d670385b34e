"""A sandbox with a Bolt app behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from sandbox.slack.trial import Desk, sandbox_with_app


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """The usual sandbox."""
    async with sandbox_with_app() as one:
        yield one
