"""Changes of LiteLLM's proxy and OpenAI's projects by a real HTTP client: done, undone, refused, and answers lost."""

import json
import logging
from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.changes.reversibility import class_of
from approvals.claim import Refusal, claim
from approvals.execute import execute
from approvals.executors.port import Refused
from approvals.lease import LEASE
from approvals.reconcile import reconcile
from approvals.recover import recover
from approvals.resend import resend
from approvals.sealed import decode
from approvals.settling import SETTLE
from approvals.states import State
from approvals.store import effects_of
from approvals.undo import inverse_change
from sandbox.admin.serve import ServedAdmin
from sandbox.aws.faults import Fault, FaultMode
from sandbox.litellm.proxy import hash_of
from tests.approvals.gate_stubs import SAM
from tests.approvals.gateway.conftest import settings_of
from tests.approvals.gateway.organisation import OPENAI_EACH, OPENAI_IDS
from tests.approvals.gateway.proxy import CHAT, CHEAP, EACH, IDS, MASTER, Make, block, budget, claimed

OFTEN = ("block", "key budget", "first budget", "spend limit", "team alias")
each = pytest.mark.parametrize(
    ("make", "action", "moved", "back"),
    [
        pytest.param(*row, id=name, marks=() if name in OFTEN else pytest.mark.slow)
        for row, name in zip([*EACH, *OPENAI_EACH], [*IDS, *OPENAI_IDS], strict=True)
    ],
)


def read_back(gate: Any, proposal: str) -> State:
    return reconcile(gate.begin, proposal_id=proposal, inspector=gate.inspector)


@each
def test_it_is_done_once_read_back_and_undone_by_the_sealed_inverse(
    proxy: Any, served: ServedAdmin, make: Make, action: str, moved: Any, back: Any
) -> None:
    got = claimed(proxy, make())
    assert served.changes == []
    assert execute(proxy.begin, claim=got, executor=proxy.executor) == State.SUCCEEDED
    assert read_back(proxy, got.proposal_id) == State.VERIFIED
    assert served.changes == [moved]
    row = proxy.row(got.proposal_id)
    with proxy.reading() as (session, _):
        inverse = inverse_change(decode(row.sealed, row.digest), effects_of(session, got.proposal_id))
    assert inverse is not None
    again = claimed(proxy, inverse.model_dump(mode="json"))
    assert execute(proxy.begin, claim=again, executor=proxy.executor) == State.SUCCEEDED
    assert read_back(proxy, again.proposal_id) == State.VERIFIED
    assert served.changes == [moved, back]


def test_what_it_may_spend_now_is_read_sealed_and_voted_on(proxy: Any) -> None:
    asked = budget()
    assert class_of(parse_change(asked)) == "irreversible"
    row = proxy.pending(change=asked, evidence=CHEAP)
    sealed = decode(row.sealed, row.digest)
    assert json.loads(row.change)["before"] == {"max_budget": "500", "duration": "30d"}
    assert class_of(sealed.change) == "reversible"
    assert "24.5 USD every 1d (now: 500 USD every 30d)" in sealed.title


TAKEN = [FaultMode.NONSENSE, FaultMode.TRUNCATED, FaultMode.DROP_RESPONSE]
LOST = [FaultMode.DROP_REQUEST, FaultMode.PROXY, FaultMode.ERROR]
ENDS = [(mode, State.VERIFIED, 1) for mode in TAKEN] + [(mode, State.FAILED, 0) for mode in LOST]
QUICK = (FaultMode.DROP_RESPONSE, FaultMode.DROP_REQUEST)
MODES = [pytest.param(*row, id=row[0].value, marks=() if row[0] in QUICK else pytest.mark.slow) for row in ENDS]


@pytest.mark.parametrize(("mode", "end", "times"), MODES)
@each
def test_an_answer_that_never_came_ends_in_the_right_state_and_is_sent_once(
    proxy: Any, served: ServedAdmin, make: Make, action: str, moved: Any, back: Any, mode: FaultMode, end: State,
    times: int,
) -> None:  # fmt: skip
    got = claimed(proxy, make())
    served.faults.add(Fault(action=action, mode=mode))
    assert execute(proxy.begin, claim=got, executor=proxy.executor) == State.UNKNOWN
    proxy.later(seconds=SETTLE.total_seconds())
    assert read_back(proxy, got.proposal_id) == end
    assert resend(proxy.begin, proposal_id=got.proposal_id, worker="w1", executor=proxy.executor) is None
    assert served.changes == [moved] * times
    assert len(served.marks) == 1


class KilledError(BaseException):
    """The process is gone."""


class Dies:
    """An executor whose process is killed once its request is out, or just before."""

    def __init__(self, hands: Any, *, sent: bool) -> None:
        self._hands, self._sent, self.name, self.rehearsal = hands, sent, "aws", False

    def send(self, request: Any, *, token: str) -> Any:
        if self._sent:
            self._hands.of(request.operation).send(request, token=token)
        raise KilledError


