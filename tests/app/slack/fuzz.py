"""Malformed requests to Slack's address, as many as asked: none may end in a 5xx, and none may change anything.

    python -m tests.app.slack.fuzz --requests 100000 --seed 1

Half bear a wrong signature or none; the other half are signed rightly, by an account that nobody linked, and broken in
their content: parts left out, of another type, nested a thousand deep, of another workspace, with every odd character.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine, text

from app.database import open_database, reading, writing
from app.home import open_home
from app.migrate import create
from app.presses import waiting
from app.processes.serve import build
from app.ready import DEFAULTS
from app.slack.dialogs import MARK, WHY_NOT
from app.slack.judge import MOST_AT_ONCE, judge
from app.slack.manifest import SHORTCUT
from approvals.adopt import initialise
from audit.event import Actor, ActorKind
from sandbox.slack.signing import signature
from tests.app.slack.settings import settings_at

Json = dict[str, Any]
SECRET, STRANGER = "s3", "U0STRANGER"
ODD = ["", "\x00", "\u202e", "é", "😀", "\ud83d", "../..", "<!channel>", "x" * 5000, "null", "-1", "1e999", "{}", "[]"]
KINDS: list[Any] = [None, True, 0, -1, 1.5, 10**40, "", "x", [], {}, [[]], {"id": 1}, *ODD]
DEEP = "[" * 1000 + "]" * 1000
AT_ONCE = 32
FAST = Path("/dev/shm")
"""Memory, where there is some: a hundred thousand requests are tens of thousands of commits."""
STATE = (
    "proposal",
    "vote",
    "draft",
    "delegation",
    "message",
    "conversation",
    "policy_version",
    "kill_switch",
    "turn_stop",
    "slack_session",
    "slack_installation",
    "slack_install_state",
)


def dialogs(about: str) -> list[Json]:
    """Each dialog as it is submitted."""
    names = ("approve_with_reason", "reject_reason", "ask_question", "withdraw_proposal", "lend_vote", WHY_NOT, MARK)
    values = {
        "reason": {"text": {"type": "plain_text_input", "value": "because"}},
        "until": {"day": {"type": "datepicker", "selected_date": "2099-01-01"}},
    }
    made = []
    for name in names:
        view = {
            "id": "V1", "type": "modal", "callback_id": name, "private_metadata": about, "state": {"values": values},
        }  # fmt: skip
        made.append({"type": "view_submission", "view": view})
    return made


def payloads(proposal: str) -> list[Json]:
    """One of each surface, as Slack sends them."""
    unusual = {"anomaly": "A-0000000001", "is": "snoozed"}
    about = json.dumps({"proposal": proposal, "digest": "ab" * 32, "channel": "C0APPROVE", **unusual})
    base: Json = {
        "api_app_id": "A0SPENDGATE",
        "team": {"id": "T0BANK", "domain": "d"},
        "user": {"id": STRANGER, "team_id": "T0BANK"},
        "trigger_id": "1.2.3",
    }
    presses = (
        "approve", "approve_reason", "approve_page", "reject", "ask", "undo", "ask_on_why", "feedback",
        "anomaly_investigate", "anomaly_say_snoozed",
    )  # fmt: skip
    made: list[Json] = [
        base
        | {"type": "block_actions", "channel": {"id": "C0APPROVE"}, "actions": [{"type": "button", "action_id": name,
           "block_id": "b", "value": about}]}
        for name in presses
    ]  # fmt: skip
    for verb in ("withdraw", "take_back", "lend"):
        chosen = {"value": json.dumps({"do": verb, "proposal": proposal, "digest": "ab" * 32})}
        action = {"type": "overflow", "action_id": "more", "block_id": "b", "selected_option": chosen}
        made.append(base | {"type": "block_actions", "channel": {"id": "C0APPROVE"}, "actions": [action]})
    chosen = {"value": json.dumps({**unusual, "is": "planned"})}
    menu = {"type": "overflow", "action_id": "anomaly_more", "block_id": "b", "selected_option": chosen}
    made.append(base | {"type": "block_actions", "channel": {"id": "C0APPROVE"}, "actions": [menu]})
    made += [base | view for view in dialogs(about)]
    said = {
        "type": "message",
        "text": "cost is up",
        "ts": "1.1",
        "blocks": [{"type": "section", "text": {"text": "x"}}],
    }
    channel = {"channel": {"id": "C0AIOPS"}, "message_ts": "1.1"}
    made.append(base | {"type": "message_action", "callback_id": SHORTCUT, "message": said, **channel})
    events = [
        {"type": "message", "channel_type": "im", "channel": "D0", "user": STRANGER, "text": "hello", "ts": "1.1"},
        {"type": "app_mention", "channel": "C0AIOPS", "user": STRANGER, "text": "<@U0SPENDGATE> hi", "ts": "1.1"},
        {"type": "app_home_opened", "channel": "D0", "user": STRANGER, "tab": "home", "event_ts": "1.1"},
        {
            "type": "agent_session_stopped",
            "channel": "D0",
            "user": STRANGER,
            "thread_ts": "1.1",
            "event_ts": "1.1",
            "streaming_message_ts": ["1.2"],
        },
    ]
    envelope = {"type": "event_callback", "team_id": "T0BANK", "api_app_id": "A0SPENDGATE", "event_id": "Ev1"}
    made += [envelope | {"event": event} for event in events]
    command = {"command": "/spendgate", "team_id": "T0BANK", "user_id": STRANGER, "channel_id": "C0AIOPS"}
    made += [command | {"api_app_id": "A0SPENDGATE", "trigger_id": "1.2.3", "text": said} for said in ("hi", "waiting")]
    made.append({"type": "url_verification", "challenge": "x", "token": "t"})
    return made


def broken(chance: random.Random, value: Any, depth: int = 0) -> Any:
    """The same with some of its parts left out, doubled, or of another kind."""
    if isinstance(value, dict) and value and depth < 6:
        copy = dict(value)
        for key in list(copy):
            roll = chance.random()
            if roll < 0.06:
                del copy[key]
            elif roll < 0.12:
                copy[key] = chance.choice(KINDS)
            elif roll < 0.6:
                copy[key] = broken(chance, copy[key], depth + 1)
        if chance.random() < 0.05:
            copy[chance.choice(ODD)] = chance.choice(KINDS)
        return copy
    if isinstance(value, list) and value and depth < 6:
        return [broken(chance, one, depth + 1) for one in value] * chance.choice([0, 1, 1, 1, 2])
    if isinstance(value, str) and chance.random() < 0.2:
        at = chance.randint(0, len(value))
        return value[:at] + chance.choice(ODD) + value[at:]
    return value


def request(chance: random.Random, bases: list[Json], now: int) -> tuple[bytes, dict[str, str]]:
    """One request's body and headers."""
    payload = broken(chance, chance.choice(bases))
    if isinstance(payload, dict):
        for key in ("event_id", "trigger_id"):
            if isinstance(payload.get(key), str) and chance.random() < 0.8:
                payload[key] = f"{payload[key]}{chance.getrandbits(40)}"
    dumped = json.dumps(payload)
    as_event = isinstance(payload, dict) and payload.get("type") in ("event_callback", "url_verification")
    body = dumped.encode() if as_event else urlencode({"payload": dumped}).encode()
    if isinstance(payload, dict) and payload.get("command") is not None:
        body = urlencode({str(name): str(value) for name, value in payload.items()}, errors="replace").encode()
    kind = "application/json" if as_event else "application/x-www-form-urlencoded"
    roll = chance.random()
    if roll < 0.06:
        body = chance.randbytes(chance.randint(0, 400))
    elif roll < 0.09:
        body = DEEP.encode()
    elif roll < 0.13:
        body = body[: chance.randint(0, len(body))]
    elif roll < 0.16:
        kind = chance.choice(["", "text/plain", "application/json", "multipart/form-data; boundary=x", "a" * 300])
    stamp = str(now)
    if chance.random() < 0.1:
        stamp = chance.choice(["", "abc", "-1", "1e9", "9" * 40, str(now - 3000), "0x10", " ", "1.5"])
    signed = signature(SECRET, timestamp=stamp, body=body)
    if chance.random() < 0.5:
        wrong = [
            "",
            "v0=",
            "v0=" + "0" * 64,
            signed[:-1],
            signed.upper(),
            "v1" + signed[2:],
            "v0=~",
        ]
        signed = chance.choice(wrong)
    headers = {"content-type": kind, "x-slack-request-timestamp": stamp, "x-slack-signature": signed}
    return body, {name: value for name, value in headers.items() if chance.random() > 0.03}


