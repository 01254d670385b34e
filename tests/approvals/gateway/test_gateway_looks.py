"""What the worker sees of a gateway's keys and teams: what is sealed, what is refused and why, and no answer at all."""

import json
from dataclasses import replace
from typing import Any

import pytest

from app.errors import Problem
from app.processes.cloud import cloud
from app.processes.gateways import gateway_eyes, gateway_hands
from approvals.changes.change import parse_change
from approvals.errors import GateError
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from sandbox.admin.serve import ServedAdmin
from sandbox.aws.faults import Fault, FaultMode
from sandbox.litellm.proxy import hash_of
from tests.approvals.gateway.conftest import settings_of
from tests.approvals.gateway.proxy import (
    AGENT,
    CHAT,
    EVER,
    GONE,
    LEFT,
    MASTER,
    ODD,
    OLD,
    SHARED,
    SHUT,
    SPENT,
    block,
    budget,
    team_budget,
    unblock,
)

FOR_GOOD = {"max_budget": "300", "duration": None}
SAME = {"max_budget": "500", "duration": "30d"}
LOOKS: list[tuple[str, dict[str, Any], str | None]] = [
    ("a key that is let in", block(), None),
    ("a key that is blocked already", block(SHUT), "wrong_state"),
    ("a blocked key that is to be let in", unblock(), None),
    ("a key that is not blocked and is to be let in", unblock(CHAT), "wrong_state"),
    ("a key that the gateway does not know", block("sk-none"), "not_found"),
    ("a key of which only the archive knows", block(GONE), "not_found"),
    ("a key that has expired", block(OLD), "expired"),
    ("the key with which Spendgate speaks to the gateway", block(MASTER), "own_key"),
    ("a key of another gateway", block(account="other"), "other_account"),
    ("a budget for a key that has one", budget(), None),
    ("a budget for a key that has none", budget(CHAT), None),
    ("a budget for ever that is spent already would block the key without saying so",
     budget(SPENT, after=FOR_GOOD), "spent_already"),
    ("a budget for ever that is not spent yet", budget(CHAT, after={"max_budget": "400", "duration": None}), None),
    ("a budget for ever of a key whose budget begins anew, which no update takes away",
     budget(AGENT, after={"max_budget": "30", "duration": None}), "keeps_duration"),
    ("a budget for ever where a duration was left over", budget(LEFT, after={"max_budget": "30", "duration": None}),
     "keeps_duration"),
    ("a budget of a day where a duration was left over", budget(LEFT), None),
    ("no budget where only a duration was left over", budget(LEFT, after={}), "same_already"),
    ("a budget of a day in place of one for ever, which could not be set again", budget(EVER), "odd_budget"),
    ("another budget for ever", budget(EVER, after={"max_budget": "30", "duration": None}), None),
    ("the budget that it has already", budget(after=SAME), "same_already"),
    ("a budget that other keys share", budget(SHARED), "shared_budget"),
    ("a budget that could not be set again exactly", budget(ODD), "odd_budget"),
    ("another budget before than the proposal says", budget(before={"max_budget": "1", "duration": "1d"}),
     "wrong_state"),
    ("a team's budget", team_budget(), None),
    ("a team that the gateway does not know", team_budget("nobody"), "not_found"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "code"), LOOKS, ids=[row[0] for row in LOOKS])
def test_a_look_at(eyes: Any, served: ServedAdmin, what: str, change: dict[str, Any], code: str | None) -> None:
    seen = eyes.look(parse_change(change))
    assert served.marks == []
    if isinstance(seen, Snapshot):
        assert (seen.environment, seen.team) == ("development", "risk models")
        assert "Risk Models" not in json.dumps(seen.fields)
    assert (seen.code if isinstance(seen, NotSealable) else None) == code


def test_what_people_will_notice_is_said_where_a_budget_is_spent_at_once(eyes: Any) -> None:
    seen = eyes.look(parse_change(budget(SPENT)))
    assert "refused at once until the next 1d begins" in seen.blast_radius[0]
    assert "900.00 USD" in seen.blast_radius[0]


NO_CHANGE = [
    ("the key itself", block() | {"key": "sk-chat"}, "key"),
    ("a budget of nobody", {**budget(), "key": None}, "a key or that of a team"),
    ("a budget of both", budget(team="fraud"), "a key or that of a team"),
    ("an amount with another spelling", budget(after={"max_budget": "24.50", "duration": "1d"}), "max_budget"),
    ("an amount below nothing", budget(after={"max_budget": "-1", "duration": "1d"}), "max_budget"),
    ("a duration in words", budget(after={"max_budget": "1", "duration": "daily"}), "duration"),
    ("a duration of no amount", budget(after={"max_budget": None, "duration": "1d"}), "without an amount"),
    ("the same as before", budget(before=SAME, after=SAME), "same as before"),
]


