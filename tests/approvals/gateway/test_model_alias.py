"""Aliases of LiteLLM's teams and keys: what is refused and why, and that nobody else's alias is ever lost."""

import json
from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.changes.reversibility import class_of
from approvals.claim import Refusal, claim
from approvals.errors import GateError
from approvals.execute import execute
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.reconcile import reconcile
from approvals.sealed import decode
from approvals.states import State
from approvals.store import effects_of
from approvals.undo import inverse_change
from sandbox.admin.serve import ServedAdmin
from sandbox.aws.faults import Fault, FaultMode
from sandbox.litellm.proxy import hash_of
from tests.approvals.gate_stubs import SAM
from tests.approvals.gateway.proxy import (
    BOT,
    CHEAP,
    FREE,
    LISTED,
    SPENT,
    claimed,
    first_alias,
    key_alias,
    team_alias,
)

NONE: dict[str, Any] = {"model": None}
LOOKS: list[tuple[str, dict[str, Any], str | None]] = [
    ("a team that has another alias", team_alias(), None),
    ("a team that has none", first_alias(), None),
    ("another target of a key's alias", key_alias(), None),
    ("a key that may use what its team may", key_alias(FREE, model="gpt-4.1"), None),
    ("no alias any more", team_alias(model="kyc", after=NONE), "not_allowed"),
    ("no alias any more of a model that is served", key_alias(after=NONE), None),
    ("a target that the team may not use", team_alias(after={"model": "gpt-5-nano"}), "not_allowed"),
    ("a target that the key may not use", key_alias(after={"model": "gpt-5-nano"}), "not_allowed"),
    ("a name that nobody calls there", team_alias(model="gpt-4o"), "not_called"),
    ("a team that may use everything: who serves the target?", team_alias("open"), "no_list"),
    ("a key without a list, in no team", key_alias(SPENT), "no_list"),
    ("the alias that stands there", team_alias(model="kyc", after={"model": "gpt-5"}), "same_already"),
    ("no alias where there is none", team_alias(after=NONE), "same_already"),
    ("a key's alias of what its team sends elsewhere already",
     key_alias(model="kyc", after={"model": "gpt-4.1"}), "overruled"),
    ("another target before than the proposal says", team_alias(before={"model": "gpt-5"}, others={"kyc": "gpt-5"}),
     "wrong_state"),
    ("other aliases than the proposal says", team_alias(before=NONE, others={}), "wrong_state"),
    ("aliases that could not be set again as they are", team_alias("odd"), "odd_aliases"),
    ("a name that stands for itself already", team_alias("itself"), "odd_aliases"),
    ("a model that is called none", team_alias("nothing"), "odd_aliases"),
    ("a team that the gateway does not know", team_alias("nobody"), "not_found"),
    ("a key that the gateway does not know", key_alias("sk-none"), "not_found"),
    ("a team of another gateway", team_alias(account="other"), "other_account"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "code"), LOOKS, ids=[row[0] for row in LOOKS])
def test_a_look_at(eyes: Any, served: ServedAdmin, what: str, change: dict[str, Any], code: str | None) -> None:
    seen = eyes.look(parse_change(change))
    assert served.marks == []
    if isinstance(seen, Snapshot):
        assert (seen.environment, seen.team) == ("development", "risk models")
        assert "Risk Models" not in json.dumps(seen.fields)
    assert (seen.code if isinstance(seen, NotSealable) else None) == code


NO_CHANGE = [
    ("an alias of nobody", team_alias() | {"team": None}, "a key or that of a team"),
    ("an alias of both", team_alias(key="0a" * 32), "a key or that of a team"),
    ("an alias of itself", team_alias(after={"model": "gpt-4.1"}), "needs no alias"),
    ("an alias that is one of the others, too", team_alias(before=NONE, others={"gpt-4.1": "gpt-5"}), "none of the"),
    ("what stood there, without the others", team_alias(before=NONE), "together"),
    ("the same as before", team_alias(before={"model": "gpt-4.1-mini"}, others={}), "same as before"),
    ("a model that is called as no model is told", team_alias(after={"model": "none"}), "not called"),
    ("a name with a line in it", team_alias(after={"model": "gpt\n4"}), "model"),
]


@pytest.mark.parametrize(("what", "change", "says"), NO_CHANGE, ids=[row[0] for row in NO_CHANGE])
def test_no_alias_is(what: str, change: dict[str, Any], says: str) -> None:
    with pytest.raises(GateError) as caught:
        parse_change(change)
    assert says in caught.value.why


def test_what_answers_now_and_all_others_are_read_sealed_and_voted_on(proxy: Any) -> None:
    asked = key_alias()
    assert class_of(parse_change(asked)) == "irreversible"
    row = proxy.pending(change=asked, evidence=CHEAP)
    sealed = decode(row.sealed, row.digest)
    told = json.loads(row.change)
    assert (told["before"], told["others"]) == ({"model": "gpt-4.1"}, {"fast": "gpt-4.1-mini"})
    assert class_of(sealed.change) == "reversible"
    assert sealed.title.startswith("Let gpt-4.1-mini answer for gpt-5 of key ")
    assert "(now: gpt-4.1)" in sealed.title
    (step,) = sealed.steps
    assert step.request.parameters["aliases"] == {"fast": "gpt-4.1-mini", "gpt-5": "gpt-4.1-mini"}
    assert step.inverse is not None
    assert step.inverse.parameters["aliases"] == {"fast": "gpt-4.1-mini", "gpt-5": "gpt-4.1"}


