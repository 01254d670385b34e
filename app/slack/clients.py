"""Which client speaks in which workspace.

What is done again and again has the home workspace's client; where a row names another workspace, `at` gives that
one's. With one workspace by its token there is one client, whatever a row says.
"""

import logging
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from app.errors import Problem
from app.slack.tokens import UNREADABLE, Tokens, no_token

logger = logging.getLogger(__name__)


class WorkspaceClient(AsyncWebClient):
    """A client of one installed workspace: it asks for its token at each call, for it may have been renewed."""

    def __init__(self, tokens: Tokens, team: str) -> None:
        super().__init__(base_url=tokens.base_url, timeout=10, retry_handlers=[])
        self._tokens, self._team = tokens, team
        self._others: dict[str, WorkspaceClient] = {team: self}

    def beside(self, team: str) -> "WorkspaceClient":
        """The client of another workspace of the same app."""
        if team not in self._others:
            self._others[team] = WorkspaceClient(self._tokens, team)
        return self._others[team]

    async def api_call(self, api_method: str, **given: Any) -> AsyncSlackResponse:
        """The call with the token of this moment. A SlackApiError where the app is not installed there, or its token
        cannot be read."""
        try:
            token = await self._tokens.token(self._team)
        except Problem as problem:  # so that whoever speaks in several goes on in the others
            logger.error("the app cannot speak in %s: %s %s", self._team, problem.what, problem.why)
            raise no_token(self._team, UNREADABLE) from None
        self.token = token  # read by the call below before it first waits
        return await super().api_call(api_method, **given)


def at(client: AsyncWebClient, team: str) -> AsyncWebClient:
    """The client for what a row says is in `team`."""
    return client.beside(team) if isinstance(client, WorkspaceClient) else client
