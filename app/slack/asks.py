"""What people press on a card besides a vote: a question, a withdrawal, a vote lent, the page of a decision.

Each is stored, once, before Slack is told that the press arrived; who may, is judged by the verb itself.
"""

import asyncio
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from sqlalchemy import Engine
from sqlmodel import Session

from app.database import reading, writing
from app.drawn import CardMessage
from app.inbox import Conversation, admit, conversation, first_time
from app.slack.admission import Admission
from app.slack.clicks import press_key, pressed, pressed_about, speaker_of
from app.slack.dialogs import about, ask_view, chosen, lend_view, plain, withdraw_view, written
from app.slack.people import Speaker, not_linked, team_of, who
from app.slack.post import whisper_soon
from app.web.decide import DecisionLinks
from approvals.active import active
from approvals.delegate import delegate
from approvals.withdraw import withdraw


def register(app: AsyncApp, engine: Engine, links: DecisionLinks | None, admission: Admission) -> None:
    """Binds the card's other buttons and its menu, and the dialogs that they open."""
    _register_dialogs(app, engine)

    @app.action("ask")
    async def _ask(ack: Any, body: dict[str, Any], client: Any) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=ask_view(pressed_about(body)))
        await ack()

    @app.action("more")
    async def _more(ack: Any, body: dict[str, Any], client: Any) -> None:
        speaker, it, verb = speaker_of(body), pressed_about(body), _verb(body)
        told = None
        if verb == "take_back":
            await admission.take(pressed(body, team=team_of(body), choice="withdraw"))
        elif verb == "withdraw":
            await client.views_open(trigger_id=body["trigger_id"], view=withdraw_view(it))
        elif verb == "lend":
            roles = await asyncio.to_thread(lendable, engine, speaker)
            if roles:
                await client.views_open(trigger_id=body["trigger_id"], view=lend_view(it, roles=roles))
            else:
                told = (
                    "You hold no role that the rules let anybody lend. `spendgate policy show` tells which those are."
                )
        await ack()
        _tell_soon(client, speaker, told)

    def bound(button: str | re.Pattern[str], take: Callable[..., str | None]) -> None:
        @app.action(button)
        async def _pressed(ack: Any, body: dict[str, Any], client: Any) -> None:
            speaker = speaker_of(body)
            told = await asyncio.to_thread(take, body=body, speaker=speaker)
            await ack()
            _tell_soon(client, speaker, told)

    bound(re.compile("^ask_on_"), partial(take_next, engine))
    bound("approve_page", partial(offer_page, engine, links))


def _register_dialogs(app: AsyncApp, engine: Engine) -> None:
    def submitter(body: dict[str, Any]) -> Speaker:
        return Speaker(team=team_of(body), user=str(body["user"]["id"]), channel=about(body["view"]).channel)

    def submitted(dialog: str, take: Callable[..., str | None]) -> None:
        @app.view(dialog)
        async def _submitted(ack: Any, body: dict[str, Any], client: Any) -> None:
            speaker = submitter(body)
            told = await asyncio.to_thread(take, body=body, speaker=speaker)
            await ack()
            _tell_soon(client, speaker, told)

    submitted("ask_question", partial(take_question, engine))
    submitted("withdraw_proposal", partial(take_withdrawal, engine))
    submitted("lend_vote", partial(take_loan, engine))


def _tell_soon(client: Any, speaker: Speaker, told: str | None) -> None:
    if told and speaker.channel:
        whisper_soon(client, channel=speaker.channel, user=speaker.user, text=told)


def take_question(engine: Engine, *, body: dict[str, Any], speaker: Speaker) -> str | None:
    """Takes a question about a proposal into the conversation of its card's thread, once."""
    it = about(body["view"])
    with writing(engine) as (session, now):
        if not first_time(session, key=press_key(body), kind="ask", now=now):
            return None
        person, card = who(active(session).people, speaker), session.get(CardMessage, it.proposal)
        if person is None:
            return not_linked(speaker)
        if card is None:
            return f"Your question was not taken: {it.proposal or 'that proposal'} has no card here any more."
        place = conversation(
            session, surface="slack", team=speaker.team, channel=card.channel, thread_ts=card.ts, private=False
        )
        text = f"About proposal {it.proposal}: {written(body['view'])}"
        message = f"ask-{body['trigger_id']}"[:80]
        admit(
            session,
            now=now,
            message_id=message,
            thread=place.thread,
            person=person.id,
            text=text,
            proposal=it.proposal,
        )
        return None


