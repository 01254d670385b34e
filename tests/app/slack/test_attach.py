"""A table that is too long to be shown stands in the answer's thread as a file: once, whole, and harmless."""

import csv
import io
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from app.database import reading, writing
from app.home import Home
from app.inbox import conversation
from app.slack.attach import as_csv
from app.slack.post import post_answers
from app.turns import StoredAnswer
from sandbox.slack.driver import shown_text
from sandbox.slack.seed import default_seed
from tests.app.slack.test_clicks_and_messages import opened
from tests.app.slack.test_deliver import CHANNEL, Office
from tests.app.slack.test_deliver import office as office

HEAD = ["day", "team", "effective", "effective unit"]
ROWS = [[f"2026-10-{1 + n % 31:02}", f"team-{n}", f"{n}.123456789", "USD"] for n in range(155)]
TABLE = {"title": "Effective cost by day, team", "head": HEAD, "rows": ROWS}


def answered(engine: Engine, *, thread_ts: str = "", tables: int = 1) -> None:
    with writing(engine) as (session, now):
        place = conversation(
            session, surface="slack", team="T0BANK", channel=CHANNEL, thread_ts=thread_ts, private=False
        )
        body = {"answer": "AI cost 12 USD", "tools": [], "model": "offline", "tables": [TABLE] * tables}
        session.add(StoredAnswer(turn="m:1", thread=place.thread, body=body, answered_at=now))


def posted(engine: Engine) -> bool:
    with reading(engine) as (session, _):
        return session.get_one(StoredAnswer, "m:1").posted_at is not None


async def files(office: Office) -> list[dict[str, Any]]:
    return [m for m in await office.slack.messages(CHANNEL) if m.get("files")]


async def content(address: str) -> list[list[str]]:
    async with httpx.AsyncClient(trust_env=False) as http:
        body = (await http.get(address)).content
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))


@pytest.mark.parametrize("in_a_thread", [True, False])
async def test_every_row_is_in_a_file_in_the_answers_thread(engine: Engine, office: Office, in_a_thread: bool) -> None:
    root = str((await office.client.chat_postMessage(channel=CHANNEL, text="question"))["ts"]) if in_a_thread else ""
    answered(engine, thread_ts=root)
    await post_answers(engine, office.client)
    (message,) = await files(office)
    answer = next(m for m in await office.slack.messages(CHANNEL) if "12 USD" in shown_text(m))
    assert message["thread_ts"] == (root or answer["ts"])
    assert "All 155 rows" in message["text"]
    assert await content(message["files"][0]["url_private"]) == [HEAD, *ROWS]
    assert posted(engine)
    assert await post_answers(engine, office.client) == 0


@pytest.mark.parametrize("fault", ["lost_answer", "server_error"])
@pytest.mark.parametrize("step", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_a_file_stands_there_once_whatever_breaks_in_between(
    engine: Engine, office: Office, step: str, fault: str
) -> None:
    answered(engine, tables=2)
    await office.slack.faults({"fault": fault, "method": step})
    await post_answers(engine, office.client)
    assert not posted(engine), "what nobody knows of stays due"
    await post_answers(engine, office.client)
    assert posted(engine)
    names = [message["files"][0]["name"] for message in await files(office)]
    assert len(names) == len(set(names)) == 2
    told = [m for m in await office.slack.messages(CHANNEL) if "12 USD" in shown_text(m)]
    assert len(told) == 1


async def test_without_the_scope_the_thread_says_so_and_the_answer_is_not_held_up(
    engine: Engine, home: Home, clock: Any
) -> None:
    seed = default_seed()
    scopes = tuple(one for one in seed.app.scopes if one != "files:write")
    less = seed.model_copy(update={"app": seed.app.model_copy(update={"scopes": scopes})})
    async with opened(engine, home, clock, seed=less) as floor:
        answered(engine)
        told = await floor.slack.until_message(CHANNEL, lambda m: "could not be attached" in m["text"], seconds=60)
        assert "missing_scope" in told["text"]
        await floor.slack.until(lambda _: posted(engine), seconds=60)


def test_no_cell_is_a_formula_and_no_amount_is_touched() -> None:
    hostile = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "a,b", 'a"b', "line\nbreak", "-5.10", "12.000"]
    head, cells = csv.reader(io.StringIO(as_csv({"head": ["=h"], "rows": [hostile]}).decode("utf-8-sig")))
    assert head == ["'=h"]
    assert cells[:5] == ["'=1+1", "'+cmd", "'-2+3", "'@SUM(A1)", "'\t=1"]
    assert cells[5:] == hostile[5:]
