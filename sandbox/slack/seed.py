"""Who and what the workspace begins with: one team, the app, three people, two channels and a direct message each."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.slack.errors import SandboxError

REMOVED = ("app_uninstalled", "tokens_revoked")
"""The events that tell an app of its end in a workspace."""


class _Fixed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Team(_Fixed):
    """The workspace itself."""

    id: str = Field(default="T0BANK", pattern=r"^T[A-Z0-9]{1,20}$")
    name: str = "Northmere Bank"
    domain: str = Field(default="north-meridian", pattern=r"^[a-z0-9-]{1,60}$")


class Shortcut(_Fixed):
    """What the app offers in the menu of every message, or from anywhere."""

    name: str = Field(min_length=1, max_length=24)
    type: Literal["message", "global"] = "message"
    callback_id: str = Field(min_length=1, max_length=255)
    description: str = Field(default="", max_length=150)


class App(_Fixed):
    """The app under test: what Slack knows of it after installation."""

    id: str = Field(default="A0SPENDGATE", pattern=r"^A[A-Z0-9]{1,20}$")
    user: str = Field(default="U0SPENDGATE", pattern=r"^U[A-Z0-9]{1,20}$")
    bot: str = Field(default="B0SPENDGATE", pattern=r"^B[A-Z0-9]{1,20}$")
    name: str = "Spendgate"
    handle: str = Field(default="spendgate", pattern=r"^[a-z0-9_.-]{1,40}$")
    scopes: tuple[str, ...] = (
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:write",
        "groups:history",
        "im:history",
        "im:read",
        "im:write",
        "reactions:write",
        "usergroups:read",
        "users:read",
    )
    events: tuple[str, ...] = ("message.im", "app_mention", "app_home_opened", "agent_session_stopped", *REMOVED)
    shortcuts: tuple[Shortcut, ...] = (Shortcut(name="Investigate this cost", callback_id="investigate_cost"),)


class OAuthClient(_Fixed):
    """The app's registration with Slack's OAuth: what its "Basic Information" and "OAuth & Permissions" pages hold."""

    client_id: str = Field(default="100200300.400500600", min_length=1)
    client_secret: str = Field(default="sandbox-client-secret", min_length=1)
    redirect_urls: tuple[str, ...] = ()
    token_rotation: bool = False
    token_seconds: int = Field(default=43_200, gt=0)
    installed: bool = True
    """whether the first workspace has the app from the start, under the token of the sandbox's own settings"""


class Person(_Fixed):
    """One who can be chosen in the page. `title` is shown beside the name."""

    id: str = Field(pattern=r"^U[A-Z0-9]{1,20}$")
    name: str = Field(min_length=1, max_length=80)
    handle: str = Field(pattern=r"^[a-z0-9_.-]{1,40}$")
    title: str = ""
    tz: str = "Europe/London"
    email: str = ""
    guest: bool = False
    deleted: bool = False


class Channel(_Fixed):
    """A public channel; `members` are people, `app` says whether the app was invited."""

    id: str = Field(pattern=r"^C[A-Z0-9]{1,20}$")
    name: str = Field(pattern=r"^[a-z0-9_-]{1,80}$")
    topic: str = ""
    members: tuple[str, ...] = ()
    app: bool = True
    archived: bool = False
    shared: bool = False
    """with another workspace, by Slack Connect"""


class UserGroup(_Fixed):
    """A group of people, as an administrator keeps it."""

    id: str = Field(pattern=r"^S[A-Z0-9]{1,20}$")
    handle: str = Field(pattern=r"^[a-z0-9_.-]{1,40}$")
    users: tuple[str, ...] = ()


class DirectMessage(_Fixed):
    """The conversation between one person and the app."""

    id: str = Field(pattern=r"^D[A-Z0-9]{1,20}$")
    user: str


class Seed(_Fixed):
    """Everything at the start. A person without a direct message gets one: D instead of the leading U."""

    team: Team = Team()
    app: App = App()
    people: tuple[Person, ...]
    channels: tuple[Channel, ...] = ()
    direct: tuple[DirectMessage, ...] = ()
    groups: tuple[UserGroup, ...] = ()
    oauth: OAuthClient = OAuthClient()
    others: tuple[Seed, ...] = ()
    """more workspaces, in which the app can be installed; each has people, ids and a bot user of its own"""

    @model_validator(mode="after")
    def _consistent(self) -> Seed:
        known = [person.id for person in self.people]
        every = [*known, self.app.user, *(c.id for c in self.channels), *(d.id for d in self.direct)]
        twice = sorted({one for one in every if every.count(one) > 1})
        if twice:
            raise ValueError(f"these ids stand twice: {', '.join(twice)}")
        if not known:
            raise ValueError("at least one person is needed")
        named = {m for c in self.channels for m in c.members} | {d.user for d in self.direct}
        named |= {user for group in self.groups for user in group.users}
        strangers = sorted(named - set(known))
        if strangers:
            raise ValueError(f"members who are not under people: {', '.join(strangers)}")
        return self._one_app()

    def _one_app(self) -> Seed:
        """The workspaces are different ones, and the app in them is the same."""
        teams = [self.team.id, *(other.team.id for other in self.others)]
        if len(set(teams)) < len(teams):
            raise ValueError("two workspaces have the same id: give each a team with an id of its own")
        if any(other.app.id != self.app.id or other.others for other in self.others):
            raise ValueError("under others stand workspaces for the same app (app.id), and none within another")
        return self

    def direct_messages(self) -> tuple[DirectMessage, ...]:
        """One for each person, those named in the file first."""
        named = {one.user for one in self.direct}
        rest = (DirectMessage(id="D" + p.id[1:], user=p.id) for p in self.people if p.id not in named)
        return (*self.direct, *rest)


def default_seed() -> Seed:
    """The sample bank: an ops manager, an approver and an auditor."""
    people = (
        Person(id="U0OLIVIA", name="Olivia Ortiz", handle="olivia", title="Ops manager"),
        Person(id="U0ARJUN", name="Arjun Rao", handle="arjun", title="Approver"),
        Person(id="U0EDITH", name="Edith Okafor", handle="edith", title="Auditor"),
    )
    everyone = tuple(person.id for person in people)
    return Seed(
        people=people,
        channels=(
            Channel(id="C0AIOPS", name="ai-costs", topic="What our AI costs, and why", members=everyone),
            Channel(id="C0APPROVE", name="finops-approvals", topic="Changes that wait for a person", members=everyone),
        ),
    )


def _parsed(reader: str, text: str) -> Any:
    """The document; ValueError where it is none."""
    if reader == "JSON":
        return json.loads(text)
    if reader == "TOML":
        return tomllib.loads(text)
    import yaml  # the sandbox's own extra: a seed in another form needs nothing of it

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def load_seed(path: Path | None) -> Seed:
    """The workspace of a YAML, TOML or JSON file, or the sample bank. Raises SandboxError naming the key at fault."""
    if path is None:
        return default_seed()
    do = "See `spendgate sandbox slack --help` for the shape of the file."
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SandboxError(f"The workspace file {path} cannot be read", why=str(error), do=do) from error
    reader = {".json": "JSON", ".yaml": "YAML", ".yml": "YAML"}.get(path.suffix.lower(), "TOML")
    try:
        raw = _parsed(reader, text)
        return Seed.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SandboxError(f"The workspace file {path} is not usable", why=f"{where}: {first['msg']}", do=do) from error
    except ValueError as error:
        raise SandboxError(f"The workspace file {path} is no {reader}", why=str(error), do=do) from error