def take_next(engine: Engine, *, body: dict[str, Any], speaker: Speaker) -> str | None:
    """The button under an answer: its question, asked by whoever pressed, in the conversation of the answer, once."""
    try:
        asked = json.loads(body["actions"][0]["value"])
        thread, text = plain(asked["thread"], 40), str(asked["ask"])[:200]
    except (KeyError, IndexError, TypeError, ValueError):
        return "That button is of an older version. Please ask in words."
    with writing(engine) as (session, now):
        if not first_time(session, key=press_key(body), kind="ask_on", now=now):
            return None
        person, place = who(active(session).people, speaker), session.get(Conversation, thread)
        if person is None:
            return not_linked(speaker)
        if place is None or (place.surface, place.team, place.channel) != (
            "slack",
            speaker.team,
            speaker.channel,
        ):
            return "That conversation is not here any more. Please ask anew."
        message = f"press-{body['trigger_id']}"[:80]
        admit(session, now=now, message_id=message, thread=thread, person=person.id, text=text)
        return None


def take_withdrawal(engine: Engine, *, body: dict[str, Any], speaker: Speaker) -> str | None:
    """Withdraws a proposal for its requester, once."""
    it = about(body["view"])
    with writing(engine) as (session, now):
        if not first_time(session, key=press_key(body), kind="withdraw", now=now):
            return None
        person = who(active(session).people, speaker)
        if person is None:
            return not_linked(speaker)
        verdict = withdraw(session, now=now, proposal_id=it.proposal, person=person.id)
    return None if verdict.allowed else f"It was not withdrawn: {verdict.reason}."


def lendable(engine: Engine, speaker: Speaker) -> list[str]:
    """The roles that this person holds and that the rules let be lent."""
    with reading(engine) as (session, _):
        in_force = active(session)
        person = who(in_force.people, speaker)
        rules = in_force.rules.delegation
        return sorted(person.roles & rules.roles) if person is not None and rules is not None else []


def take_loan(engine: Engine, *, body: dict[str, Any], speaker: Speaker) -> str | None:
    """Lends a role, once, from now on for the days that were chosen."""
    view = body["view"]
    with writing(engine) as (session, now):
        if not first_time(session, key=press_key(body), kind="lend", now=now):
            return None
        people = active(session).people
        person = who(people, speaker)
        if person is None:
            return not_linked(speaker)
        receiver = who(people, Speaker(speaker.team, chosen(view, "person"), ""))
        days = chosen(view, "days")
        if receiver is None:
            return "Nothing was lent: I do not know that person. They must stand in people.toml with their Slack id."
        if not (days.isascii() and days.isdigit() and 0 < int(days) <= 31):
            return "Nothing was lent: no number of days was chosen."
        lent = delegate(
            session,
            now=now,
            giver=person.id,
            receiver=receiver.id,
            roles=[chosen(view, "role")],
            starts_at=now,
            ends_at=now + timedelta(days=int(days)),
        )
    if not lent.verdict.allowed:
        return f"Nothing was lent: {lent.verdict.reason}."
    ends = f"`spendgate delegations end {lent.delegation}` ends it earlier"
    return f"Lent for {days} days; {ends}. Cards that are open now can be approved by them."


def offer_page(engine: Engine, links: DecisionLinks | None, *, body: dict[str, Any], speaker: Speaker) -> str | None:
    """A link to a page on which exactly this person can decide, once, within five minutes."""
    it = pressed_about(body)
    with writing(engine) as (session, now):
        if not first_time(session, key=press_key(body), kind="page", now=now):
            return None
        person = _known(session, speaker)
        if person is None:
            return not_linked(speaker)
        if links is None:
            do = f"On the machine that runs Spendgate: `spendgate decide {it.proposal}`."
            return f"There is no page for it here. {do}"
        address = links.offer(session, person=person, proposal=it.proposal, digest=it.digest, now=now)
    return (
        f"<{address}|Review {it.proposal} and decide>: the link is yours alone, works once, and ends in five minutes."
    )


def _known(session: Session, speaker: Speaker) -> str | None:
    person = who(active(session).people, speaker)
    return person.id if person is not None else None


def _verb(body: dict[str, Any]) -> str:
    try:
        return str(json.loads(body["actions"][0]["selected_option"]["value"])["do"])
    except (KeyError, IndexError, TypeError, ValueError):
        return ""
