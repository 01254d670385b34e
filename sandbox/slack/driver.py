"""A typed client of the driver: acts as a person in the sandbox and reads what was said and sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

Json = dict[str, Any]


class DriverError(Exception):
    """The sandbox refused what a person tried; `code` and `why` say it, `answer` is all of it."""

    def __init__(self, answer: Json) -> None:
        super().__init__(f"{answer.get('error')}: {answer.get('why', '')}")
        self.code = str(answer.get("error"))
        self.why = str(answer.get("why", ""))
        self.answer = answer


@dataclass(frozen=True)
class Said:
    """A message that a person posted, and the events it caused."""

    channel: str
    ts: str
    text: str
    event_ids: tuple[str, ...]


@dataclass(frozen=True)
class Pressed:
    """A press or a submission: whether the app acknowledged it in time, and the delivery in full.

    For a submission: whether the modal closed, the errors shown, and the modal now in front.
    """

    acknowledged: bool
    delivery: Json | None
    closed: bool = False
    errors: Json | None = None
    view_id: str | None = None

    @property
    def delivery_id(self) -> str:
        """The id to replay it by; empty where nothing was sent."""
        return str(self.delivery["id"]) if self.delivery else ""

    @property
    def status(self) -> int | None:
        """The HTTP status of the app's answer."""
        return self.delivery["status"] if self.delivery else None


