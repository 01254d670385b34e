"""What survives a kill: the database's file and Slack. What does not is everything else; and the moments of dying.

A life of `serve` dies at one of its moments: before and after each commit, each call of Slack's and each
acknowledgement. From then on nothing that it still tries has any effect, as with a process that is gone.
"""

import asyncio
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from app.database import open_database, system_clock
from approvals.states import words
from sandbox.slack.errors import SlackError
from sandbox.slack.methods.registry import METHODS
from sandbox.slack.seed import Channel, Person, Seed, default_seed
from sandbox.slack.server import create_site
from sandbox.slack.settings import SiteSettings

CHANNEL = "C0APPROVE"
BEHIND = timedelta(seconds=250)
"""By how much a world begins before now: its time goes faster, and requests are signed by the machine's."""
APPROVERS = ("U0ARJUN", "U0C0000", "U0C0001")
USERS = ("U0OLIVIA", "U0EDITH", *APPROVERS, "U0STRANGER")


OVER = {
    **dict.fromkeys(("chat.appendStream", "chat.stopStream"), ("message_not_in_streaming_state", "message_not_found")),
    "chat.delete": ("message_not_found",),
}
"""What Slack may answer of a stream that it has ended, or that was taken away before."""


class Killed(BaseException):
    """The process is gone: no `except Exception` of its own hears of it."""


class Fate:
    """Dies at its `at`-th moment; 0 lives on. `over` is set when it is dead."""

    def __init__(self, at: int) -> None:
        self.at, self.reached, self.where = at, 0, ""
        self.over = asyncio.Event()

    def moment(self, where: str) -> None:
        """One moment at which a process may die."""
        if self.over.is_set():
            raise Killed
        self.reached += 1
        if self.reached == self.at:
            self.where = where
            self.over.set()
            raise Killed


def workspace() -> Seed:
    """The bank's, with more approvers, and somebody whom nobody linked."""
    seed = default_seed()
    more = [user for user in USERS if user not in {person.id for person in seed.people}]
    people = (*seed.people, *(Person(id=user, name=user, handle=user.lower()) for user in more))
    channels = tuple(
        Channel.model_validate(one.model_dump() | {"members": [*one.members, *more]}) if one.id == CHANNEL else one
        for one in seed.channels
    )
    return Seed.model_validate(seed.model_dump() | {"people": people, "channels": channels})


@dataclass
class World:
    """One workspace and one database, through several lives of `serve`."""

    path: Path
    at: datetime = field(default_factory=lambda: system_clock() - BEHIND)
    fate: Fate = field(default_factory=lambda: Fate(0))
    violations: list[str] = field(default_factory=list)
    said: Counter[tuple[str, str]] = field(default_factory=Counter)
    """what was said privately, by account and sentence"""
    button: dict[str, str] = field(default_factory=dict)
    """what the newest button that anybody saw was about"""
    stored: dict[int, str] = field(default_factory=dict)
    """the state of each version of the proposal that was ever committed"""

    agents: Engine | None = None
    """the agent's own connections, once it has any"""

    def __post_init__(self) -> None:
        self.engine: Engine = open_database(self.path, clock=self.clock)
        kept = self.engine.pool
        # Connections are kept open: opening thousands would take most of the time. All run in one thread.
        self.engine.pool = QueuePool(kept._creator, dialect=self.engine.dialect, _dispatch=kept.dispatch)
        self.site = create_site(settings=SiteSettings(), seed=workspace(), clock=lambda: self.at.timestamp())
        self.committed()

    def clock(self) -> datetime:
        """The database's time: it goes on a little whenever it is asked."""
        self.at += timedelta(milliseconds=10)
        return self.at

    def committed(self) -> None:
        """Notes which state is stored now, past everything that the product does to read it."""
        with sqlite3.connect(self.path) as connection:
            self.stored |= dict(connection.execute("SELECT version, state FROM proposal"))

    def happened(self, method: str, arguments: dict[str, Any], answer: dict[str, Any]) -> None:
        """What Slack did: a card must say what is stored."""
        if not answer["ok"] and answer.get("error") not in OVER.get(method, ()):
            self.violations.append(f"{method} was refused: {answer.get('error')}")
        if method == "chat.postEphemeral":
            self.said[str(arguments["user"]), str(arguments["text"])] += 1
        told = (arguments.get("metadata") or {}).get("event_payload", {})
        if method in ("chat.postMessage", "chat.update") and told.get("kind") == "card":
            state = self.stored.get(told["version"])
            if state is None or words(state).lower() not in str(arguments["text"]).lower():
                self.violations.append(f"a card shows version {told['version']}, which is {state}: {arguments['text']}")

    def cards(self) -> list[dict[str, Any]]:
        """Every card that stands in the channel."""
        messages = self.site.workspace.messages[CHANNEL].values()
        shown = [self.site.workspace.as_slack(message) for message in messages]
        return [one for one in shown if (one.get("metadata") or {}).get("event_payload", {}).get("kind") == "card"]


class Wire(AsyncWebClient):
    """The SDK's own client, wired to the workspace without a network; each call has two moments."""

    def __init__(self, world: World, fate: Fate) -> None:
        super().__init__(token="xoxb-sandbox")
        self._world, self._fate = world, fate

    async def api_call(self, api_method: str, *, http_verb: str = "POST", **given: Any) -> AsyncSlackResponse:
        """One call, as Slack does it; dies before it has an effect, or before its answer is heard."""
        await asyncio.sleep(0)
        self._fate.moment(f"before {api_method}")
        asked = {**(given.get("data") or {}), **(given.get("params") or {}), **(given.get("json") or {})}
        arguments = json.loads(json.dumps({name: value for name, value in asked.items() if value is not None}))
        try:
            answer = {"ok": True, **METHODS[api_method](self._world.site, arguments)}
        except SlackError as error:
            answer = error.as_slack()
        self._world.happened(api_method, arguments, answer)
        self._fate.moment(f"after {api_method}")
        told = AsyncSlackResponse(
            client=self, http_verb=http_verb, api_url=api_method, req_args={}, data=answer, headers={}, status_code=200
        )
        told.validate()  # type: ignore[no-untyped-call]
        return told
