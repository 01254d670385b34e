"""The page of a decision: only a link that its person was given opens it, and every refused use of one is told."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import col, select

from app.database import reading, writing
from app.home import Home
from app.inbox import Delivery
from app.web.decide import DecisionLinks, mount
from approvals.posted import posted
from approvals.store import Vote, proposal_of
from audit.log import LogEntry, data_of
from audit.moment import utc_text

ARJUN, OLIVIA = "p-0b0b0002", "p-0a11ce01"


class Pages:
    """The page with its links, the proposal that they are about, and how many strangers it counted."""

    def __init__(self, engine: Engine, home: Home, proposal: str) -> None:
        self.engine, self.proposal, self.strangers = engine, proposal, 0
        self.links = DecisionLinks(home, "http://127.0.0.1:1")
        api = FastAPI()
        mount(api, engine=engine, links=self.links, stranger=self._count)
        self.http = TestClient(api)
        with reading(engine) as (session, _):
            self.digest = str(proposal_of(session, proposal).digest)
        with writing(engine) as (session, now):
            posted(session, now=now, proposal_id=proposal, where="slack")

    def _count(self) -> None:
        self.strangers += 1

    def given(self, person: str) -> str:
        with writing(self.engine) as (session, now):
            address = self.links.offer(session, person=person, proposal=self.proposal, digest=self.digest, now=now)
        return address.split("token=")[1]

    def forged(self, person: str, nonce: str = "0" * 32) -> str:
        """What whoever reads the key can make."""
        with reading(self.engine) as (_, now):
            told = {"p": person, "c": self.proposal, "d": self.digest, "n": nonce, "t": utc_text(now)}
        return str(self.links._signer().dumps(told))

    def post(self, token: str, choice: str = "approve") -> Any:
        return self.http.post("/decide", data={"token": token, "choice": choice, "reason": "idle for two weeks"})

    def told(self) -> list[tuple[str, str, str]]:
        """Event, actor and code of the votes' entries."""
        with reading(self.engine) as (session, _):
            found = select(LogEntry).where(col(LogEntry.event).startswith("vote.")).order_by(col(LogEntry.seq))
            return [(row.event, row.actor, str(data_of(row).get("code", ""))) for row in session.exec(found)]

    def votes(self) -> int:
        with reading(self.engine) as (session, _):
            return len(session.exec(select(Vote)).all())


@pytest.fixture
def pages(engine: Engine, home: Home, sealed: Callable[..., str]) -> Iterator[Pages]:
    made = Pages(engine, home, sealed("t-1"))
    with made.http:
        yield made


def test_a_link_that_nobody_was_given_decides_nothing_though_it_is_signed(pages: Pages) -> None:
    """AISVS 9.2.9: other processes can read the key, so it must not be enough to vote as anybody."""
    token = pages.forged(ARJUN)
    shown = pages.http.get("/decide", params={"token": token})
    assert (shown.status_code, "leads nowhere" in shown.text, "You decide as" in shown.text) == (403, True, False)
    assert pages.post(token).status_code == 403
    assert (pages.votes(), pages.strangers) == (0, 0)
    assert pages.told() == [("vote.refused", "unknown", "link_not_given")]


def test_no_other_link_is_made_of_one_that_was_given(pages: Pages) -> None:
    """The row is of all that a link says, and lets nobody who reads the table use it."""
    mine = pages.given(OLIVIA)
    grant = pages.links.read(mine)
    assert pages.post(pages.forged(ARJUN, nonce=grant.nonce)).status_code == 403
    with reading(pages.engine) as (session, _):
        rows = [row.key for row in session.exec(select(Delivery)).all()]
    assert not any(grant.nonce in key or mine in key for key in rows)
    assert pages.told() == [("vote.page_given", OLIVIA, ""), ("vote.refused", "unknown", "link_not_given")]


def test_a_link_that_was_not_committed_opens_nothing(pages: Pages) -> None:
    made = ""
    with suppress(RuntimeError), writing(pages.engine) as (session, now):
        made = pages.links.offer(session, person=ARJUN, proposal=pages.proposal, digest=pages.digest, now=now)
        raise RuntimeError("died")
    assert pages.post(made.split("token=")[1]).status_code == 403
    assert pages.votes() == 0


def test_every_refused_use_is_told_and_strangers_are_counted(pages: Pages, clock: Any) -> None:
    used, late = pages.given(ARJUN), pages.given(ARJUN)
    assert pages.post(used).status_code == 200
    assert "used already" in pages.post(used, "reject").text
    clock.now += timedelta(minutes=5)
    assert "This link is over" in pages.post(late).text
    assert [pages.post(wrong).status_code for wrong in ("", "x", late[:-3], "é")] == [403] * 4
    assert pages.strangers == 4
    assert [told for told in pages.told() if told[0] == "vote.refused"] == [
        ("vote.refused", ARJUN, "link_used"),
        ("vote.refused", ARJUN, "link_over"),
    ]
    assert pages.votes() == 1
