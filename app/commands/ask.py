"""`spendgate ask`: the agent's process for one turn, with the same lease, role and checks."""

import asyncio
import secrets
import sys
from typing import Any

from app.commands.console import hint, print_json
from app.commands.here import Place, person_at, place
from app.database import reading, writing
from app.errors import Exit, Problem
from app.inbox import Conversation, admit, conversation
from app.model_settings import load_model
from app.named import with_names
from app.turns import TO_A_MESSAGE, StoredAnswer
from app.whoami import Here
from approvals.active import active

LONGEST_QUESTION = 4000


def run(question: str, *, person: str | None, thread: str | None, as_json: bool) -> None:
    """Asks, waits for the answer, prints it."""
    if not question.strip() or len(question) > LONGEST_QUESTION:
        raise Problem(
            "There is no question." if not question.strip() else f"The question has {len(question):,} characters.",
            why=f"A question has between 1 and {LONGEST_QUESTION:,} characters.",
            do='Ask, for example: spendgate ask "what did AI cost last month, by team?"',
            exit_code=Exit.USAGE,
        )
    here = place("agent")
    speaker = person_at(here, person)
    place_id, message = _say(here, speaker, question, thread)
    body = asyncio.run(_answer(here, place_id, message))
    if as_json:
        shown = ("answer", "figures", "tools", "proposals", "asked_back", "refused", "model")
        print_json({**{name: body.get(name) for name in shown}, "thread": place_id})
        return
    sys.stdout.write(str(body["answer"]) + "\n")
    hint(f'To go on: spendgate ask --thread {place_id} "…"')


def _say(here: Place, speaker: Here, question: str, thread: str | None) -> tuple[str, str]:
    message = f"cli-{secrets.token_hex(8)}"
    with writing(here.engine) as (session, now):
        if thread is None:
            place_ = conversation(session, surface="cli", team="", channel=speaker.id, thread_ts=message, private=True)
        else:
            found = session.get(Conversation, thread)
            # A stranger's thread is not confirmed to exist: its earlier figures are within that person's scope.
            if found is None or found.surface != "cli" or found.channel != speaker.id:
                raise Problem(
                    f"There is no conversation {thread} of yours.",
                    why="A conversation goes on only for the person who began it at a terminal.",
                    do="Leave --thread away to begin a new one.",
                    exit_code=Exit.NOT_FOUND,
                )
            place_ = found
        admit(session, now=now, message_id=message, thread=place_.thread, person=speaker.id, text=question)
        return place_.thread, message


async def _answer(here: Place, thread: str, message: str) -> dict[str, Any]:
    from app.processes.agent import agent_process

    async with agent_process(engine=here.engine, home=here.home, model=load_model()) as process:
        for _ in range(600):
            await process.drain(thread)
            with reading(here.engine) as (session, _now):
                stored, people = session.get(StoredAnswer, f"{TO_A_MESSAGE}{message}"), active(session).people
            if stored is not None:
                told = {key: value for key, value in stored.body.items() if key != "salt"}
                return told | {"answer": with_names(str(stored.body["answer"]), people)}
            await asyncio.sleep(0.25)
    raise Problem(
        "There is no answer yet.",
        why="Another agent's process holds this conversation and has not answered.",
        do="Look at the log of `spendgate agent`, or ask again.",
    )
