"""Carries events and interactions to the app, signed, and keeps to Slack's deadline and retries.

An event that is not acknowledged in time is sent again; an interaction never is: the person is told instead that the
app did not respond.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx

from sandbox.slack.clock import Ticker, opaque
from sandbox.slack.faults import DeliveryFault, Faults
from sandbox.slack.seed import REMOVED
from sandbox.slack.settings import EVENT_RETRY_SECONDS, SiteSettings
from sandbox.slack.signing import signature, signed_headers
from sandbox.slack.sockets import Sockets
from sandbox.slack.transcript import Delivery, Transcript

Json = dict[str, Any]
STALE_SECONDS = 600
NO_APP = "no app address was given at start (--app-url)"
NOT_INSTALLED = "the app is not installed in this workspace"


class Courier:
    """One for the workspace. `on_change` is called whenever a delivery begins or ends."""

    def __init__(
        self,
        *,
        settings: SiteSettings,
        ticker: Ticker,
        transcript: Transcript,
        faults: Faults,
        on_change: Callable[[], None],
        sockets: Sockets,
        installed: Callable[[], bool] = lambda: True,
    ) -> None:
        self.settings = settings
        self.ticker = ticker
        self.transcript = transcript
        self.faults = faults
        self.on_change = on_change
        self.sockets = sockets
        self.installed = installed
        self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=None)  # noqa: S113  (see _post)
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Stops retrying and closes the connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()
        self.transcript.close()

    def event(self, envelope: Json, *, name: str) -> str:
        """Sends an event in the background, with retries. Returns its event id."""
        task = asyncio.get_running_loop().create_task(self._carry_event(envelope, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return str(envelope["event_id"])

    async def interaction(self, payload: Json, *, user: str) -> Delivery:
        """Sends an interaction once and waits for the acknowledgement."""
        body = urlencode({"payload": _dump(payload)}).encode()
        delivery = self._prepare(
            kind="interaction",
            name=str(payload["type"]),
            url=self.settings.interactions_to,
            body=body,
            content_type="application/x-www-form-urlencoded",
        )
        delivery.user = user
        return await self._send(delivery)

    async def command(self, form: dict[str, str], *, user: str) -> Delivery:
        """Sends a slash command once and waits for the answer."""
        delivery = self._prepare(
            kind="command",
            name=form["command"],
            url=self.settings.interactions_to,
            body=urlencode(form).encode(),
            content_type="application/x-www-form-urlencoded",
        )
        delivery.user = user
        return await self._send(delivery)

    async def verify_url(self) -> Delivery:
        """Slack's challenge to a new request URL: the app has to answer with the same word."""
        word = opaque("", 24)
        body = _dump({"type": "url_verification", "token": "sandbox", "challenge": word}).encode()
        delivery = await self._send(
            self._prepare(kind="event", name="url_verification", url=self.settings.app_url, body=body)
        )
        if delivery.acknowledged and word not in delivery.response_body:
            delivery.outcome, delivery.error = "refused", "the challenge was not answered"
        return delivery

    async def replay(self, original: Delivery, *, headers: dict[str, str] | None = None) -> Delivery:
        """Sends the same bytes under the same headers once more, as someone who had recorded them would."""
        again = Delivery(
            id=opaque("D"),
            kind=original.kind,
            type=original.type,
            url=original.url,
            attempt=original.attempt,
            sent_at=self.ticker.now(),
            request_headers={**original.request_headers, **(headers or {})},
            request_body=original.request_body,
            user=original.user,
            event_id=original.event_id,
            replay_of=original.id,
        )
        return await self._post(again)

    async def _carry_event(self, envelope: Json, name: str) -> None:
        body = _dump(envelope).encode()
        reason = ""
        for attempt, wait in enumerate((None, *EVENT_RETRY_SECONDS)):
            if wait is not None:
                await self.ticker.sleep(wait * self.settings.retry_scale)
            delivery = self._prepare(kind="event", name=name, url=self.settings.app_url, body=body)
            delivery.attempt, delivery.event_id = attempt, str(envelope["event_id"])
            if attempt:
                delivery.request_headers |= {"x-slack-retry-num": str(attempt), "x-slack-retry-reason": reason}
            await self._send(delivery)
            if delivery.acknowledged or delivery.response_headers.get("x-slack-no-retry") == "1":
                return
            if delivery.error in (NO_APP, NOT_INSTALLED):
                return
            reason = {"timeout": "http_timeout", "failed": "connection_failed"}.get(delivery.outcome, "http_error")

    def _prepare(
        self, *, kind: str, name: str, url: str | None, body: bytes, content_type: str = "application/json"
    ) -> Delivery:
        now = int(self.ticker.signs_at())
        return Delivery(
            id=opaque("D"),
            kind=kind,
            type=name,
            url=url or "",
            attempt=0,
            sent_at=self.ticker.now(),
            request_headers=signed_headers(
                self.settings.signing_secret, timestamp=now, body=body, content_type=content_type
            ),
            request_body=body.decode(),
        )

    async def _send(self, delivery: Delivery) -> Delivery:
        fault = self.faults.for_delivery(delivery.kind)
        if fault is None:
            return await self._post(delivery)
        headers = delivery.request_headers
        match fault.fault:
            case DeliveryFault.BAD_SIGNATURE:
                headers["x-slack-signature"] = "v0=" + "0" * 64
            case DeliveryFault.STALE:
                stale = str(int(self.ticker.signs_at()) - STALE_SECONDS)
                headers["x-slack-request-timestamp"] = stale
                self._sign_again(delivery, stale)
            case DeliveryFault.BROKEN_BODY:
                delivery.request_body = delivery.request_body[:-3] + "%"
                self._sign_again(delivery, headers["x-slack-request-timestamp"])
            case DeliveryFault.LOST:
                self.transcript.begun(delivery)
                delivery.outcome, delivery.error, delivery.seconds = "failed", "lost on purpose", 0.0
                return self._ended(delivery)
            case DeliveryFault.DUPLICATE:
                first, _ = await asyncio.gather(self._post(delivery), self.replay(delivery))
                return first
        return await self._post(delivery)

    def _sign_again(self, delivery: Delivery, timestamp: str) -> None:
        delivery.request_headers["x-slack-signature"] = signature(
            self.settings.signing_secret, timestamp=timestamp, body=delivery.request_body.encode()
        )

    async def _post(self, delivery: Delivery) -> Delivery:
        self.transcript.begun(delivery)
        self.on_change()
        if delivery.type not in REMOVED and not self.installed():
            delivery.outcome, delivery.error, delivery.seconds = "failed", NOT_INSTALLED, 0.0
            return self._ended(delivery)
        if self.settings.socket_mode:
            return await self._down_a_socket(delivery)
        if not delivery.url:
            delivery.outcome, delivery.error, delivery.seconds = "failed", NO_APP, 0.0
            return self._ended(delivery)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.settings.ack_seconds):
                answer = await self._client.post(
                    delivery.url, content=delivery.request_body.encode(), headers=delivery.request_headers
                )
        except TimeoutError:
            delivery.outcome = "timeout"
            delivery.error = f"no answer within {self.settings.ack_seconds:g} s"
        except httpx.HTTPError as error:
            delivery.outcome, delivery.error = "failed", f"{type(error).__name__}: {error}".rstrip(": ")
        else:
            delivery.status = answer.status_code
            delivery.response_headers = dict(answer.headers)
            with contextlib.suppress(UnicodeDecodeError):
                delivery.response_body = answer.content.decode()
            delivery.outcome = "answered" if answer.is_success else "refused"
            if not answer.is_success:
                delivery.error = f"HTTP {answer.status_code}"
        delivery.seconds = round(time.perf_counter() - started, 4)
        return self._ended(delivery)

    async def _down_a_socket(self, delivery: Delivery) -> Delivery:
        started = time.perf_counter()
        delivery.url = "socket"
        headers = delivery.request_headers
        answer = await self.sockets.send(
            kind=delivery.kind,
            payload=_payload(delivery),
            attempt=int(headers.get("x-slack-retry-num", "0")),
            reason=headers.get("x-slack-retry-reason", ""),
            seconds=self.settings.ack_seconds,
        )
        if answer is None:
            delivery.outcome = "timeout"
            delivery.error = f"no acknowledgement within {self.settings.ack_seconds:g} s"
        else:
            delivery.outcome, delivery.status = "answered", 200
            delivery.response_body = _dump(answer) if answer else ""
        delivery.seconds = round(time.perf_counter() - started, 4)
        return self._ended(delivery)

    def _ended(self, delivery: Delivery) -> Delivery:
        self.transcript.ended(delivery)
        self.on_change()
        return delivery


def _payload(delivery: Delivery) -> Json:
    """What goes into the envelope: the event's body, or what stands in the form of an interaction or a command."""
    if delivery.kind == "event":
        return dict(json.loads(delivery.request_body))
    form = dict(parse_qsl(delivery.request_body, keep_blank_values=True))
    return dict(json.loads(form["payload"])) if "payload" in form else dict(form)


def _dump(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))
