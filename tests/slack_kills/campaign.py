"""Episodes of one card and several people, each through several lives of `serve`, until enough were killed."""

import asyncio
import logging
import random
import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.database import beginner, open_database, system_clock, writing
from app.migrate import create
from app.presses import Choice
from app.ready import DEFAULTS
from app.slack import streams
from approvals.adopt import initialise
from approvals.ids import new_id
from approvals.propose import DraftRequest, propose
from approvals.seal import seal
from audit.event import Actor, ActorKind
from tests.app.conftest import STOP, Machine
from tests.app.slack.crowd import people
from tests.slack_kills.life import Finger, live, mortal
from tests.slack_kills.oracle import judge_all
from tests.slack_kills.talk import agents, asked, judge_talk
from tests.slack_kills.wire import BEHIND, USERS, Fate, World

LEASES = timedelta(seconds=31)
"""How much time passes between two lives: what the dead one held is free by then."""
LIVES = 12
SHARE_OF_PRESSES: dict[Choice, int] = {"approve": 6, "reject": 1, "withdraw": 2}
FAST = Path("/dev/shm")


def campaign(*, kills: int, seed: int) -> dict[str, Any]:
    """So many kills; the moments at which they fell, what was pressed, and every violation with its episode."""
    logging.disable(logging.WARNING)
    after, streams.AFTER = streams.AFTER, timedelta(0)  # a life is short
    found: dict[str, Any] = {"kills": 0, "episodes": 0, "presses": 0, "acknowledged": 0, "told_twice": 0}
    moments, violations = Counter[str](), list[str]()
    try:
        with tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None) as folder:
            begun = template(Path(folder))
            while found["kills"] < kills:
                chance = random.Random(f"{seed}:{found['episodes']}")
                one = asyncio.run(episode(begun, Path(folder) / "world.db", chance))
                found["episodes"] += 1
                for name in ("kills", "presses", "acknowledged", "told_twice"):
                    found[name] += one[name]
                moments.update(one["moments"])
                violations += [f"episode {found['episodes'] - 1}: {what}" for what in one["violations"]]
    finally:
        logging.disable(logging.NOTSET)
        streams.AFTER = after
    return found | {"moments": dict(sorted(moments.items())), "violations": violations}


def template(folder: Path) -> Path:
    """A database with people and one sealed proposal, whose card is still to be drawn."""
    begun = folder / "begun.db"
    engine = open_database(begun, clock=lambda: system_clock() - 2 * BEHIND)
    create(engine)
    with writing(engine) as (session, now):
        actor, rules = Actor(ActorKind.SERVICE, "kills"), (DEFAULTS / "rules.toml").read_text()
        initialise(session, now=now, rules_text=rules, people_text=people(2), actor=actor)
    evidence = {"amount": "40000", "currency": "USD", "saving": "38000"}
    with writing(engine) as (session, now):
        draft = DraftRequest(id=new_id(), thread="", requester="p-0a11ce01", change=STOP, evidence=evidence)
        drafted = propose(session, now=now, draft=draft)
    seal(beginner(engine), draft_id=drafted.proposal_id, inspector=Machine())
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return begun


async def episode(begun: Path, path: Path, chance: random.Random) -> dict[str, Any]:
    """Several lives, each with some people who press; the last one is left to come to rest."""
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    shutil.copy(begun, path)
    world, fingers, moments = World(path), list[Finger](), Counter[str]()
    question = asked(world, chance)
    with mortal(world):
        for life in range(chance.randint(4, LIVES)):
            mine = [_finger(chance, f"{life}.{at}") for at in range(chance.choice((0, 1, 1, 2, 4)))]
            fingers += mine
            fate = Fate(chance.randint(1, 12 + 10 * len(mine)))
            await live(world, fate, mine, question, chance)
            moments[fate.where] += fate.over.is_set()
            world.at += LEASES
        await live(world, Fate(0), [], question, chance)
    twice = judge_all(world, fingers)
    judge_talk(world, question)
    world.engine.dispose()
    agents(world).dispose()
    return {
        "kills": moments.total(),
        "moments": +moments,
        "presses": sum(one.pressed for one in fingers),
        "acknowledged": sum(one.acknowledged for one in fingers),
        "told_twice": twice,
        "violations": world.violations,
    }


def _finger(chance: random.Random, trigger: str) -> Finger:
    (choice,) = chance.choices(list(SHARE_OF_PRESSES), list(SHARE_OF_PRESSES.values()))
    users = [user for user in USERS if choice == "approve" or user.startswith(("U0ARJUN", "U0C"))]
    return Finger(trigger=trigger, user=chance.choice(users), choice=choice)
