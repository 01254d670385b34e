"""One life of `serve`: its real door, its real loops, until it dies or until nothing is left to do."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from sqlalchemy import event
from sqlmodel import Session, col, func, select

from app.database import reading
from app.presses import Choice, Press
from app.slack import bolt
from app.slack.at_work import AtWork
from app.slack.draw import CardPlace, draw_cards
from app.slack.ends import tell_requesters
from app.slack.guard import RefusalCount
from app.slack.judge import Judge, Teller
from app.slack.patience import Patience
from app.slack.post import post_answers
from app.slack.sessions import Sessions
from app.slack.threads import Threads
from sandbox.slack.signing import signature
from tests.app.slack.settings import settings_at
from tests.slack_kills.talk import Question, done, press_stop, think
from tests.slack_kills.wire import CHANNEL, Fate, Killed, Wire, World

MOST_ROUNDS = 3000
QUIET_ROUNDS = 2


@dataclass
class Finger:
    """Somebody who presses once: a button, or the button of the dialog that asks for a reason."""

    trigger: str
    user: str
    choice: Choice
    pressed: bool = False
    acknowledged: bool = False


async def live(world: World, fate: Fate, fingers: list[Finger], question: Question, chance: random.Random) -> None:
    """Runs until it is dead, or at rest; whatever failed otherwise is a violation."""
    world.fate = fate
    client, name, patience = Wire(world, fate), f"serve-{id(fate)}", Patience()
    api, settings = FastAPI(), settings_at(9)
    bolt.mount(api, engine=world.engine, settings=settings, client=client, refusals=RefusalCount({}))
    judge, teller = Judge(world.engine, client), Teller(world.engine, client)
    threads = Threads(world.engine, client, team="T0BANK", by=name)
    place = CardPlace(CHANNEL, "T0BANK")
    at_work, sessions = AtWork(world.engine, client, by=name), Sessions(world.engine, client)
    works: list[Callable[[], Awaitable[object]]] = [
        partial(draw_cards, world.engine, client, place=place, by=name, patience=patience),
        judge.judge_all,
        teller.tell_all,
        partial(threads.tell, patience),
        partial(tell_requesters, world.engine, client, team="T0BANK", by=name, patience=patience),
        partial(post_answers, world.engine, client, by=name, patience=patience),
        at_work.show,
        sessions.tell,
    ]
    rest = Rest(world, fate, len(works), fingers, question)
    tasks = [asyncio.create_task(rest.again(at, work)) for at, work in enumerate(works)]
    tasks += [asyncio.create_task(press(world, fate, api, finger)) for finger in fingers]
    mind = asyncio.create_task(think(world, question, chance, to_the_end=not fate.at))
    button = press_stop(world, fate, api, question, partial(send_signed, world, fate))
    tasks += [mind, asyncio.create_task(button)]
    ends = [asyncio.create_task(fate.over.wait()), asyncio.create_task(rest.come.wait())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, *ends):
        task.cancel()
    for failed in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(failed, Exception) and not fate.over.is_set():
            world.violations.append(f"something failed: {failed!r}")


class Rest:
    """When nothing is left to do: every loop came round twice and nothing happened, and nobody waits."""

    def __init__(self, world: World, fate: Fate, loops: int, fingers: list[Finger], question: Question) -> None:
        self._world, self._fate, self._fingers, self._question = world, fate, fingers, question
        self._rounds, self._last, self._all = [0] * loops, -1, 0
        self.come = asyncio.Event()

    async def again(self, at: int, work: Callable[[], Awaitable[object]]) -> None:
        """One loop of `serve`."""
        while True:
            await work()
            await asyncio.sleep(0)
            self._all += 1
            if self._fate.reached != self._last:
                self._last, self._rounds = self._fate.reached, [0] * len(self._rounds)
            self._rounds[at] += 1
            if self._all > MOST_ROUNDS:
                self._world.violations.append("it never came to rest")
                self.come.set()
            if min(self._rounds) >= QUIET_ROUNDS and all(one.pressed for one in self._fingers) and not self._waiting():
                self.come.set()

    def _waiting(self) -> bool:
        if not self._fate.at and not done(self._world, self._question):
            return True
        with reading(self._world.engine) as (session, _):
            unfinished = col(Press.judged_at).is_(None) | col(Press.note).is_not(None)
            return session.exec(select(func.count(col(Press.id))).where(unfinished)).one() > 0


async def press(world: World, fate: Fate, api: FastAPI, finger: Finger) -> None:
    """Presses the card that stands in Slack, as soon as one does, with what its own button holds."""
    while not (value := _button(world)):  # noqa: ASYNC110 (Slack is another machine)
        await asyncio.sleep(0)
    body = urlencode({"payload": json.dumps(_payload(finger, value))}).encode()
    try:
        status = await send_signed(world, fate, api, body, "application/x-www-form-urlencoded", heard=finger)
        if status != 200:
            world.violations.append(f"a press was answered with {status}")
    finally:
        finger.pressed = True


async def send_signed(
    world: World, fate: Fate, api: FastAPI, body: bytes, kind: str, *, heard: Finger | None = None
) -> int:
    """One request as Slack sends it; the status that came back, where `serve` lived to give one."""
    stamp = str(int(time.time()))  # Bolt looks at the machine's clock besides
    headers = {
        "content-type": kind,
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": signature("s3", timestamp=stamp, body=body),
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/slack/events",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    found = [0]

    async def send(message: Any) -> None:
        if message["type"] != "http.response.start":
            return
        fate.moment("before an acknowledgement")
        found[0] = int(message["status"])
        if heard is not None:
            heard.acknowledged = found[0] == 200
        fate.moment("after an acknowledgement")

    await api(scope, receive, send)
    return found[0]


def _button(world: World) -> dict[str, str]:
    """What the card's own Reject button says that it is about; the one that was there, where the card has none any
    more: somebody has an older card before them."""
    elements = [one for card in world.cards() for block in card["blocks"] for one in block.get("elements", [])]
    for element in elements:
        if element.get("action_id") == "reject":
            world.button = json.loads(element["value"])
    return world.button


def _payload(finger: Finger, value: dict[str, str]) -> dict[str, Any]:
    base: dict[str, Any] = {
        "api_app_id": "A0SPENDGATE",
        "team": {"id": "T0BANK", "domain": "d"},
        "user": {"id": finger.user, "team_id": "T0BANK"},
        "trigger_id": finger.trigger,
    }
    if finger.choice == "reject":
        state = {"reason": {"text": {"type": "plain_text_input", "value": f"because of {finger.trigger}"}}}
        about = json.dumps({**value, "channel": CHANNEL})
        view = {"id": "V1", "type": "modal", "callback_id": "reject_reason", "private_metadata": about}
        return base | {"type": "view_submission", "view": view | {"state": {"values": state}}}
    action: dict[str, Any] = {"type": "button", "action_id": "approve", "block_id": "b", "value": json.dumps(value)}
    if finger.choice == "withdraw":
        chosen = {"value": json.dumps({**value, "do": "take_back"})}
        action = {"type": "overflow", "action_id": "more", "block_id": "b", "selected_option": chosen}
    return base | {"type": "block_actions", "channel": {"id": CHANNEL}, "actions": [action]}


@contextmanager
def mortal(world: World) -> Iterator[None]:
    """Each commit has two moments, and threads are steps of the one that waits for them: a life is the same again."""

    def before(session: Session) -> None:
        if session.get_bind() is world.engine:
            world.fate.moment("before a commit")

    def after(session: Session) -> None:
        if session.get_bind() is world.engine:
            world.committed()
            world.fate.moment("after a commit")

    async def inline(do: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
        await asyncio.sleep(0)
        if world.fate.over.is_set():
            raise Killed
        return do(*given, **named)

    threads = asyncio.to_thread
    event.listen(Session, "before_commit", before)
    event.listen(Session, "after_commit", after)
    asyncio.to_thread = inline
    try:
        yield
    finally:
        asyncio.to_thread = threads
        event.remove(Session, "before_commit", before)
        event.remove(Session, "after_commit", after)