def of_team(served: ServedAdmin, name: str = "fraud") -> dict[str, Any]:
    row: dict[str, Any] = served.provider.teams[name]  # type: ignore[attr-defined]
    return row


def another_alias(served: ServedAdmin) -> None:
    of_team(served)["litellm_model_table"]["model_aliases"]["claims"] = "gpt-4.1"


def gone_alias(served: ServedAdmin) -> None:
    of_team(served)["litellm_model_table"]["model_aliases"].pop("kyc")


def the_same_alias(served: ServedAdmin) -> None:
    of_team(served)["litellm_model_table"]["model_aliases"]["gpt-4.1"] = "gpt-5"


def fewer_models(served: ServedAdmin) -> None:
    of_team(served)["models"] = [*LISTED, "o3"]


MEDDLE = [
    ("somebody set another alias meanwhile", another_alias, "other_aliases"),
    ("somebody took another alias away", gone_alias, "other_aliases"),
    ("somebody set this very alias", the_same_alias, "model_alias: none, now gpt-5"),
    ("the list of models is another one", fewer_models, "models"),
]


@pytest.mark.parametrize(("what", "meddle", "says"), MEDDLE, ids=[row[0] for row in MEDDLE])
def test_what_changed_after_the_votes_is_not_carried_out(
    proxy: Any, served: ServedAdmin, what: str, meddle: Any, says: str
) -> None:
    voted = proxy.approved(SAM, change=team_alias(), evidence=CHEAP)
    meddle(served)
    got = claim(proxy.begin, proposal_id=voted.id, worker="w1", inspector=proxy.inspector)
    assert isinstance(got, Refusal)
    assert proxy.state(voted) == State.STALE
    assert says in str(proxy.row(voted.id).reason)
    assert served.marks == []


def test_what_the_team_of_a_key_changes_is_drift_of_the_keys_alias(proxy: Any, served: ServedAdmin) -> None:
    voted = proxy.approved(SAM, change=key_alias(), evidence=CHEAP)
    of_team(served)["litellm_model_table"]["model_aliases"]["gpt-5"] = "gpt-4.1"
    assert isinstance(claim(proxy.begin, proposal_id=voted.id, worker="w1", inspector=proxy.inspector), Refusal)
    assert "team_alias: none, now gpt-4.1" in str(proxy.row(voted.id).reason)


def test_the_way_back_is_refused_where_it_would_lose_somebodys_alias(proxy: Any, served: ServedAdmin) -> None:
    got = claimed(proxy, team_alias())
    assert execute(proxy.begin, claim=got, executor=proxy.executor) == State.SUCCEEDED
    assert reconcile(proxy.begin, proposal_id=got.proposal_id, inspector=proxy.inspector) == State.VERIFIED
    another_alias(served)
    row = proxy.row(got.proposal_id)
    with proxy.reading() as (session, _):
        back = inverse_change(decode(row.sealed, row.digest), effects_of(session, got.proposal_id))
    seen = proxy.inspector.look(back)
    assert isinstance(seen, NotSealable)
    assert (seen.code, "other aliases" in seen.reason) == ("wrong_state", True)
    assert of_team(served)["litellm_model_table"]["model_aliases"]["claims"] == "gpt-4.1"


@pytest.mark.parametrize("mode", [FaultMode.PROXY, FaultMode.ERROR, FaultMode.NONSENSE, FaultMode.DROP_RESPONSE])
@pytest.mark.parametrize(("path", "change"), [("/team/info", team_alias()), ("/team/info", key_alias()),
                                              ("/key/info", key_alias())])  # fmt: skip
def test_a_look_without_an_answer_decides_nothing(
    eyes: Any, served: ServedAdmin, path: str, change: dict[str, Any], mode: FaultMode
) -> None:
    served.faults.add(Fault(action=path, mode=mode))
    with pytest.raises(CannotLook):
        eyes.look(parse_change(change))


ODDITIES: list[tuple[str, dict[str, Any]]] = [
    ("models that are no list", {"models": "gpt-4.1"}),
    ("a model that is no name", {"models": [1]}),
    ("a team that is not there", {"team_id": "nobody"}),
]


@pytest.mark.parametrize(("what", "row"), ODDITIES, ids=[row[0] for row in ODDITIES])
def test_what_is_of_another_shape_decides_nothing(
    eyes: Any, served: ServedAdmin, what: str, row: dict[str, Any]
) -> None:
    served.provider.keys[hash_of(BOT)].update(row)  # type: ignore[attr-defined]
    with pytest.raises(CannotLook):
        eyes.look(parse_change(key_alias()))


def test_of_a_team_that_is_gone_the_read_back_says_so(eyes: Any, served: ServedAdmin) -> None:
    served.provider.teams.pop("fraud")  # type: ignore[attr-defined]
    assert eyes.read_back(parse_change(team_alias())) == {"model_alias": "gone"}
