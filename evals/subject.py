"""The product under test: the process behind `spendgate ask`, over a home of its own whose clock stands still.

`app` and `evals` are neighbours, and neither may import the other, so what is under test is named here and found when
a run begins; the rest of the evals knows it only as `Subject.ask`.
"""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from approvals.adopt import initialise
from audit.event import Actor, ActorKind
from evals.bills import World
from evals.case import EVERYONE
from evals.graders import Said
from lake.engine import Lake
from lake.load import ingest

_NAMES = ("database", "home", "inbox", "migrate", "settings", "turns", "processes.agent")


def person_of(sees: Sequence[str]) -> str:
    """The opaque id of the person who sees these teams."""
    return f"p-{sha256('/'.join(sees).encode()).hexdigest()[:8]}"


def people_text(scopes: Sequence[Sequence[str]]) -> str:
    """people.toml with one operations manager for each scope; everyone sees everything if there is no other."""
    entries = []
    for number, sees in enumerate(dict.fromkeys(tuple(one) for one in (EVERYONE, *scopes))):
        teams = ", ".join(f'"{team}"' for team in sees)
        entries.append(
            f'[[person]]\nid = "{person_of(sees)}"\nname = "Person {number}"\n'
            f'roles = ["ops_manager"]\nsees_teams = [{teams}]\n'
        )
    return "\n".join(entries)


class Subject:
    """An agent's process over one bill."""

    def __init__(self, parts: dict[str, Any], engine: Any, process: Any) -> None:
        self._parts, self._engine, self._process = parts, engine, process
        self._count = 0

    @property
    def model(self) -> str:
        """Which model answers."""
        return str(self._process.ports.model_name)

    async def ask(self, turns: Sequence[str], *, sees: Sequence[str] = EVERYONE) -> list[Said]:
        """The answers to the turns of one new conversation. Raises RuntimeError if one stays without an answer."""
        thread, answers = None, []
        for text in turns:
            thread, message = self._say(text, person_of(sees), thread)
            await self._process.drain(thread)
            with self._parts["database"].reading(self._engine) as (session, _):
                stored = session.get(self._parts["turns"].StoredAnswer, f"m:{message}")
            if stored is None:
                raise RuntimeError(f"no answer to '{text}'")
            answers.append(Said.of(stored.body))
        return answers

    def _say(self, text: str, speaker: str, thread: str | None) -> tuple[str, str]:
        inbox = self._parts["inbox"]
        self._count += 1
        message = f"eval-{self._count}"
        with self._parts["database"].writing(self._engine) as (session, now):
            if thread is None:
                place = inbox.conversation(
                    session, surface="cli", team="", channel=speaker, thread_ts=message, private=True
                )
                thread = str(place.thread)
            inbox.admit(session, now=now, message_id=message, thread=thread, person=speaker, text=text)
        return thread, message


def prepared(folder: Path, world: World, *, now: datetime, scopes: Sequence[Sequence[str]] = ()) -> Path:
    """A home with this bill loaded, its people and rules in force since `now`."""
    parts = _parts()
    home = parts["home"].open_home(folder)
    engine = parts["database"].open_database(home.database, lambda: now)
    parts["migrate"].create(engine)
    rules = files("app").joinpath("defaults/rules.toml").read_text(encoding="utf-8")
    actor = Actor(ActorKind.SERVICE, "evals")
    with parts["database"].writing(engine) as (session, at):
        initialise(session, now=at, rules_text=rules, people_text=people_text(scopes), actor=actor)
    engine.dispose()
    if world.files:
        ingest(Lake(home.lake), [*world.files, *world.usage], now=now)
    return folder


def copied(template: Path, folder: Path) -> Path:
    """A home of its own over the same lake, which asking only reads."""
    folder.mkdir(parents=True)
    for name in template.glob("spendgate.db*"):
        shutil.copy(name, folder / name.name)
    (folder / "lake").symlink_to(template / "lake")
    return folder


@asynccontextmanager
async def subject(folder: Path, *, now: datetime) -> AsyncIterator[Subject]:
    """The product over a prepared home, at `now`; the model is the one that the environment names."""
    parts = _parts()
    home = parts["home"].open_home(folder)
    engine = parts["database"].open_database(home.database, lambda: now)
    model = parts["settings"].load_model()
    async with parts["processes.agent"].agent_process(engine=engine, home=home, model=model) as process:
        yield Subject(parts, engine, process)
    engine.dispose()


def _parts() -> dict[str, Any]:
    return {name: import_module(f"app.{name}") for name in _NAMES}
