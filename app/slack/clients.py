"""Which client speaks in which workspace.

What is done again and again has the home workspace's client; where a row names another workspace, `at` gives that
one's. With one workspace by its token there is one client, whatever a row says.
"""

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from app.slack.tokens import Tokens


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
        """The call with the token of this moment. A SlackApiError where the app is not installed there."""
        token = await self._tokens.token(self._team)
        self.token = token  # read by the call below before it first waits
        return await super().api_call(api_method, **given)


def at(client: AsyncWebClient, team: str) -> AsyncWebClient:
    """The client for what a row says is in `team`."""
    return client.beside(team) if isinstance(client, WorkspaceClient) else client
