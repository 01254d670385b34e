"""The workspace in memory: its messages, threads, statuses and who has read what.

Every change raises `revision`, which is what the page waits for.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sandbox.slack.clock import Ticker
from sandbox.slack.errors import SlackError
from sandbox.slack.messages import Message
from sandbox.slack.seed import Channel, DirectMessage, Person, Seed

Json = dict[str, Any]
Room = Channel | DirectMessage

KEPT_EPHEMERAL = 200


class Workspace:
    """All state of the sandbox's Slack. Single-threaded: only the event loop touches it."""

    def __init__(self, seed: Seed, ticker: Ticker) -> None:
        self.seed = seed
        self.ticker = ticker
        self.revision = 0
        self.groups: dict[str, tuple[str, ...]] = {group.id: group.users for group in seed.groups}
        self.people: dict[str, Person] = {person.id: person for person in seed.people}
        every: tuple[Room, ...] = (*seed.channels, *seed.direct_messages())
        self.rooms: dict[str, Room] = {room.id: room for room in every}
        self.messages: dict[str, dict[str, Message]] = {room: {} for room in self.rooms}
        self.ephemeral: list[Message] = []
        self.read: dict[tuple[str, str], str] = {}
        self.statuses: dict[tuple[str, str], Json] = {}
        self.prompts: dict[str, Json] = {}
        self.sessions: dict[tuple[str, str], Json] = {}
        self.notices: list[Json] = []
        self._waiters: set[asyncio.Event] = set()
        self.closed = False
        self.revoked = False

    # -- changes -------------------------------------------------------------------------------------------------

    def touch(self) -> None:
        """Something that a person can see has changed."""
        self.revision += 1
        for waiter in self._waiters:
            waiter.set()

    def close(self) -> None:
        """Lets go of everyone who waits, so that the server can stop."""
        self.closed = True
        self.touch()

    async def changed_since(self, revision: int, *, seconds: float) -> int:
        """The present revision, as soon as it differs from the one known, or after the given time."""
        waiter = asyncio.Event()
        self._waiters.add(waiter)
        try:
            if self.revision == revision and not self.closed:
                async with asyncio.timeout(seconds):
                    await waiter.wait()
        except TimeoutError:
            pass
        finally:
            self._waiters.discard(waiter)
        return self.revision

    # -- people and rooms ----------------------------------------------------------------------------------------

    @property
    def app_json(self) -> Json:
        """The app's ids and name."""
        return self.seed.app.model_dump()

    def person(self, user: str) -> Person:
        """Raises user_not_found."""
        if user not in self.people:
            raise SlackError("user_not_found")
        return self.people[user]

    def direct_with(self, user: str) -> DirectMessage:
        """The conversation between this person and the app."""
        for room in self.rooms.values():
            if isinstance(room, DirectMessage) and room.user == user:
                return room
        raise SlackError("user_not_found")

    def room(self, given: object) -> Room:
        """A room by its id, a channel by its #name, or the direct message with a person. Raises channel_not_found."""
        name = str(given or "")
        if name in self.rooms:
            return self.rooms[name]
        if name in self.people:
            return self.direct_with(name)
        for room in self.rooms.values():
            if isinstance(room, Channel) and room.name == name.removeprefix("#"):
                return room
        raise SlackError("channel_not_found")

    def members(self, room: Room) -> list[str]:
        """Everyone who reads this room, the app included where it was invited."""
        if isinstance(room, DirectMessage):
            return [room.user, self.seed.app.user]
        return [*room.members, *([self.seed.app.user] if room.app else [])]

    def sees(self, user: str, room: Room) -> bool:
        """Whether this person is in the room."""
        return user in self.members(room)

    # -- messages ------------------------------------------------------------------------------------------------

    def add(self, message: Message) -> Message:
        """Stores a message; one of the app's clears the status of its thread, as Slack does."""
        self.messages[message.channel][message.ts] = message
        if message.from_app:
            self.statuses.pop((message.channel, message.root_ts), None)
        else:
            self.read[(message.user, message.channel)] = message.ts
        self.touch()
        return message

    def add_ephemeral(self, message: Message) -> Message:
        """Stores a message that only one person sees, and only until the workspace forgets it."""
        self.ephemeral.append(message)
        del self.ephemeral[:-KEPT_EPHEMERAL]
        self.touch()
        return message

    def message(self, channel: str, ts: object) -> Message:
        """A stored message. Raises message_not_found."""
        found = self.messages.get(channel, {}).get(str(ts or ""))
        if found is None:
            raise SlackError("message_not_found")
        return found

    def shown_to(self, user: str, *, channel: str, ts: str) -> Message:
        """A message that this person has before them, ephemeral ones included. Raises message_not_found."""
        for message in self.ephemeral:
            if (message.channel, message.ts, message.ephemeral_to) == (channel, ts, user):
                return message
        return self.message(channel, ts)

    def history(self, channel: str) -> list[Message]:
        """All messages of a room, oldest first, replies included."""
        return sorted(self.messages[channel].values(), key=lambda message: message.ts)

    def replies(self, channel: str, root_ts: str) -> list[Message]:
        """The replies of a thread, oldest first, without its first message."""
        return [m for m in self.history(channel) if m.is_reply and m.thread_ts == root_ts]

    def remove(self, message: Message) -> None:
        """Forgets a message, ephemeral or not."""
        if message.ephemeral_to:
            self.ephemeral = [one for one in self.ephemeral if one is not message]
        else:
            self.messages[message.channel].pop(message.ts, None)
        self.touch()

    def as_slack(self, message: Message) -> Json:
        """The message with its thread's counters."""
        replies = [] if message.is_reply or message.ephemeral_to else self.replies(message.channel, message.ts)
        return message.as_slack(team=self.seed.team.id, app=self.app_json, replies=replies)

    # -- what a person sees besides ------------------------------------------------------------------------------

    def unread(self, user: str, channel: str) -> int:
        """Messages of others since this person last looked."""
        seen = self.read.get((user, channel), "")
        fresh = [m for m in self.messages[channel].values() if m.ts > seen and m.user != user]
        fresh += [m for m in self.ephemeral if m.channel == channel and m.ephemeral_to == user and m.ts > seen]
        return len(fresh)

    def mark_read(self, user: str, channel: str) -> None:
        """This person has the room before them."""
        latest = max([*self.messages[channel], *(m.ts for m in self.ephemeral if m.channel == channel)], default="")
        if latest > self.read.get((user, channel), ""):
            self.read[(user, channel)] = latest
            self.touch()

    def notice(self, *, user: str | None, kind: str, text: str, delivery: str | None = None) -> None:
        """Something that Slack would tell the person itself, such as that the app did not respond."""
        self.notices.append(
            {
                "id": len(self.notices) + 1,
                "user": user,
                "kind": kind,
                "text": text,
                "delivery": delivery,
                "at": self.ticker.now(),
            }
        )
        self.touch()
