"""What the worker sees of OpenAI's projects, and that the sandbox speaks as OpenAI's own client reads."""

from typing import Any

import openai
import pytest

from approvals.changes.change import parse_change
from approvals.claim import Refusal, claim
from approvals.errors import GateError
from approvals.inspectors.port import CannotLook, NotSealable
from approvals.states import State
from sandbox.admin.serve import ServedAdmin
from sandbox.aws.faults import Fault, FaultMode
from tests.approvals.gate_stubs import SAM
from tests.approvals.gateway.organisation import ADMIN, CHAT, OLD, models, rate_limit, spend_limit
from tests.approvals.gateway.proxy import CHEAP

LOOKS: list[tuple[str, dict[str, Any], str | None]] = [
    ("a limit for a project that has none", spend_limit(), None),
    ("no limit for one that has none", spend_limit(after={"cents": None}), "same_already"),
    ("another limit before than the proposal says", spend_limit(before={"cents": 5}), "wrong_state"),
    ("a project that is archived", spend_limit(OLD), "archived"),
    ("a project that is not there", spend_limit("proj_none"), "not_found"),
    ("a project of another organisation", spend_limit(account="other"), "other_account"),
    ("a rate limit on the second page of the list", rate_limit(), None),
    ("a rate limit of a model that the project does not have", rate_limit(rate_limit="rl-o1"), "not_found"),
    ("the rates that it has", rate_limit(after={"requests": 500, "tokens": 30_000}), "same_already"),
    ("models for a project that may use all", models(), None),
    ("all models for one that may use all", models(after={"mode": None, "models": []}), "same_already"),
]


@pytest.mark.parametrize(("what", "change", "code"), LOOKS, ids=[row[0] for row in LOOKS])
def test_a_look_at(
    eyes: Any, servers: dict[str, ServedAdmin], what: str, change: dict[str, Any], code: str | None
) -> None:
    seen = eyes.look(parse_change(change))
    assert servers["openai"].marks == []
    assert (seen.code if isinstance(seen, NotSealable) else None) == code


STANDING: list[tuple[str, dict[str, Any], str | None]] = [
    ("a lower limit than the one that stands", spend_limit(after={"cents": 99_99}), None),
    ("a higher one: it would let the project spend more", spend_limit(after={"cents": 100_01}), "looser"),
    ("none where one stands", spend_limit(after={"cents": None}), "looser"),
    ("a higher one that an undo sets again", spend_limit(before={"cents": 100_00}, after={"cents": 200_00}), None),
    ("none, as it was before", spend_limit(before={"cents": 100_00}, after={"cents": None}), None),
]


@pytest.mark.parametrize(("what", "change", "code"), STANDING, ids=[row[0] for row in STANDING])
def test_where_a_limit_stands_a_look_at(
    eyes: Any, servers: dict[str, ServedAdmin], what: str, change: dict[str, Any], code: str | None
) -> None:
    client_of(servers["openai"]).admin.organization.projects.spend_limit.update(
        CHAT, currency="USD", interval="month", threshold_amount=100_00
    )
    seen = eyes.look(parse_change(change))
    assert (seen.code if isinstance(seen, NotSealable) else None) == code


NO_CHANGE = [
    ("a limit of nothing", spend_limit(after={"cents": 0}), "cents"),
    ("a limit in dollars with cents", spend_limit(after={"cents": 10.5}), "cents"),
    ("models twice", models(after={"mode": "deny_list", "models": ["a", "a"]}), "each once"),
    ("models in another order", models(after={"mode": "deny_list", "models": ["b", "a"]}), "order"),
    ("a list without models: every request would be refused", models(after={"mode": "allow_list", "models": []}),
     "at least one"),
    ("a project by its name", spend_limit("KYC assistant"), "project"),
    ("a path in place of a rate limit", rate_limit(rate_limit="rl-x/../../archive"), "rate_limit"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "says"), NO_CHANGE, ids=[row[0] for row in NO_CHANGE])
def test_no_change_of_a_project_is(what: str, change: dict[str, Any], says: str) -> None:
    with pytest.raises(GateError) as caught:
        parse_change(change)
    assert says in caught.value.why


MODES = (FaultMode.PROXY, FaultMode.ERROR, FaultMode.THROTTLE, FaultMode.NONSENSE, FaultMode.DROP_RESPONSE)
READS = [
    (f"/v1/organization/projects/{CHAT}", spend_limit()),
    (f"/v1/organization/projects/{CHAT}/spend_limit", spend_limit()),
    (f"/v1/organization/projects/{CHAT}/rate_limits", rate_limit()),
    (f"/v1/organization/projects/{CHAT}/model_permissions", models()),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("path", "change"), READS, ids=[row[0].rpartition("/")[2] for row in READS])
def test_a_look_without_an_answer_decides_nothing(
    eyes: Any, servers: dict[str, ServedAdmin], path: str, change: dict[str, Any], mode: FaultMode
) -> None:
    servers["openai"].faults.add(Fault(action=path, mode=mode))
    with pytest.raises(CannotLook):
        eyes.look(parse_change(change))


def test_what_changed_after_the_votes_is_not_carried_out(proxy: Any, servers: dict[str, ServedAdmin]) -> None:
    voted = proxy.approved(SAM, change=spend_limit(), evidence=CHEAP)
    client_of(servers["openai"]).admin.organization.projects.spend_limit.update(
        CHAT, currency="USD", interval="month", threshold_amount=99_00
    )
    got = claim(proxy.begin, proposal_id=voted.id, worker="w1", inspector=proxy.inspector)
    assert isinstance(got, Refusal)
    assert proxy.state(voted) == State.STALE
    assert "spend_limit: none, now 9900" in str(proxy.row(voted.id).reason)


def client_of(served: ServedAdmin) -> openai.OpenAI:
    """OpenAI's own client, which refuses nothing and tells what is missing by its types."""
    return openai.OpenAI(api_key="none", admin_api_key=ADMIN, base_url=f"{served.address}/v1", max_retries=0)


def strict(answer: Any) -> Any:
    """The answer, if it has every field that OpenAI publishes, each of its type, and none besides."""
    made = type(answer).model_validate(answer.to_dict(), strict=True)
    assert not made.model_extra
    return answer


def test_the_sandbox_speaks_as_openai_publishes(servers: dict[str, ServedAdmin]) -> None:
    projects = client_of(servers["openai"]).admin.organization.projects
    assert strict(projects.retrieve(CHAT)).status == "active"
    with pytest.raises(openai.NotFoundError):
        projects.spend_limit.retrieve(CHAT)
    limit = projects.spend_limit.update(CHAT, currency="USD", interval="month", threshold_amount=5)
    assert strict(limit).threshold_amount == strict(projects.spend_limit.retrieve(CHAT)).threshold_amount == 5
    assert strict(projects.spend_limit.delete(CHAT)).deleted
    rates = list(projects.rate_limits.list_rate_limits(CHAT))
    assert [strict(one).model for one in rates] == ["gpt-4.1", "gpt-5", "gpt-5-mini"]
    changed = projects.rate_limits.update_rate_limit("rl-gpt-5", project_id=CHAT, max_requests_per_1_minute=7)
    assert (strict(changed).max_requests_per_1_minute, changed.max_tokens_per_1_minute) == (7, 30_000)
    given = projects.model_permissions.update(CHAT, mode="deny_list", model_ids=["gpt-5"])
    assert strict(given).api_model_ids == ["gpt-5"]
    assert strict(projects.model_permissions.delete(CHAT)).deleted
