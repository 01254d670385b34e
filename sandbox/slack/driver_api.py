"""The driver: what stands in for people, for the page, the demo's story and the tests. Slack has nothing like it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from sandbox.slack import commands, interactions, seen, shortcuts, speaking, stop_button
from sandbox.slack.clock import MovedClock
from sandbox.slack.errors import ActionRefused, SlackError
from sandbox.slack.faults import Fault
from sandbox.slack.interactions import Press
from sandbox.slack.methods.oauth import uninstalled
from sandbox.slack.site import Site
from sandbox.slack.transcript import Delivery

Json = dict[str, Any]
LONGEST_WAIT = 25.0


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Say(_Given):
    """A message of a person; `channel` is an id, a #name, or `@app`."""

    user: str
    channel: str
    text: str
    thread_ts: str | None = None


class Click(_Given):
    """A press on an element of a message (channel, ts) or of a view (view_id)."""

    user: str
    action_id: str
    block_id: str | None = None
    channel: str | None = None
    ts: str | None = None
    view_id: str | None = None
    value: Any = None
    values: Json = Field(default_factory=dict)
    confirmed: bool = False


class Command(_Given):
    """A slash command (`name`, with its slash) typed in a room."""

    user: str
    channel: str
    name: str
    text: str = ""


class UseShortcut(_Given):
    """A shortcut of the app: on a message (channel, ts), or a global one."""

    user: str
    callback_id: str
    channel: str | None = None
    ts: str | None = None


class Submit(_Given):
    """A modal, filled in."""

    user: str
    view_id: str
    values: Json = Field(default_factory=dict)


class CloseView(_Given):
    """A modal, dismissed."""

    user: str
    view_id: str


class Look(_Given):
    """A person opens a room (`channel`) or a tab of the app (`tab`)."""

    user: str
    channel: str | None = None
    tab: str | None = None


class Stop(_Given):
    """The stop button of a thread in which the app is at work."""

    user: str
    channel: str
    thread_ts: str


class Move(_Given):
    """So many seconds pass at once, at most a year."""

    seconds: float = Field(gt=0, le=366 * 86_400)


class Replay(_Given):
    """A delivery to send again; `headers` replace single headers of it."""

    delivery_id: str
    headers: dict[str, str] = Field(default_factory=dict)


class Disconnect(_Given):
    """Ends every Socket Mode connection, for a reason of Slack's; a warning only announces it."""

    reason: Literal["warning", "refresh_requested", "link_disabled"] = "refresh_requested"


class FaultPlan(_Given):
    """Faults to add, after forgetting the present ones if `clear`."""

    faults: list[Fault] = Field(default_factory=list)
    clear: bool = False


def driver_api(site: Site) -> APIRouter:
    """The routes under /sandbox."""
    router = APIRouter(prefix="/sandbox")
    _acting_routes(router, site)
    _looking_routes(router, site)
    _wire_routes(router, site)
    return router


