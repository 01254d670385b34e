"""What is special about access keys: Spendgate's own one, and one that came into use while people voted."""

from datetime import UTC, datetime
from typing import Any

from moto.iam.models import AccessKeyLastUsed, iam_backends

from approvals.changes.change import parse_change
from approvals.claim import Refusal, claim
from approvals.inspectors.access_key import AccessKeyInspector
from approvals.inspectors.port import NotSealable
from approvals.states import State
from sandbox.aws.serve import ServedAws
from tests.approvals.savings.estate import ACCOUNT, KEYS, access_key, approved, clients_of, moves


def test_the_key_of_spendgate_itself_is_left_alone(aws: ServedAws) -> None:
    clients, change = clients_of(aws), access_key(KEYS[-4])
    clients(ACCOUNT, "us-east-1", "iam")._request_signer._credentials.access_key = change["key_id"]
    seen = AccessKeyInspector(lambda *place: clients_of(aws)(*place) if place[2] == "sts" else clients(*place)).look(
        parse_change(change)
    )
    assert isinstance(seen, NotSealable)
    assert seen.code == "own_key"


def test_a_key_that_was_used_since_the_votes_is_left_alone(cloud: Any, aws: ServedAws) -> None:
    change = access_key()
    row = approved(cloud, change)
    user = iam_backends[ACCOUNT]["aws"].users[change["user"]]
    user.access_keys[0].last_used = AccessKeyLastUsed(datetime(2026, 11, 20, 8, tzinfo=UTC), "s3", "eu-central-1")
    got = claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector)
    assert isinstance(got, Refusal)
    assert cloud.state(row) == State.STALE
    assert "last_used_at: never, now 2026-11-20T08:00:00Z" in str(cloud.row(row.id).reason)
    assert moves(aws, change["key_id"]) == []
