"""`/spendgate …`: a question that is a row before it is acknowledged, and what waits for whoever asks."""

from collections.abc import Callable

from sqlalchemy import Engine
from sqlmodel import select

from app.database import reading
from app.inbox import Conversation, Message
from sandbox.slack.driver import shown_text
from tests.app.slack.test_clicks_and_messages import ARJUN, CHANNEL, OLIVIA, Floor, thread
from tests.app.slack.test_clicks_and_messages import floor as floor


async def answer(floor: Floor, user: str, text: str) -> str:
    pressed = await floor.slack.command(user, CHANNEL, "/spendgate", text)
    assert pressed.acknowledged
    return shown_text((await floor.slack.messages(CHANNEL, user=user))[-1])


def questions(engine: Engine) -> list[Message]:
    with reading(engine) as (session, _):
        return list(session.exec(select(Message)).all())


async def test_a_question_is_stored_once_and_answered_in_the_direct_messages(floor: Floor, engine: Engine) -> None:
    pressed = await floor.slack.command(OLIVIA, CHANNEL, "/spendgate", "what did AI cost last month?")
    assert pressed.acknowledged
    (message,) = questions(engine)
    assert message.person == "p-0a11ce01"
    with reading(engine) as (session, _):
        place = session.get_one(Conversation, message.thread)
    assert (place.channel, place.private) == ("D0OLIVIA", True)
    assert "direct messages" in shown_text((await floor.slack.messages(CHANNEL, user=OLIVIA))[-1])
    await floor.slack.replay(pressed.delivery_id)
    assert len(questions(engine)) == 1


async def test_what_waits_is_listed_for_the_approver_and_for_the_requester(
    floor: Floor, engine: Engine, sealed: Callable[[str], str]
) -> None:
    assert "Nothing waits for you" in await answer(floor, ARJUN, "waiting")
    name = sealed(thread(engine))
    await floor.card(name)
    assert f"Waiting for you\n• {name}" in (await answer(floor, ARJUN, "waiting")).replace("*", "")
    assert f"Your open proposals\n• {name}" in (await answer(floor, OLIVIA, " Waiting ")).replace("*", "")


async def test_help_long_questions_and_strangers_are_answered_in_words(floor: Floor, engine: Engine) -> None:
    for nothing in ("", "help"):
        assert "/spendgate waiting" in await answer(floor, OLIVIA, nothing)
    assert "at most 4,000" in await answer(floor, OLIVIA, "x" * 4001)
    assert questions(engine) == []