def stored(engine: Engine) -> str:
    """A hash of every row that a request could have changed."""
    digest = sha256()
    with reading(engine) as (session, _):
        for table in STATE:
            for row in session.execute(text(f"SELECT * FROM {table} ORDER BY 1")):
                digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


async def fuzz(api: FastAPI, engine: Engine, *, proposal: str, requests: int, seed: int) -> Counter[int]:
    """Sends them, `AT_ONCE` at a time; the statuses that came back."""
    chance, bases, statuses = random.Random(seed), payloads(proposal), Counter[int]()
    transport = httpx.ASGITransport(app=api, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:

        async def some(count: int) -> None:
            for _ in range(count):
                body, headers = request(chance, bases, int(time.time()))
                answer = await client.post("/slack/events", content=body, headers=headers)
                statuses[answer.status_code] += 1

        await asyncio.gather(*(some(requests // AT_ONCE) for _ in range(AT_ONCE)))
    while judge_some(engine):
        pass
    return statuses


def judge_some(engine: Engine) -> int:
    """Judges what was stored as pressed, as `serve` does it afterwards; returns how much."""
    with reading(engine) as (session, _):
        due = [press.id or 0 for press in waiting(session, most=MOST_AT_ONCE)]
    return judge(engine, due, {})


def whole(folder: Path) -> tuple[FastAPI, Engine]:
    """An application with a database of its own, whose Slack is not there."""
    home = open_home(folder / "home")
    engine = open_database(home.database)
    create(engine)
    people = (Path(__file__).parents[3] / "app" / "demo" / "people.toml").read_text()
    with writing(engine) as (session, now):
        actor = Actor(ActorKind.SERVICE, "fuzz")
        rules = (DEFAULTS / "rules.toml").read_text()
        initialise(session, now=now, rules_text=rules, people_text=people, actor=actor)
    return build(engine=engine, home=home, slack=settings_at(9)), engine


def main(read: Callable[[], argparse.Namespace]) -> int:
    """Exit code 1 where a request ended in a 5xx or changed something."""
    asked = read()
    with tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None) as folder:
        api, engine = whole(Path(folder))
        before, begun = stored(engine), time.monotonic()
        statuses = asyncio.run(fuzz(api, engine, proposal="P-0000000001", requests=asked.requests, seed=asked.seed))
        changed = stored(engine) != before
    failed = sum(count for status, count in statuses.items() if status >= 500)
    told = {"requests": statuses.total(), "statuses": dict(sorted(statuses.items())), "failed": failed}
    print(json.dumps(told | {"changed": changed, "seconds": round(time.monotonic() - begun, 1)}))
    return int(bool(failed) or changed)


def arguments() -> argparse.Namespace:
    """What the command takes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main(arguments))
