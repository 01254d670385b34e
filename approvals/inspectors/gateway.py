"""Looks at one key or team of LiteLLM's proxy before it is blocked, let in, or given a budget. There is no dry run.

What a key has spent changes all the time and is no precondition. It is looked at all the same: a budget below it would
refuse every request at once.

The proxy has no way to take the duration of a key's budget away, of a team's it has. One that is left over where there
is no amount limits nothing; beside an amount it would be another budget than the one that was voted on, or another one
than stood there before.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
from pydantic import ValidationError

from approvals.changes.gateway import NOTHING, Budget, SetGatewayBudget
from approvals.inspectors.admin import part, read
from approvals.inspectors.aws import environment_of, fingerprints, team_of
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from audit.canonical import sha256

Row = Mapping[str, Any]


class GatewayInspector:
    """`client` asks the proxy with a key that may read; `account` is what the settings call it, `own_key` the hash of
    that key, which is never blocked through itself."""

    def __init__(self, client: httpx.Client, *, account: str, own_key: str) -> None:
        self._client, self._account, self._own = client, account, own_key

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition; of a budget what it may spend now, too, since only that brings it back."""
        if change.account != self._account:
            return NotSealable(f"the worker's gateway is {self._account}, not {change.account}", "other_account")
        row = row_of(self._client, change)
        if row is None:
            return NotSealable(f"gateway {change.account} does not know {change.target}", "not_found")
        fields = _fields(change, row)
        refused = self._unfit(change, fields, row)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        tags = tags_of(row)
        before = _budget(row)
        resolved = change.model_copy(update={"before": before}) if isinstance(change, SetGatewayBudget) else None
        return Snapshot(
            fields,
            name=str(row.get("key_alias") or row.get("team_alias") or "") or None,
            environment=environment_of(tags),
            team=team_of(tags) or str(row.get("team_id") or "").lower() or None,
            blast_radius=(f"{change.resource}: {_felt(change, row)}",),
            resolved=resolved,
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"blocked": "gone"}` where the gateway knows no such key or team any more."""
        if change.account != self._account:
            raise CannotLook(f"the worker's gateway is {self._account}, not {change.account}")
        row = row_of(self._client, change)
        return {"blocked": "gone", "max_budget": "gone"} if row is None else _fields(change, row)

    def _unfit(self, change: Any, fields: dict[str, Any], row: Row) -> tuple[str, str] | None:
        """The first reason why it is not done: (code, sentence)."""
        if change.target == self._own:
            return "own_key", "this is the key with which Spendgate itself speaks to the gateway"
        if row.get("status") == "expired":
            return "expired", f"{change.target} has expired: nothing can be spent with it"
        for name, wanted in change.starts_from().items():
            if fields[name] != wanted:
                told = f"its {name.replace('_', ' ')} is {fields[name]}, and only with {wanted} can it be changed so"
                return "wrong_state", told
        return _unfit_budget(change, row) if isinstance(change, SetGatewayBudget) else None


def row_of(client: httpx.Client, change: Any) -> Row | None:
    """The key's or team's row; None for one that is not there, or of which only the archive knows."""
    if getattr(change, "team", None):
        return team_row(client, change.team)
    told = read(client, "/key/info", {"key": change.key})
    return None if told is None else _live(part(told, "info"), told.get("key"), change.key)


def team_row(client: httpx.Client, team: str) -> Row | None:
    """A team's row, its aliases among the rest; None for one that is not there."""
    told = read(client, "/team/info", {"team_id": team})
    return None if told is None else _live(part(told, "team_info"), told.get("team_id"), team)


def _live(row: Row, named: Any, asked: str) -> Row | None:
    if row.get("status") == "deleted" or row.get("deleted_at"):
        return None
    if named != asked:
        raise CannotLook("the answer is about another key or team")
    return row


def _unfit_budget(change: SetGatewayBudget, row: Row) -> tuple[str, str] | None:
    if row.get("budget_id"):
        return "shared_budget", f"{change.target} has a budget that others share; change that one in the gateway"
    before = _budget(row)
    if before is None:
        return "odd_budget", "the budget that it has now could not be set again exactly, so nothing would undo this"
    if before == change.after:
        return "same_already", f"{change.target} has {before.words()} already"
    if change.key and change.after.value is not None and change.after.duration is None and row.get("budget_duration"):
        told = f"the gateway cannot take away that the key's budget begins anew every {row['budget_duration']}"
        return "keeps_duration", f"{told}, so {change.after.words()} cannot be set"
    if change.key and before.value is not None and before.duration is None and change.after.duration is not None:
        told = f"a key's budget that once begins anew every {change.after.duration} always does in this gateway"
        return "odd_budget", f"{told}, so {before.words()} could not be set again"
    limit, spent = change.after.value, _spent(row)
    if limit is not None and change.after.duration is None and spent >= limit:
        told = f"it has spent {spent} USD already, so this budget would refuse it for good; block it instead"
        return "spent_already", told
    return None


def _felt(change: Any, row: Row) -> str:
    """What people will notice, in words."""
    spent = _spent(row)
    if not isinstance(change, SetGatewayBudget):
        word = "refused" if change.kind == "block_gateway_key" else "let in"
        return f"whatever uses it is {word} from then on; it has spent {spent} USD by the gateway's count"
    limit = change.after.value
    if limit is None:
        return "whatever uses it is never refused for what it costs"
    if spent >= limit:
        return (
            f"whatever uses it is refused at once until the next {change.after.duration} begins, since the gateway"
            f" counts {spent} USD for it already; then beyond {change.after.words()}"
        )
    return f"whatever uses it is refused beyond {change.after.words()}; the gateway counts {spent} USD so far"


def _fields(change: Any, row: Row) -> dict[str, Any]:
    """What must not change."""
    alias = row.get("key_alias") or row.get("team_alias") or ""
    limit = row.get("max_budget")
    return {
        "account": change.account,
        "resource": change.resource,
        "alias": sha256(str(alias).encode())[:16],
        "team": str(row.get("team_id") or NOTHING),
        "blocked": "yes" if row.get("blocked") else "no",
        "max_budget": NOTHING if limit is None else _text(limit),
        "budget_duration": NOTHING if limit is None else str(row.get("budget_duration") or NOTHING),
        "expires": str(row.get("expires") or "never"),
        "tags": fingerprints(tags_of(row)),
    }


def _budget(row: Row) -> Budget | None:
    """What it may spend now; None for a budget that no change of ours could set."""
    limit, duration = row.get("max_budget"), row.get("budget_duration")
    try:
        return Budget() if limit is None else Budget(max_budget=_text(limit), duration=duration or None)
    except ValidationError:
        return None


def _text(limit: Any) -> str:
    value = Decimal(str(limit))
    if not value.is_finite():
        raise CannotLook("the budget is no number")
    told = f"{value:f}"
    return told.rstrip("0").rstrip(".") if "." in told else told


def _spent(row: Row) -> Decimal:
    spent = Decimal(str(row.get("spend") or 0))
    if not spent.is_finite():
        raise CannotLook("what it has spent is no number")
    return spent.quantize(Decimal("0.01"))


def tags_of(row: Row) -> dict[str, str]:
    """Key and value of what people wrote of it: texts of its metadata, and tags such as "environment:production"."""
    metadata = row.get("metadata")
    told = metadata if isinstance(metadata, dict) else {}
    found = {str(name): value for name, value in told.items() if isinstance(value, str)}
    tags = told.get("tags")
    for tag in tags if isinstance(tags, list) else []:
        name, colon, value = str(tag).partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found
