"""`serve` may die at every moment: no press is lost or counted twice, and what Slack shows is stored."""

from collections.abc import Sequence
from typing import Any

import pytest

from app.slack import admission, draw, judge, post
from approvals.card import Card
from tests.slack_kills.campaign import campaign


@pytest.mark.parametrize(("kills", "seed"), [(12, 7), pytest.param(300, 8, marks=pytest.mark.slow)])
def test_nothing_is_lost_or_counted_twice_whenever_it_dies(kills: int, seed: int) -> None:
    found = campaign(kills=kills, seed=seed)
    assert found["violations"] == []
    assert found["kills"] >= kills
    assert len(found["moments"]) >= 4
    assert 0 < found["acknowledged"] < found["presses"]


@pytest.mark.slow
def test_a_press_that_is_acknowledged_and_not_stored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(_engine: Any, group: Sequence[Any]) -> list[None]:
        return [None] * len(group)

    monkeypatch.setattr(admission, "store", forgetful)
    assert any("is not stored" in what for what in campaign(kills=6, seed=1)["violations"])


@pytest.mark.slow
def test_an_answer_beside_its_steps_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(*_: Any) -> None:
        return None

    monkeypatch.setattr(post, "_grown", none)
    monkeypatch.setattr(post, "clear", none)  # which would take the steps away beside it
    assert any("messages of ours stand" in what for what in campaign(kills=20, seed=4)["violations"])


@pytest.mark.slow
def test_a_vote_that_is_counted_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = judge.__dict__["vote"]

    def eager(session: Any, **given: Any) -> Any:
        real(session, **given)
        return real(session, **given)

    monkeypatch.setattr(judge, "vote", eager)
    assert any("entries of votes" in what for what in campaign(kills=6, seed=1)["violations"])


@pytest.mark.slow
def test_a_card_that_shows_what_is_not_stored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def ahead(card: Card) -> dict[str, Any]:
        return {"kind": "card", "proposal": card.proposal, "version": card.version + 1}

    monkeypatch.setattr(draw, "_payload", ahead)
    assert any("a card shows" in what for what in campaign(kills=6, seed=1)["violations"])