def refusals_as_json(application: FastAPI) -> None:
    """A refusal is an answer with a reason."""

    @application.exception_handler(ActionRefused)
    async def refused(_: Request, error: ActionRefused) -> JSONResponse:
        return JSONResponse(error.as_json(), status_code=error.status)

    @application.exception_handler(RequestValidationError)
    async def unreadable(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return JSONResponse(ActionRefused("invalid_request", f"{where}: {first['msg']}").as_json(), status_code=422)

    @application.exception_handler(SlackError)
    async def slack_refused(_: Request, error: SlackError) -> JSONResponse:
        return JSONResponse(error.as_slack(), status_code=404)


def _acting_routes(router: APIRouter, site: Site) -> None:
    @router.post("/say")
    async def say(given: Say) -> Json:
        message, events = speaking.say(site, **given.model_dump())
        return {"ok": True, "channel": message.channel, "ts": message.ts, "text": message.text, "event_ids": events}

    @router.post("/click")
    async def click(given: Click) -> Json:
        return _answered(await interactions.press(site, Press(**given.model_dump())))

    @router.post("/command")
    async def command(given: Command) -> Json:
        return _answered(await commands.command(site, **given.model_dump()))

    @router.post("/shortcut")
    async def shortcut(given: UseShortcut) -> Json:
        return _answered(await shortcuts.use(site, **given.model_dump()))

    @router.post("/submit")
    async def submit(given: Submit) -> Json:
        delivery, outcome = await interactions.submit(site, user=given.user, view_id=given.view_id, values=given.values)
        return _answered(delivery) | outcome

    @router.post("/close")
    async def close(given: CloseView) -> Json:
        return _answered(await interactions.close(site, user=given.user, view_id=given.view_id))

    @router.post("/stop")
    async def stop(given: Stop) -> Json:
        event_id, stopped = stop_button.stop(site, **given.model_dump())
        return {"ok": True, "event_id": event_id, "streaming_message_ts": stopped}

    @router.post("/open")
    async def look(given: Look) -> Json:
        if given.tab:
            return {"ok": True, "event_id": speaking.open_app(site, user=given.user, tab=given.tab)}
        room = speaking.room_of_person(site, user=given.user, channel=given.channel or "@app")
        site.workspace.mark_read(given.user, room.id)
        return {"ok": True, "event_id": None, "channel": room.id}


def _looking_routes(router: APIRouter, site: Site) -> None:
    @router.get("/state")
    async def state(user: str | None = None) -> Json:
        if user is None:
            return seen.whole_state(site)
        if user not in site.workspace.people:
            raise ActionRefused("user_not_found", f"nobody here is {user}", status=404)
        return seen.state_for(site, user)

    @router.get("/clock")
    async def clock() -> Json:
        return _told(site)

    @router.get("/changes")
    async def changes(after: int = -1, seconds: float = LONGEST_WAIT) -> Json:
        wait = min(max(seconds, 0.0), LONGEST_WAIT)
        return {"revision": await site.workspace.changed_since(after, seconds=wait)}


def _wire_routes(router: APIRouter, site: Site) -> None:
    @router.get("/deliveries")
    async def deliveries(type: str | None = None, event_id: str | None = None) -> Json:
        wanted = [
            asdict(one)
            for one in site.transcript.deliveries
            if type in (None, one.type) and event_id in (None, one.event_id)
        ]
        return {"deliveries": wanted}

    @router.get("/calls")
    async def calls(method: str | None = None) -> Json:
        return {"calls": [asdict(one) for one in site.transcript.calls if method in (None, one.method)]}

    @router.post("/replay")
    async def replay(given: Replay) -> Json:
        original = site.transcript.delivery(given.delivery_id)
        if original is None:
            raise ActionRefused("delivery_not_found", "no delivery has this id", status=404)
        return _answered(await site.courier.replay(original, headers=given.headers))

    @router.post("/disconnect")
    async def disconnect(given: Disconnect) -> Json:
        return {"ok": True, "told": await site.sockets.disconnect(given.reason)}

    @router.post("/clock")
    async def move(given: Move) -> Json:
        if not isinstance(site.ticker.clock, MovedClock):
            raise ActionRefused("no_clock", "start the sandbox with --clock to move its time")
        site.ticker.clock.move(given.seconds)
        site.workspace.touch()
        return _told(site)

    @router.post("/revoke")
    async def revoke() -> Json:
        site.workspace.revoked = True
        return {"ok": True}

    @router.post("/uninstall")
    async def uninstall() -> Json:
        """An administrator of the workspace removes the app."""
        uninstalled(site)
        return {"ok": True}

    @router.post("/verify-url")
    async def verify_url() -> Json:
        return _answered(await site.courier.verify_url())

    @router.post("/faults")
    async def faults(given: FaultPlan) -> Json:
        if given.clear:
            site.faults.clear()
        site.faults.plan(given.faults)
        return {"ok": True, "pending": [one.model_dump() for one in site.faults.pending]}


def _told(site: Site) -> Json:
    clock = site.ticker.clock
    ahead = clock.ahead if isinstance(clock, MovedClock) else 0.0
    return {"ok": True, "now": site.ticker.now(), "ahead": ahead, "movable": isinstance(clock, MovedClock)}


def _answered(delivery: Delivery | None) -> Json:
    if delivery is None:
        return {"ok": True, "delivery": None}
    return {"ok": delivery.acknowledged, "delivery": asdict(delivery)}
