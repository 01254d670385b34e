"""What people write to Spendgate in Slack: taken in as rows before Slack is told so, answered by the agent's process.

`serve` never thinks: it stores who said what where, and the agent's process finds it.
"""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncApp
from sqlalchemy import Engine

from app.database import reading, writing
from app.inbox import admit, conversation, first_time
from app.slack.home import home_view, page_of
from app.slack.manifest import PROMPTS
from app.slack.people import Speaker, not_linked, team_of, who
from app.slack.post import whisper_soon
from approvals.active import active
from audit import log
from audit.event import Actor, ActorKind, Event

LONGEST_MESSAGE = 4000


def register(app: AsyncApp, engine: Engine) -> None:
    """Binds the listeners for messages, mentions and the opened messages tab."""

    @app.event("message")
    async def _message(ack: Any, body: dict[str, Any], event: dict[str, Any], client: Any) -> None:
        direct = event.get("channel_type") == "im" and not event.get("subtype") and not event.get("bot_id")
        told = await _take_in(body, event) if direct else None
        await ack()
        _tell(event, told, client)

    @app.event("app_mention")
    async def _mention(ack: Any, body: dict[str, Any], event: dict[str, Any], client: Any) -> None:
        told = None if event.get("bot_id") else await _take_in(body, event)
        await ack()
        _tell(event, told, client)

    @app.event("app_home_opened")
    async def _opened(ack: Any, body: dict[str, Any], event: dict[str, Any], client: Any) -> None:
        await ack()
        if event.get("tab") == "home":
            speaker = Speaker(team=team_of(body), user=str(event["user"]), channel=str(event.get("channel", "")))
            view = await asyncio.to_thread(_home, engine, speaker)
            await client.views_publish(user_id=speaker.user, view=view)
        if event.get("tab") == "messages":
            await client.assistant_threads_setSuggestedPrompts(
                channel_id=event["channel"], thread_ts=event.get("thread_ts", ""), prompts=PROMPTS
            )

    async def _take_in(body: dict[str, Any], event: dict[str, Any]) -> str | None:
        speaker = Speaker(team=team_of(body), user=str(event.get("user", "")), channel=str(event["channel"]))
        text = strip_mention(str(event.get("text", "")))
        return await asyncio.to_thread(store, engine, body=body, event=event, speaker=speaker, text=text)

    def _tell(event: dict[str, Any], told: str | None, client: Any) -> None:
        if told is not None:
            thread_ts = str(event.get("thread_ts") or event["ts"])
            whisper_soon(client, channel=str(event["channel"]), user=str(event["user"]), text=told, thread_ts=thread_ts)


def _home(engine: Engine, speaker: Speaker) -> dict[str, Any]:
    """The view of this person's Home; that somebody was shown entries of the log is one itself, before they see it."""
    with reading(engine) as (session, now):
        page = page_of(session, speaker, now=now)
    if page.person is not None and page.last:
        with writing(engine) as (session, now):
            log.tell_reading(session, now=now, person=page.person.id, data={"view": "home"})
    return home_view(page)


def strip_mention(text: str) -> str:
    """The text without the app's own mention at its start."""
    text = text.strip()
    if text.startswith("<@") and ">" in text:
        text = text[text.index(">") + 1 :].strip()
    return text


def store(engine: Engine, *, body: dict[str, Any], event: dict[str, Any], speaker: Speaker, text: str) -> str | None:
    """Takes one message in, once; returns what to tell the speaker when it cannot be."""
    with writing(engine) as (session, now):
        key = f"event_callback:{body['event_id']}"
        if not first_time(session, key=key, kind="message", now=now):
            return None
        person = who(active(session).people, speaker)
        if person is None:
            data = {"reason": "person not linked", "surface": "message"}
            log.append(
                session, now=now, event=Event.SLACK_REFUSED, actor=Actor(ActorKind.UNKNOWN, "unlinked"), data=data
            )
            return not_linked(speaker)
        if not text:
            return (
                "That message has no text that I can read. Ask me, for example: what did AI cost last month, by team?"
            )
        if len(text) > LONGEST_MESSAGE:
            return f"That message has {len(text):,} characters; I read at most {LONGEST_MESSAGE:,}. Please shorten it."
        place = conversation(
            session,
            surface="slack",
            team=speaker.team,
            channel=speaker.channel,
            thread_ts=str(event.get("thread_ts") or event["ts"]),
            private=event.get("channel_type") == "im",
        )
        admit(session, now=now, message_id=str(body["event_id"]), thread=place.thread, person=person.id, text=text)
        return None
