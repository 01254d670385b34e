"""Modals and App Homes: who has which view open, on what trigger, and in which stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.clock import Ticker, opaque
from sandbox.slack.elements import with_ids
from sandbox.slack.errors import SlackError
from sandbox.slack.limits import VIEW

Json = dict[str, Any]


@dataclass
class View:
    """One view of one person. `errors` are those that the app answered a submission with, by block id."""

    id: str
    user: str
    body: Json
    hash: str
    root: str
    previous: str | None = None
    errors: dict[str, str] = field(default_factory=dict)

    def as_slack(self, *, team: str, app: Json, state: Json | None = None) -> Json:
        """The view object of the Web API and of payloads."""
        body = self.body
        return {
            "id": self.id,
            "team_id": team,
            "type": body["type"],
            "blocks": body.get("blocks", []),
            "private_metadata": body.get("private_metadata", ""),
            "callback_id": body.get("callback_id", ""),
            "state": {"values": state or {}},
            "hash": self.hash,
            "title": body.get("title"),
            "clear_on_close": bool(body.get("clear_on_close")),
            "notify_on_close": bool(body.get("notify_on_close")),
            "close": body.get("close"),
            "submit": body.get("submit"),
            "previous_view_id": self.previous,
            "root_view_id": self.root,
            "app_id": app["id"],
            "external_id": body.get("external_id", ""),
            "app_installed_team_id": team,
            "bot_id": app["bot"],
        }


@dataclass
class Trigger:
    """A right to open one modal, once, for a few seconds. `view` is the modal it was earned in."""

    user: str
    at: float
    view: str | None = None
    used: bool = False


class ViewBook:
    """All views and triggers of the workspace."""

    def __init__(self, ticker: Ticker, *, trigger_seconds: float) -> None:
        self.ticker = ticker
        self.trigger_seconds = trigger_seconds
        self.views: dict[str, View] = {}
        self.stacks: dict[str, list[str]] = {}
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}

    def new_trigger(self, user: str, *, view: str | None = None) -> str:
        """A trigger id for an interaction that is about to be sent."""
        name = f"{int(self.ticker.now() * 1000)}.{opaque('')}.{opaque('', 24).lower()}"
        self.triggers[name] = Trigger(user=user, at=self.ticker.now(), view=view)
        return name

    def take_trigger(self, given: object) -> Trigger:
        """Uses a trigger up. Raises invalid_trigger_id, exchanged_trigger_id, expired_trigger_id."""
        trigger = self.triggers.get(str(given or ""))
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self.ticker.now() - trigger.at > self.trigger_seconds:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger

    def open(self, trigger: Trigger, body: Json) -> View:
        """A new modal; what the person had open before is closed."""
        for view in self.stacks.pop(trigger.user, []):
            self.views.pop(view, None)
        return self._put(trigger.user, body, previous=None)

    def push(self, user: str, body: Json) -> View:
        """A modal on top of the one that is open. Raises push_limit_reached, not_found."""
        stack = self.stacks.get(user, [])
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= VIEW.stack:
            raise SlackError("push_limit_reached")
        return self._put(user, body, previous=stack[-1])

    def update(self, view: View, body: Json) -> View:
        """Replaces what a view shows; its id stays."""
        self._check_external(body, besides=view)
        view.body = _completed(body)
        view.hash = self._new_hash()
        view.errors = {}
        return view

    def publish(self, user: str, body: Json, *, known_hash: str | None) -> View:
        """The person's App Home. Raises hash_conflict."""
        present = self.homes.get(user)
        if known_hash and present and present.hash != known_hash:
            raise SlackError("hash_conflict")
        if present:
            return self.update(present, body)
        name = opaque("V")
        self.homes[user] = View(id=name, user=user, body=_completed(body), hash=self._new_hash(), root=name)
        return self.homes[user]

    def find(self, *, view_id: object = None, external_id: object = None) -> View:
        """An open modal or a home. Raises not_found."""
        for view in (*self.views.values(), *self.homes.values()):
            if view_id and view.id == view_id:
                return view
            if external_id and view.body.get("external_id") == external_id:
                return view
        raise SlackError("not_found")

    def top(self, user: str) -> View | None:
        """The modal that this person has before them."""
        stack = self.stacks.get(user)
        return self.views[stack[-1]] if stack else None

    def close(self, view: View) -> None:
        """Takes one modal away; the one below it shows again."""
        stack = self.stacks.get(view.user, [])
        if view.id in stack:
            stack.remove(view.id)
        self.views.pop(view.id, None)

    def clear(self, user: str) -> None:
        """Takes all modals of this person away."""
        for view in self.stacks.pop(user, []):
            self.views.pop(view, None)

    def _put(self, user: str, body: Json, *, previous: str | None) -> View:
        self._check_external(body, besides=None)
        stack = self.stacks.setdefault(user, [])
        name = opaque("V")
        root = stack[0] if stack else name
        view = View(id=name, user=user, body=_completed(body), hash=self._new_hash(), root=root, previous=previous)
        self.views[name] = view
        stack.append(name)
        return view

    def _check_external(self, body: Json, *, besides: View | None) -> None:
        wanted = body.get("external_id")
        for view in (*self.views.values(), *self.homes.values()):
            if wanted and view is not besides and view.body.get("external_id") == wanted:
                raise SlackError("duplicate_external_id")

    def _new_hash(self) -> str:
        return f"{int(self.ticker.now())}.{opaque('', 8).lower()}"


def _completed(body: Json) -> Json:
    return {**body, "blocks": with_ids(body.get("blocks") or [])}
