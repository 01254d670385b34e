"""`/spendgate …` from anywhere in Slack: a question, or what waits for the person who asks.

The question is a row before Slack is told that it arrived, like a message; the answer comes in the direct messages with
the app, since nobody else asked for it.
"""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncApp
from sqlalchemy import Engine

from app.database import reading, writing
from app.inbox import admit, conversation, first_time
from app.slack.cards import data
from app.slack.home import Line, page_of
from app.slack.messages import LONGEST_MESSAGE
from app.slack.people import Speaker, not_linked, team_of, who
from approvals.active import active

COMMAND = "/spendgate"
HELP = (
    f"`{COMMAND} what did AI cost last month, by team?` asks a question; the answer comes in our direct messages.\n"
    f"`{COMMAND} waiting` lists what waits for your decision, and your own open proposals.\n"
    f"`{COMMAND} help` shows this."
)
LONGEST_LIST = 2500


def register(app: AsyncApp, engine: Engine) -> None:
    """Binds the command."""

    @app.command(COMMAND)
    async def _command(ack: Any, body: dict[str, Any], client: Any) -> None:
        speaker = Speaker(team=team_of(body), user=str(body["user_id"]), channel=str(body["channel_id"]))
        said = str(body.get("text") or "").strip()
        if said.lower() in ("", "help"):
            told = HELP
        elif said.lower() == "waiting":
            told = await asyncio.to_thread(waiting, engine, speaker)
        elif len(said) > LONGEST_MESSAGE:
            told = f"That has {len(said):,} characters; I read at most {LONGEST_MESSAGE:,}. Please shorten it."
        else:
            opened = await client.conversations_open(users=speaker.user)
            direct = str(opened["channel"]["id"])
            told = await asyncio.to_thread(take, engine, body=body, speaker=speaker, direct=direct, text=said)
        await ack(told)


def take(engine: Engine, *, body: dict[str, Any], speaker: Speaker, direct: str, text: str) -> str:
    """Takes a question in, once; returns what the person is told at once."""
    with writing(engine) as (session, now):
        if not first_time(session, key=f"slash_command:{body['trigger_id']}", kind="command", now=now):
            return "That question was taken in before."
        person = who(active(session).people, speaker)
        if person is None:
            return not_linked(speaker)
        place = conversation(session, surface="slack", team=speaker.team, channel=direct, thread_ts="", private=True)
        message = f"command-{body['trigger_id']}"[:80]
        admit(session, now=now, message_id=message, thread=place.thread, person=person.id, text=text)
    return "I am looking; the answer comes in our direct messages."


def waiting(engine: Engine, speaker: Speaker) -> str:
    """What waits for this person, and what they asked for and is open."""
    with reading(engine) as (session, now):
        page = page_of(session, speaker, now=now)
    if page.person is None:
        return not_linked(speaker)
    parts = [_listed("Waiting for you", page.waiting), _listed("Your open proposals", page.mine)]
    return "\n".join(part for part in parts if part) or "Nothing waits for you, and you have no open proposal."


def _listed(title: str, lines: tuple[Line, ...]) -> str:
    if not lines:
        return ""
    rows = [f"• {line.card.proposal}: {data(line.card.title)} ({data(line.card.words)})" for line in lines]
    text, left = f"*{title}*", len(rows)
    for row in rows:
        if len(text) + len(row) > LONGEST_LIST:
            return f"{text}\n… and {left} more in the app's Home"
        text, left = f"{text}\n{row}", left - 1
    return text
