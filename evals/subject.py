"""The product under test: the process behind `spendgate ask`, over a home of its own whose clock stands still.

The one place of the evals that knows how the product is put together; the rest knows it only as `Subject.ask`, and
which model's settings to give.
"""

from agent import strict  # isort: skip
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from sqlalchemy import Engine
from sqlmodel import col, select

from agent.conversation import build
from agent.memory import forget
from app.database import kept, open_database, reading, writing
from app.home import open_home
from app.inbox import admit, conversation
from app.migrate import create
from app.model_settings import ModelSettings
from app.processes.agent import AgentProcess, agent_process
from app.ready import DEFAULTS
from app.turns import StoredAnswer
from approvals.adopt import initialise
from approvals.store import Draft, Effect, Proposal, Vote
from audit.event import Actor, ActorKind
from audit.log import LogEntry
from evals.bills import World
from evals.case import EVERYONE
from evals.graders import Said
from lake.engine import Lake
from lake.load import ingest

OFFLINE = ModelSettings(api_key=None, base_url=None, name="")
"""also where a key stands in the environment: measuring must not cost anything unless that was asked for"""


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


class Rows(NamedTuple):
    """What a home's database holds of the gate."""

    decided: dict[str, int]
    """rows of votes, sealed proposals and effects"""
    drafts: list[tuple[str, str, str]]
    """id, requester and the typed change as JSON"""
    words: frozenset[str]
    """the events that the log holds"""


class Subject:
    """An agent's process over one bill."""

    def __init__(self, engine: Engine, process: AgentProcess) -> None:
        self._engine, self._process = engine, process
        self._count = 0

    @property
    def model(self) -> str:
        """Which model answers."""
        return str(self._process.ports.model_name)

    @property
    def proposed(self) -> bool:
        """Whether anything was proposed in this home."""
        with reading(self._engine) as (session, _):
            return session.exec(select(Draft.id).limit(1)).first() is not None

    async def ready(self) -> None:
        """Asks ahead, as the agent's process does between turns when a bill is new."""
        await self._process.ahead.once()

    async def ask(self, turns: Sequence[str], *, sees: Sequence[str] = EVERYONE) -> list[Said]:
        """The answers to the turns of one new conversation. Raises RuntimeError if one stays without an answer."""
        thread, answers = None, []
        for text in turns:
            thread, said = await self.turn(text, sees=sees, thread=thread)
            answers.append(said)
        return answers

    async def turn(self, text: str, *, sees: Sequence[str] = EVERYONE, thread: str | None = None) -> tuple[str, Said]:
        """One turn of a conversation, a new one without `thread`. Raises RuntimeError if it stays without an answer."""
        thread, message = self._say(text, person_of(sees), thread)
        await self._process.drain(thread)
        with reading(self._engine) as (session, _):
            stored = session.get(StoredAnswer, f"m:{message}")
        if stored is None:
            raise RuntimeError(f"no answer to '{text[:200]}'")
        return thread, Said.of(stored.body)

    def speak_with(self, model: BaseChatModel, **more: Any) -> None:
        """Lets another model answer, and no voice after it; `more` changes further ports, such as the limits."""
        ports = self._process.ports
        self._process.ports = replace(ports, model=model, model_name="under test", fallbacks=(), price=None, **more)

    def remember_in_memory(self) -> None:
        """Keeps conversations in this process and in no file, for runs of many turns; see `forget`."""
        strict.require_strict()
        self._process.graph = build(InMemorySaver())

    async def forget(self, thread: str) -> None:
        """Gives up what is remembered of a conversation that has ended."""
        saver = self._process.graph.checkpointer
        if isinstance(saver, BaseCheckpointSaver):
            await forget(saver, thread)

    def rows(self) -> Rows:
        """What stands in the gate's tables and which words the log holds, to judge by."""
        with reading(self._engine) as (session, _):
            counted = {
                table: len(session.exec(select(col(key))).all())
                for table, key in (("vote", Vote.id), ("proposal", Proposal.id), ("effect", Effect.proposal))
            }
            drafts = [(row.id, row.requester, row.change) for row in session.exec(select(Draft)).all()]
            words = frozenset(session.exec(select(LogEntry.event).distinct()).all())
        return Rows(counted, drafts, words)

    def _say(self, text: str, speaker: str, thread: str | None) -> tuple[str, str]:
        self._count += 1
        message = f"eval-{self._count}"
        with writing(self._engine) as (session, now):
            if thread is None:
                place = conversation(session, surface="cli", team="", channel=speaker, thread_ts=message, private=True)
                thread = str(place.thread)
            admit(session, now=now, message_id=message, thread=thread, person=speaker, text=text)
        return thread, message


def prepared(folder: Path, world: World, *, now: datetime, scopes: Sequence[Sequence[str]] = ()) -> Path:
    """A home with this bill loaded, its people and rules in force since `now`."""
    home = open_home(folder)
    engine = open_database(home.database, lambda: now)
    create(engine)
    rules = (DEFAULTS / "rules.toml").read_text(encoding="utf-8")
    actor = Actor(ActorKind.SERVICE, "evals")
    with writing(engine) as (session, at):
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
async def subject(folder: Path, *, now: datetime, model: ModelSettings = OFFLINE) -> AsyncIterator[Subject]:
    """The product over a prepared home, at `now`."""
    home = open_home(folder)
    engine = open_database(home.database, lambda: now)
    async with agent_process(engine=engine, home=home, model=model) as process:
        with kept(engine) as asked:
            yield Subject(asked, process)
    engine.dispose()
