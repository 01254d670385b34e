"""Socket Mode: `serve` calls Slack and takes deliveries down that connection, so nothing has to reach it from outside.

The same listeners as by HTTP, behind the same judgement of workspace, app and repetition; only the signature is
missing, since the connection itself was opened with the app's token. A delivery is acknowledged when its listener is
done, that is when it is stored; one that failed is not, and Slack sends it again.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from time import time

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.database import reading
from app.inbox import known_among
from app.settings import SlackSettings
from app.slack.bolt import MOST_AT_ONCE, note_refusal
from app.slack.guard import Admissible, RefusalCount, Refused, for_us
from app.slack.together import Together

logger = logging.getLogger(__name__)


class Socket(AsyncSocketModeHandler):
    """Takes deliveries from Slack's connection and gives them to Bolt."""

    def __init__(
        self,
        app: AsyncApp,
        *,
        engine: Engine,
        settings: SlackSettings,
        client: AsyncWebClient,
        refusals: RefusalCount,
        teams: Collection[str],
    ) -> None:
        quiet = logging.getLogger("spendgate.socket")
        quiet.setLevel(logging.ERROR)  # at INFO the SDK writes what people said
        super().__init__(app, settings.app_token, logger=quiet, web_client=client)
        self._engine, self._settings, self._refusals, self._teams = engine, settings, refusals, teams
        self._door = Together(self._judge, most=MOST_AT_ONCE)

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """One delivery: judged, stored by its listener, acknowledged."""
        started = time()
        verdict = await self._door(req)
        if not isinstance(verdict, Admissible):
            if verdict is not None:
                await asyncio.to_thread(note_refusal, self._engine, self._refusals, verdict)
            # Acknowledged: it was taken in before, or it will never be, and sending it again would change nothing.
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))
            return
        try:
            answer = await run_async_bolt_app(self.app, req)
            await send_async_response(client, req, answer, started)
        except Exception as error:  # noqa: BLE001 (what was not stored is not acknowledged, and comes again)
            logger.warning("a delivery was not taken (%s: %s); Slack sends it again", type(error).__name__, error)

    def _judge(self, requests: Sequence[SocketModeRequest]) -> list[Admissible | Refused | None]:
        teams, app_id = self._teams, self._settings.app_id
        verdicts = [for_us(one.payload, teams=teams, app_id=app_id, signature=one.envelope_id) for one in requests]
        with reading(self._engine) as (session, _):
            before = known_among(session, [one.key for one in verdicts if isinstance(one, Admissible)])
        return [None if isinstance(one, Admissible) and one.key in before else one for one in verdicts]


async def keep_connected(socket: Socket) -> None:
    """Connects, and stays so: the client itself renews a connection that ends."""
    await socket.connect_async()  # type: ignore[no-untyped-call]
    try:
        await asyncio.Event().wait()
    finally:
        await socket.close_async()  # type: ignore[no-untyped-call]