@pytest.mark.parametrize(("what", "change", "says"), NO_CHANGE, ids=[row[0] for row in NO_CHANGE])
def test_no_change_of_a_gateway_is(what: str, change: dict[str, Any], says: str) -> None:
    with pytest.raises(GateError) as caught:
        parse_change(change)
    assert says in caught.value.why


MODES = (FaultMode.PROXY, FaultMode.ERROR, FaultMode.THROTTLE, FaultMode.NONSENSE, FaultMode.TRUNCATED)


@pytest.mark.parametrize("mode", [*MODES, FaultMode.DROP_RESPONSE])
@pytest.mark.parametrize(("path", "change"), [("/key/info", block()), ("/team/info", team_budget())])
def test_a_look_without_an_answer_decides_nothing(
    eyes: Any, served: ServedAdmin, path: str, change: dict[str, Any], mode: FaultMode
) -> None:
    served.faults.add(Fault(action=path, mode=mode))
    with pytest.raises(CannotLook):
        eyes.look(parse_change(change))


ODDITIES: list[tuple[str, dict[str, Any]]] = [
    ("a budget in words", {"max_budget": "a lot"}),
    ("a budget without end", {"max_budget": float("inf")}),
    ("spend beyond all numbers", {"spend": 1e30}),
    ("spend that is no number", {"spend": float("nan")}),
]


@pytest.mark.parametrize(("what", "row"), ODDITIES, ids=[row[0] for row in ODDITIES])
def test_numbers_that_are_none_decide_nothing(eyes: Any, served: ServedAdmin, what: str, row: dict[str, Any]) -> None:
    """Whoever makes a key chooses them: looking again for ever would leave the proposal without an answer."""
    served.provider.keys[hash_of(CHAT)].update(row)  # type: ignore[attr-defined]
    with pytest.raises(CannotLook):
        eyes.look(parse_change(budget(CHAT)))


def test_a_budget_that_is_meant_as_none_is_left_alone(eyes: Any, served: ServedAdmin) -> None:
    served.provider.keys[hash_of(CHAT)].update(max_budget=1e30)  # type: ignore[attr-defined]
    seen = eyes.look(parse_change(budget(CHAT)))
    assert isinstance(seen, NotSealable)
    assert (seen.code, seen.fields["max_budget"]) == ("odd_budget", "1" + "0" * 30)


def test_an_answer_about_another_key_is_none(eyes: Any, served: ServedAdmin) -> None:
    rows = served.provider.keys  # type: ignore[attr-defined]
    answer = served.provider.answer
    rows[hash_of(CHAT)]["metadata"] = {}

    def swapped(asked: Any) -> Any:
        told = answer(asked)
        return told._replace(body={**told.body, "key": "somebody"})

    served.provider.answer = swapped  # type: ignore[method-assign]
    with pytest.raises(CannotLook, match="another key"):
        eyes.look(parse_change(block()))


def test_without_a_gateway_in_the_settings_there_are_neither_eyes_nor_hands(served: ServedAdmin) -> None:
    settings = settings_of(served)
    none = type(settings)(**{**settings.__dict__, "litellm": None})
    assert (gateway_eyes(none), gateway_hands(none)) == ({}, {})


@pytest.mark.parametrize("executor", ["rehearsal", "aws", "openai"])
def test_a_gateway_is_rehearsed_unless_it_is_named(served: ServedAdmin, executor: str) -> None:
    (hands,) = gateway_hands(settings_of(served, executor=executor)).values()
    assert hands.rehearsal


def no_database() -> Any:
    raise AssertionError("nothing is carried out here")


def test_a_worker_with_a_gateway_alone_needs_no_cloud(served: ServedAdmin) -> None:
    _, hands = cloud(settings_of(served), no_database, "w1")
    assert (hands.name, hands.of("litellm:BlockKey").rehearsal) == ("litellm", False)
    with pytest.raises(GateError, match="not carried out"):
        hands.of("ec2:StopInstances")


def test_a_worker_that_is_to_change_the_cloud_needs_its_credentials(served: ServedAdmin) -> None:
    with pytest.raises(Problem, match="no cloud credentials"):
        cloud(replace(settings_of(served), executors=frozenset({"aws"})), no_database, "w1")
