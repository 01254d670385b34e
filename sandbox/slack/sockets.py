"""Socket Mode: the app calls in, and deliveries go down its connections, each until it is acknowledged.

As Slack does it: a hello with the number of connections, ten at most, an envelope with an id for each delivery, an
acknowledgement by that id with an answer where one is taken, a disconnect that says why, and whatever was not
acknowledged on a connection that went away is sent again on another.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from sandbox.slack.clock import opaque

Json = dict[str, Any]
MOST_CONNECTIONS = 10
LIVES_SECONDS = 18_060
REASONS = ("warning", "refresh_requested", "too_many_websockets", "link_disabled")
KINDS = {"event": "events_api", "interaction": "interactive", "command": "slash_commands"}


class Sockets:
    """The app's open connections, and what waits for an acknowledgement."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id
        self._open: list[WebSocket] = []
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._turn = 0

    @property
    def count(self) -> int:
        """How many connections there are."""
        return len(self._open)

    def ticket(self) -> str:
        """What lets one connection in, once."""
        self._tickets.add(made := opaque("", 24))
        return made

    async def send(
        self, *, kind: str, payload: Json, attempt: int = 0, reason: str = "", seconds: float
    ) -> Json | None:
        """Sends one delivery and waits for its acknowledgement; the answer's payload, or None where none came.

        A connection that goes away meanwhile hands it to another one, as often as there are others.
        """
        envelope: Json = {
            "envelope_id": opaque("").lower(),
            "type": KINDS[kind],
            "payload": payload,
            "accepts_response_payload": kind != "event",
        }
        if kind == "event":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        acknowledged: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = acknowledged
        try:
            async with asyncio.timeout(seconds):
                while not acknowledged.done():
                    socket = self._next()
                    if socket is None:
                        await asyncio.sleep(0.02)
                        continue
                    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                        await socket.send_text(json.dumps(envelope))
                    while not acknowledged.done() and socket in self._open:
                        await asyncio.wait([acknowledged], timeout=0.05)
                return acknowledged.result()
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(envelope["envelope_id"], None)

    async def disconnect(self, reason: str) -> int:
        """Tells every connection that it ends, and why; all but a warning close it. Returns how many were told."""
        told = list(self._open)
        for socket in told:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await socket.send_text(
                    json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
                )
                if reason != "warning":
                    await socket.close()
            if reason != "warning" and socket in self._open:
                self._open.remove(socket)
        return len(told)

    async def serve(self, socket: WebSocket, ticket: str) -> None:
        """One connection, from its hello to its end."""
        if ticket not in self._tickets:
            await socket.close(code=4001)
            return
        self._tickets.discard(ticket)
        await socket.accept()
        if len(self._open) >= MOST_CONNECTIONS:
            await socket.send_text(json.dumps({"type": "disconnect", "reason": "too_many_websockets"}))
            await socket.close()
            return
        self._open.append(socket)
        try:
            await socket.send_text(json.dumps(self._hello()))
            while True:
                self._take(await socket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            if socket in self._open:
                self._open.remove(socket)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "connection_info": {"app_id": self._app_id},
            "debug_info": {"host": "sandbox", "approximate_connection_time": LIVES_SECONDS},
        }

    def _take(self, text: str) -> None:
        """An acknowledgement; what is none, or is late, is passed over."""
        with contextlib.suppress(ValueError):
            said = json.loads(text)
            waiting = self._waiting.get(str(said.get("envelope_id"))) if isinstance(said, dict) else None
            if waiting is not None and not waiting.done():
                payload = said.get("payload")
                waiting.set_result(payload if isinstance(payload, dict) else {})

    def _next(self) -> WebSocket | None:
        """Any of the connections, in turn."""
        if not self._open:
            return None
        self._turn += 1
        return self._open[self._turn % len(self._open)]


def socket_routes(sockets: Sockets) -> APIRouter:
    """The address that `apps.connections.open` hands out."""
    router = APIRouter()

    @router.websocket("/link")
    async def link(socket: WebSocket, ticket: str = "") -> None:
        await sockets.serve(socket, ticket)

    return router
