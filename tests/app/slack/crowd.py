"""Two hundred approvers press one card at once, on PostgreSQL: how soon each is acknowledged, and what each is told.

python -m tests.app.slack.crowd --people 200
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine, text
from sqlmodel import col, func, select

from app.database import beginner, open_database, reading, writing
from app.home import open_home
from app.migrate import create, upgrade
from app.processes.serve import build, keep_doing
from app.ready import DEFAULTS
from app.slack import bolt
from app.slack.judge import Judge, Teller
from approvals.adopt import initialise
from approvals.ids import new_id
from approvals.posted import posted
from approvals.propose import DraftRequest, propose
from approvals.seal import seal
from approvals.store import Vote, proposal_of
from audit.event import Actor, ActorKind
from audit.log import LogEntry
from audit.verify import verify
from sandbox.slack.signing import signature
from tests.app.conftest import STOP, Machine
from tests.app.slack.settings import settings_at
from tests.postgres.server import Server

SECRET = "s3"


def people(count: int) -> str:
    """The demo's people and so many approvers besides, each with an account."""
    more = "".join(
        f'\n[[person]]\nid = "p-c{n:04}"\nname = "Approver {n}"\nslack = [{{ team = "T0BANK", user = "U0C{n:04}" }}]\n'
        f'roles = ["approver"]\nsees_teams = ["*"]\n'
        for n in range(count)
    )
    return (Path(__file__).parents[3] / "app" / "demo" / "people.toml").read_text() + more


def pending(engine: Engine, count: int) -> tuple[str, str]:
    """A proposal that waits for one vote; its id and digest."""
    with writing(engine) as (session, now):
        actor = Actor(ActorKind.SERVICE, "crowd")
        rules = (DEFAULTS / "rules.toml").read_text()
        initialise(session, now=now, rules_text=rules, people_text=people(count), actor=actor)
        evidence = {"amount": "40000", "currency": "USD", "saving": "38000"}
        draft = DraftRequest(id=new_id(), thread="", requester="p-0a11ce01", change=STOP, evidence=evidence)
        drafted = propose(session, now=now, draft=draft)
    row = seal(beginner(engine), draft_id=drafted.proposal_id, inspector=Machine())
    if row is None:
        raise RuntimeError("it was not sealed")
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=row.id, where="slack")
        return row.id, proposal_of(session, row.id).digest or ""


def press(number: int, proposal: str, digest: str) -> tuple[bytes, dict[str, str]]:
    """One approver's signed press."""
    from urllib.parse import urlencode

    value = json.dumps({"proposal": proposal, "digest": digest})
    payload = {
        "type": "block_actions",
        "api_app_id": "A0SPENDGATE",
        "team": {"id": "T0BANK", "domain": "d"},
        "user": {"id": f"U0C{number:04}", "team_id": "T0BANK"},
        "trigger_id": f"1.2.{number}",
        "channel": {"id": "C0APPROVE", "name": "finops-approvals"},
        "actions": [{"type": "button", "action_id": "approve", "block_id": "b", "value": value}],
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(int(time.time()))
    signed = signature(SECRET, timestamp=stamp, body=body)
    kind = "application/x-www-form-urlencoded"
    return body, {"content-type": kind, "x-slack-request-timestamp": stamp, "x-slack-signature": signed}


async def crowd(
    api: FastAPI,
    engine: Engine,
    client: AsyncWebClient,
    proposal: str,
    digest: str,
    count: int,
    everybody: asyncio.Event,
) -> tuple[list[float], Counter[int]]:
    """Every press at once, while votes are judged and people told; the seconds until each acknowledgement, and the
    statuses. Ends when `everybody` was told who is to be."""
    judge, teller = Judge(engine, client), Teller(engine, client)
    transport = httpx.ASGITransport(app=api, raise_app_exceptions=False)
    seconds, statuses = [], Counter[int]()
    requests = [press(number, proposal, digest) for number in range(count)]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as browser:

        async def one(body: bytes, headers: dict[str, str]) -> None:
            begun = time.perf_counter()
            answer = await browser.post("/slack/events", content=body, headers=headers)
            seconds.append(time.perf_counter() - begun)
            statuses[answer.status_code] += 1

        loops = [asyncio.create_task(keep_doing("crowd", work)) for work in (judge.judge_all, teller.tell_all)]
        await asyncio.gather(*(one(body, headers) for body, headers in requests))
        async with asyncio.timeout(60):
            await everybody.wait()
        for loop in loops:
            loop.cancel()
    return seconds, statuses


def measured(engine: Engine, home: Path, count: int) -> dict[str, Any]:
    """The whole measurement as figures."""
    proposal, digest = pending(engine, count)
    told, everybody = list[str](), asyncio.Event()

    class Ears:
        """Stands for Slack's client: keeps what would have been told privately, at no cost of a network."""

        async def users_info(self, **_: Any) -> dict[str, Any]:
            return {"user": {}}

        async def chat_postEphemeral(self, **said: Any) -> None:
            told.append(str(said["text"]))
            if len(told) == count - 1:
                everybody.set()

    settings = settings_at(9)
    client = bolt.slack_client(settings)
    ears = Ears()
    # Bolt copies the client for each request, so the class is what must listen.
    AsyncWebClient.users_info = lambda _, **said: ears.users_info(**said)  # type: ignore[method-assign,assignment]
    AsyncWebClient.chat_postEphemeral = lambda _, **said: ears.chat_postEphemeral(**said)  # type: ignore[method-assign,assignment]
    api = build(engine=engine, home=open_home(home), slack=settings, client=client)
    seconds, statuses = asyncio.run(crowd(api, engine, client, proposal, digest, count, everybody))
    ordered = sorted(seconds)
    with reading(engine) as (session, _):
        votes = session.exec(select(func.count(col(Vote.id)))).one()
        met = session.exec(select(LogEntry).where(LogEntry.event == "approval.quorum_met")).all()
        sound = verify(session).ok
    return {
        "people": count,
        "statuses": dict(statuses),
        "p50_ms": round(statistics.median(ordered) * 1000),
        "p99_ms": round(ordered[int(len(ordered) * 0.99) - 1] * 1000),
        "longest_ms": round(ordered[-1] * 1000),
        "votes": votes,
        "quorums": len(met),
        "told_why_not": sum("not counted" in one for one in told),
        "log_verifies": sound,
    }


def main() -> int:
    """Prints the figures; exit code 1 where not exactly one vote counted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--sqlite", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if asked.sqlite:
            engine = open_database(open_home(home).database)
            create(engine)
            found = measured(engine, home, asked.people)
        else:
            server = Server(safe=True)
            try:
                server.run("CREATE ROLE owner LOGIN CREATEDB CREATEROLE")
                server.run("CREATE DATABASE crowd OWNER owner")
                engine = open_database(server.of("crowd"))
                upgrade(engine)
                with engine.connect() as connection:
                    connection.execute(text("SELECT 1"))
                found = measured(engine, home, asked.people)
                engine.dispose()
            finally:
                server.stop()
    print(json.dumps(found))
    return int(found["votes"] != 1 or found["quorums"] != 1)


if __name__ == "__main__":
    raise SystemExit(main())
