"""The parts of one running sandbox, put together, and what the workspace tells the app of its own accord."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from sandbox.slack.clock import Clock, Ticker, opaque
from sandbox.slack.courier import Courier
from sandbox.slack.faults import Faults
from sandbox.slack.grants import Grants
from sandbox.slack.messages import Message
from sandbox.slack.payloads import event_envelope
from sandbox.slack.seed import DirectMessage, Seed
from sandbox.slack.settings import SiteSettings
from sandbox.slack.sockets import Sockets
from sandbox.slack.streaming import Stream
from sandbox.slack.tiers import Tiers
from sandbox.slack.transcript import Transcript
from sandbox.slack.typed import mentions_app
from sandbox.slack.views import ViewBook
from sandbox.slack.workspace import Room, Workspace

Json = dict[str, Any]

RESPONSE_USES = 5
RESPONSE_SECONDS = 30 * 60
KEPT_RESPONSES = 1000


@dataclass
class ResponseUrl:
    """The right to answer one interaction, five times within thirty minutes."""

    channel: str
    user: str
    ts: str
    at: float
    uses: int = 0


class Site:
    """Everything that the routes work on."""

    def __init__(self, *, settings: SiteSettings, seed: Seed, clock: Clock, first: Site | None = None) -> None:
        """`first`: the site of the workspace that this one stands beside; wire, time and faults are the same."""
        self.settings = settings
        self.ticker: Ticker = first.ticker if first else Ticker(clock)
        self.workspace = Workspace(seed, self.ticker)
        self.views = ViewBook(self.ticker, trigger_seconds=settings.trigger_seconds)
        self.faults: Faults = first.faults if first else Faults()
        self.transcript: Transcript = first.transcript if first else Transcript(settings.transcript)
        self.sockets: Sockets = first.sockets if first else Sockets(seed.app.id)
        self.grants: Grants = first.grants if first else Grants(seed.oauth, self.ticker.now)
        if first is None and seed.oauth.installed:
            self.grants.begin(seed.team.id, settings.bot_token, seed.app.scopes)
        self.courier = Courier(
            settings=settings,
            ticker=self.ticker,
            transcript=self.transcript,
            faults=self.faults,
            on_change=self.workspace.touch,
            sockets=self.sockets,
            installed=lambda: self.grants.installed(seed.team.id),
        )
        self.teams: dict[str, Site] = first.teams if first else {}
        """every workspace by its id, this one among them"""
        self.teams[seed.team.id] = self
        self.streams: dict[tuple[str, str], Stream] = {}
        self.uploads: dict[str, Any] = first.uploads if first else {}
        self.tiers = Tiers(self.ticker.now)
        self.responses: OrderedDict[str, ResponseUrl] = OrderedDict()
        for other in () if first else seed.others:
            Site(settings=settings, seed=other, clock=clock, first=self)

    def stream(self, channel: str, ts: str) -> Stream | None:
        """What this message holds as a stream, while something can be appended to it."""
        found = self.streams.get((channel, ts))
        return found if found is not None and found.alive(self.ticker.now()) else None

    def end_stream(self, channel: str, ts: str) -> None:
        """Nothing is appended to this message any more."""
        self.streams.pop((channel, ts), None)

    def new_response_url(self, message: Message, user: str) -> str:
        """The address under which the app may answer a click on this message."""
        secret = opaque("", 24)
        self.responses[secret] = ResponseUrl(channel=message.channel, user=user, ts=message.ts, at=self.ticker.now())
        while len(self.responses) > KEPT_RESPONSES:
            self.responses.popitem(last=False)
        return f"{self.settings.base_url}/actions/{self.workspace.seed.team.id}/{secret}"

    def announce(self, event: Json, *, name: str) -> str | None:
        """Sends an event, if the app subscribed to its kind. Returns the event id."""
        if name not in self.workspace.seed.app.events:
            return None
        return self.courier.event(event_envelope(self.workspace, event), name=name)

    def announce_message(self, message: Message, room: Room) -> list[str]:
        """The events that a new message causes: the app is told of its own messages too, as by Slack."""
        event = self._message_event(message, room)
        if isinstance(room, DirectMessage):
            return [one for one in [self.announce(event, name="message.im")] if one]
        sent = [self.announce(event, name="message.channels")] if room.app else []
        if not message.from_app and room.app and mentions_app(self.workspace, message.text):
            mention = {k: v for k, v in event.items() if k not in ("channel_type",)} | {"type": "app_mention"}
            sent.append(self.announce(mention, name="app_mention"))
        return [one for one in sent if one]

    def announce_change(self, room: Room, *, subtype: str, before: Json, after: Json | None) -> None:
        """Tells of an edited or deleted message."""
        ts = self.ticker.ts()
        event: Json = {
            "type": "message",
            "subtype": subtype,
            "hidden": True,
            "channel": room.id,
            "channel_type": "im" if isinstance(room, DirectMessage) else "channel",
            "previous_message": before,
            "ts": ts,
            "event_ts": ts,
        }
        event |= {"message": after} if after is not None else {"deleted_ts": before["ts"]}
        self.announce(event, name="message.im" if isinstance(room, DirectMessage) else "message.channels")

    def announce_home(self, user: str, *, tab: str) -> str | None:
        """This person opened the app: its Home tab or the conversation with it."""
        event: Json = {
            "type": "app_home_opened",
            "user": user,
            "channel": self.workspace.direct_with(user).id,
            "tab": tab,
            "event_ts": self.ticker.ts(),
        }
        home = self.views.homes.get(user)
        if tab == "home" and home is not None:
            event["view"] = home.as_slack(team=self.workspace.seed.team.id, app=self.workspace.app_json)
        return self.announce(event, name="app_home_opened")

    async def close(self) -> None:
        """Stops everything that is under way, in every workspace."""
        for site in self.teams.values():
            site.workspace.close()
            await site.courier.close()

    def _message_event(self, message: Message, room: Room) -> Json:
        event = self.workspace.as_slack(message)
        return event | {
            "channel": room.id,
            "channel_type": "im" if isinstance(room, DirectMessage) else "channel",
            "event_ts": message.ts,
        }