DEATHS = [
    pytest.param(True, State.VERIFIED, id="after"),
    pytest.param(False, State.FAILED, id="before", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("sent", "end"), DEATHS)
@each
def test_a_worker_that_died_between_intent_and_receipt_leaves_the_right_state_and_no_second_effect(
    proxy: Any, served: ServedAdmin, make: Make, action: str, moved: Any, back: Any, sent: bool, end: State
) -> None:
    got = claimed(proxy, make())
    with pytest.raises(KilledError):
        execute(proxy.begin, claim=got, executor=Dies(proxy.executor, sent=sent))
    proxy.later(seconds=LEASE.total_seconds() + SETTLE.total_seconds())
    assert recover(proxy.begin, worker="w2") == [got.proposal_id]
    assert read_back(proxy, got.proposal_id) == end
    assert resend(proxy.begin, proposal_id=got.proposal_id, worker="w2", executor=proxy.executor) is None
    assert served.changes == ([moved] if sent else [])


@each
def test_a_yes_without_a_deed_is_not_believed(
    proxy: Any, served: ServedAdmin, make: Make, action: str, moved: Any, back: Any
) -> None:
    got = claimed(proxy, make())
    served.faults.add(Fault(action=action, mode=FaultMode.HOLLOW))
    assert execute(proxy.begin, claim=got, executor=proxy.executor) == State.SUCCEEDED
    proxy.later(seconds=SETTLE.total_seconds())
    assert read_back(proxy, got.proposal_id) == State.DIVERGED
    assert served.changes == []


@pytest.mark.parametrize(
    ("mode", "told", "open_"),
    [
        pytest.param(FaultMode.SLOW, State.SUCCEEDED, State.SUCCEEDED, id="seen late"),
        pytest.param(FaultMode.LATE, State.UNKNOWN, State.RECONCILING, id="done late", marks=pytest.mark.slow),
    ],
)
@each
def test_an_effect_that_shows_late_is_found_within_the_settle_time(
    proxy: Any, served: ServedAdmin, make: Make, action: str, moved: Any, back: Any, mode: FaultMode, told: State,
    open_: State,
) -> None:  # fmt: skip
    got = claimed(proxy, make())
    served.faults.add(Fault(action=action, mode=mode))
    assert execute(proxy.begin, claim=got, executor=proxy.executor) == told
    proxy.later(minutes=9)
    assert read_back(proxy, got.proposal_id) == open_
    served.settle()
    assert read_back(proxy, got.proposal_id) == State.VERIFIED
    assert served.changes == [moved]


@each
def test_one_that_is_throttled_is_turned_away_and_not_sent_again(
    proxy: Any, served: ServedAdmin, make: Make, action: str, moved: Any, back: Any
) -> None:
    got = claimed(proxy, make())
    served.faults.add(Fault(action=action, mode=FaultMode.THROTTLE))
    assert execute(proxy.begin, claim=got, executor=proxy.executor) == State.FAILED
    assert served.changes == []
    assert "HTTP 429" in str(proxy.row(got.proposal_id).reason)


def test_the_key_stands_in_no_row_card_or_log_whatever_the_proxy_says(
    proxy: Any, served: ServedAdmin, caplog: pytest.LogCaptureFixture
) -> None:
    """LiteLLM repeats the key that it refuses."""
    caplog.set_level(logging.DEBUG)
    got = claimed(proxy, block())
    served.provider._master = "sk-another"  # type: ignore[attr-defined]
    assert execute(proxy.begin, claim=got, executor=proxy.executor) == State.FAILED
    assert "the key that Spendgate was given may not do this" in str(proxy.row(got.proposal_id).reason)
    assert any(asked.headers["authorization"] == f"Bearer {MASTER}" for asked in served.seen)
    assert MASTER not in caplog.text
    assert MASTER not in repr(settings_of(served))
    assert all(MASTER.encode() not in path.read_bytes() for path in proxy.folder.rglob("*") if path.is_file())


def test_each_request_says_whose_it_is(proxy: Any, served: ServedAdmin) -> None:
    got = claimed(proxy, block())
    execute(proxy.begin, claim=got, executor=proxy.executor)
    with proxy.reading() as (session, _):
        (effect,) = effects_of(session, got.proposal_id)
    sent = next(asked for asked in served.seen if asked.path == "/key/block")
    assert sent.headers["litellm-changed-by"] == sent.headers["user-agent"] == f"spendgate/{effect.token}"
    assert sent.body == {"key": hash_of(CHAT)}


def test_another_gateways_change_is_not_sent_to_this_one(proxy: Any, served: ServedAdmin) -> None:
    (step,) = parse_change(block(account="other")).steps()
    with pytest.raises(Refused, match="other_account"):
        proxy.executor.of("litellm:BlockKey").send(step.request, token="t")
    assert served.marks == []


MEDDLE = [
    (block, {"blocked": True}, "blocked: no, now yes"),
    (block, {"team_id": "payments"}, "team: fraud, now payments"),
    (budget, {"max_budget": 700.0}, "max_budget: 500, now 700"),
    (budget, {"budget_duration": "7d"}, "budget_duration: 30d, now 7d"),
]


@pytest.mark.parametrize(("make", "row", "says"), MEDDLE, ids=[row[2] for row in MEDDLE])
def test_what_changed_after_the_votes_is_not_carried_out(
    proxy: Any, served: ServedAdmin, make: Make, row: dict[str, Any], says: str
) -> None:
    change = make()
    voted = proxy.approved(SAM, change=change, evidence=CHEAP)
    served.provider.keys[change["key"]].update(row)  # type: ignore[attr-defined]
    got = claim(proxy.begin, proposal_id=voted.id, worker="w1", inspector=proxy.inspector)
    assert isinstance(got, Refusal)
    assert proxy.state(voted) == State.STALE
    assert says in str(proxy.row(voted.id).reason)
    assert served.marks == []


def test_spending_on_is_no_drift(proxy: Any, served: ServedAdmin) -> None:
    voted = proxy.approved(SAM, change=budget(), evidence=CHEAP)
    served.provider.keys[budget()["key"]].update(spend=11.0)  # type: ignore[attr-defined]
    assert not isinstance(claim(proxy.begin, proposal_id=voted.id, worker="w1", inspector=proxy.inspector), Refusal)