class SlackDriver:
    """People at their Slack. Use as an async context manager, with the sandbox's address."""

    def __init__(self, base_url: str, *, timeout: float = 30.0) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=timeout, trust_env=False)

    async def __aenter__(self) -> SlackDriver:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def say(self, user: str, channel: str, text: str, *, thread_ts: str | None = None) -> Said:
        """Posts as a person; `channel` is an id, a #name, or `@app`. Does not wait for the app."""
        answer = await self._post("say", user=user, channel=channel, text=text, thread_ts=thread_ts)
        return Said(answer["channel"], answer["ts"], answer["text"], tuple(answer["event_ids"]))

    async def click(
        self,
        user: str,
        action_id: str,
        *,
        channel: str | None = None,
        ts: str | None = None,
        view_id: str | None = None,
        block_id: str | None = None,
        value: Any = None,
        values: Json | None = None,
        confirmed: bool = True,
    ) -> Pressed:
        """Presses an element of a message or view; says yes to a confirmation unless told otherwise."""
        answer = await self._post(
            "click",
            user=user,
            action_id=action_id,
            channel=channel,
            ts=ts,
            view_id=view_id,
            block_id=block_id,
            value=value,
            values=values or {},
            confirmed=confirmed,
        )
        return Pressed(answer["ok"], answer["delivery"])

    async def command(self, user: str, channel: str, name: str, text: str = "") -> Pressed:
        """Types a slash command in a room and waits for the app's answer, which that person alone may see."""
        answer = await self._post("command", user=user, channel=channel, name=name, text=text)
        return Pressed(answer["ok"], answer["delivery"])

    async def shortcut(
        self, user: str, callback_id: str, *, channel: str | None = None, ts: str | None = None
    ) -> Pressed:
        """Uses a shortcut of the app: on a message of a room, or a global one where no message is named."""
        answer = await self._post("shortcut", user=user, callback_id=callback_id, channel=channel, ts=ts)
        return Pressed(answer["ok"], answer["delivery"])

    async def submit(self, user: str, view_id: str, values: Json) -> Pressed:
        """Submits a modal; values by action id, block id, or {block_id: {action_id: value}}."""
        answer = await self._post("submit", user=user, view_id=view_id, values=values)
        return Pressed(answer["ok"], answer["delivery"], answer["closed"], answer["errors"], answer["view_id"])

    async def close_view(self, user: str, view_id: str) -> Pressed:
        """Dismisses a modal."""
        answer = await self._post("close", user=user, view_id=view_id)
        return Pressed(answer["ok"], answer["delivery"], closed=True)

    async def open(self, user: str, *, channel: str | None = None, tab: str | None = None) -> str | None:
        """Opens a room, or the app's `home` or `messages` tab; returns the id of the event, if one was sent."""
        answer = await self._post("open", user=user, channel=channel, tab=tab)
        return str(answer["event_id"]) if answer["event_id"] else None

    async def state(self, user: str | None = None) -> Json:
        """What this person sees; without one, everything."""
        return await self._get("state", user=user)

    async def messages(self, channel: str, *, user: str | None = None, thread_ts: str | None = None) -> list[Json]:
        """The messages of a room (id, #name, or with a user `@app`), oldest first, or of one of its threads."""
        state = await self.state(user)
        for room in state["rooms"]:
            if _is_room(room, channel, user):
                every: list[Json] = room["messages"]
                return [m for m in every if thread_ts in (None, m.get("thread_ts"), m["ts"])]
        raise DriverError({"error": "channel_not_found", "why": f"no room {channel} is seen"})

    async def modal(self, user: str) -> Json | None:
        """The modal in front of this person."""
        view: Json | None = (await self.state(user))["modal"]
        return view

    async def home(self, user: str) -> Json | None:
        """This person's App Home."""
        view: Json | None = (await self.state(user))["home"]
        return view

    async def deliveries(self, *, type: str | None = None, event_id: str | None = None) -> list[Json]:
        """Requests to the app with their answers, oldest first."""
        found: list[Json] = (await self._get("deliveries", type=type, event_id=event_id))["deliveries"]
        return found

    async def calls(self, method: str | None = None) -> list[Json]:
        """Calls of the Web API by the app, oldest first."""
        found: list[Json] = (await self._get("calls", method=method))["calls"]
        return found

    async def stop(self, user: str, channel: str, thread_ts: str) -> Json:
        """Presses the stop button of a thread; the event's id, and the streams that Slack ended."""
        return await self._post("stop", user=user, channel=channel, thread_ts=thread_ts)

    async def move(self, seconds: float) -> float:
        """Lets so many seconds pass in the workspace (`--clock`); its time then, in seconds since the epoch."""
        return float((await self._post("clock", seconds=seconds))["now"])

    async def replay(self, delivery_id: str, *, headers: dict[str, str] | None = None) -> Pressed:
        """Sends the same bytes and headers once more."""
        answer = await self._post("replay", delivery_id=delivery_id, headers=headers or {})
        return Pressed(answer["ok"], answer["delivery"])

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ends the app's Socket Mode connections."""
        await self._post("disconnect", reason=reason)

    async def revoke(self) -> None:
        """An administrator takes the app's token away."""
        await self._post("revoke")

    async def verify_url(self) -> Pressed:
        """Sends Slack's challenge to the app's request URL."""
        answer = await self._post("verify-url")
        return Pressed(answer["ok"], answer["delivery"])

    async def faults(self, *faults: Json, clear: bool = False) -> None:
        """Plans faults, as in sandbox/slack/faults.py."""
        await self._post("faults", faults=list(faults), clear=clear)

    async def until(
        self, what: Callable[[Json], Any], *, user: str | None = None, seconds: float = 30.0, hint: str = ""
    ) -> Any:
        """Waits until `what(state)` is true, and returns what it gave. Raises TimeoutError with the hint."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            state = await self.state(user)
            if found := what(state):
                return found
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise TimeoutError(hint or "what was waited for did not happen in the sandbox")
            await self._get("changes", after=state["revision"], seconds=min(left, 0.5))

    async def until_message(
        self,
        channel: str,
        what: Callable[[Json], Any],
        *,
        user: str | None = None,
        thread_ts: str | None = None,
        seconds: float = 30.0,
        hint: str = "",
    ) -> Json:
        """Waits for a message in a room (by id, or with a user `@app`) for which `what(message)` is true."""

        def look(state: Json) -> Json | None:
            for room in state["rooms"]:
                if not _is_room(room, channel, user):
                    continue
                for message in room["messages"]:
                    if thread_ts in (None, message.get("thread_ts"), message["ts"]) and what(message):
                        found: Json = message
                        return found
            return None

        message: Json = await self.until(look, user=user, seconds=seconds, hint=hint)
        return message

    async def _post(self, path: str, **body: Any) -> Json:
        answer = await self._client.post(f"/sandbox/{path}", json=body)
        return _checked(answer)

    async def _get(self, path: str, **query: Any) -> Json:
        given = {key: value for key, value in query.items() if value is not None}
        return _checked(await self._client.get(f"/sandbox/{path}", params=given))


def buttons(message: Json) -> list[str]:
    """The action ids that a message or view offers, in order."""
    found: list[str] = []
    _collect(message.get("blocks", []), found)
    return found


def shown_text(message: Json) -> str:
    """All text of a message and its blocks, to look for words in."""
    parts: list[str] = [str(message.get("text", ""))]
    _gather(message.get("blocks", []), parts)
    return "\n".join(parts)


def _is_room(room: Json, channel: str, user: str | None) -> bool:
    if channel == "@app":
        return room["kind"] == "direct" and user in (None, room["user"])
    return bool(room["id"] == channel) or (room["kind"] == "channel" and room["name"] == channel.removeprefix("#"))


def _collect(value: Any, found: list[str]) -> None:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            if "action_id" in one:
                found.append(one["action_id"])
            for inner in one.values():
                _collect(inner, found)


def _gather(value: Any, parts: list[str]) -> None:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            for key, inner in one.items():
                if key in ("text", "caption", "title", "label") and isinstance(inner, str):
                    parts.append(inner)
                else:
                    _gather(inner, parts)
        elif isinstance(one, list):
            _gather(one, parts)


def _checked(answer: httpx.Response) -> Json:
    body: Json = answer.json()
    if answer.status_code >= 400:
        raise DriverError(body)
    return body
