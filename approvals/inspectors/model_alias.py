"""Looks at the aliases of one key or team of LiteLLM's proxy before one of them is set. There is no dry run.

The proxy takes any name as a target, and then every request fails where it serves no such model, or this key may not
use it. So a target must stand by its name in the list of models that the key or team may use; a list that permits all
names none.
"""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import TypeAdapter, ValidationError

from approvals.changes.gateway import NOTHING
from approvals.changes.model_alias import Others, SetModelAlias, fingerprint
from approvals.inspectors.aws import environment_of, fingerprints, team_of
from approvals.inspectors.gateway import row_of, tags_of, team_row
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from audit.canonical import canonical, sha256

Row = Mapping[str, Any]
OF_TEAM = "all-team-models"
EVERYTHING = ("*", "all-proxy-models")
ODD = "odd"
_MAP: TypeAdapter[dict[str, str]] = TypeAdapter(Others)


class ModelAliasInspector:
    """`client` asks the proxy with a key that may read; `account` is what the settings call it."""

    def __init__(self, client: httpx.Client, *, account: str) -> None:
        self._client, self._account = client, account

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition, and all aliases as they stand, since they can only be set together."""
        if change.account != self._account:
            return NotSealable(f"the worker's gateway is {self._account}, not {change.account}", "other_account")
        row = row_of(self._client, change)
        if row is None:
            return NotSealable(f"gateway {change.account} does not know {change.target}", "not_found")
        team = self._team(change, row)
        fields, aliases = _fields(change, row, team), _aliases(row)
        refused = _unfit(change, fields, row, team)
        if refused is not None or aliases is None:
            code, told = refused or ("odd_aliases", _ODD)
            return NotSealable(told, code, fields)
        tags, others = tags_of(row), {name: model for name, model in aliases.items() if name != change.model}
        before = type(change.after)(model=aliases.get(change.model))
        return Snapshot(
            fields,
            name=str(row.get("key_alias") or row.get("team_alias") or "") or None,
            environment=environment_of(tags),
            team=team_of(tags) or str(row.get("team_id") or "").lower() or None,
            blast_radius=(f"{change.resource}: {_felt(change, len(others))}",),
            resolved=change.model_copy(update={"before": before, "others": others}),
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"model_alias": "gone"}` where the gateway knows no such key or team any more."""
        if change.account != self._account:
            raise CannotLook(f"the worker's gateway is {self._account}, not {change.account}")
        row = row_of(self._client, change)
        return {"model_alias": "gone"} if row is None else _fields(change, row, self._team(change, row))

    def _team(self, change: SetModelAlias, row: Row) -> Row | None:
        """The team that a key belongs to; None for a team's own alias, and for a key of no team."""
        named = row.get("team_id")
        if change.team or not named:
            return None
        found = team_row(self._client, str(named))
        if found is None:
            raise CannotLook("the gateway does not know the key's own team")
        return found


_ODD = "the aliases that it has now could not be set again exactly, so nothing would undo this"


def _unfit(change: SetModelAlias, fields: dict[str, Any], row: Row, team: Row | None) -> tuple[str, str] | None:
    """The first reason why it is not done: (code, sentence)."""
    aliases = _aliases(row)
    if aliases is None or aliases.get(change.model) in (change.model, NOTHING):
        return "odd_aliases", _ODD  # a name that stands for itself means no other, and "none" is told from no alias
    if aliases.get(change.model) == change.after.model:
        return "same_already", f"{change.after.words()} answers for {change.model} already"
    for name, wanted in change.starts_from().items():
        if fields[name] != wanted:
            told = f"its {name.replace('_', ' ')} is {fields[name]}, and only with {wanted} can it be changed so"
            return "wrong_state", told
    overruling = _aliases(team) if team is not None else {}
    if overruling is None or change.model in overruling:
        return "overruled", f"its team has an alias of {change.model}, which goes before the key's own"
    return _unlisted(change, _lists(row, team), aliases)


def _unlisted(change: SetModelAlias, lists: list[list[str]], aliases: dict[str, str]) -> tuple[str, str] | None:
    """Whether one of these models may not be used there, or nothing says that they may."""
    if not lists:
        told = "it may use every model, so nothing says that the gateway serves this one; list its models there first"
        return "no_list", told
    if change.model not in aliases and not all(change.model in one for one in lists):
        return "not_called", f"its list of models does not name {change.model}, so nothing calls that"
    answers = change.after.model or change.model
    if not all(answers in one for one in lists):
        return "not_allowed", f"its list of models does not name {answers}, so every request for it would be refused"
    return None


def _lists(row: Row, team: Row | None) -> list[list[str]]:
    """Each list of models that a request must pass and that names any: the key's own, and its team's."""
    told = [_models(one) for one in (row, team) if one is not None]
    return [one for one in told if one and not set(one) & {OF_TEAM, *EVERYTHING}]


def _models(row: Row) -> list[str]:
    models = row.get("models")
    if models is not None and not (isinstance(models, list) and all(isinstance(one, str) for one in models)):
        raise CannotLook("the models that it may use are no list of names")
    return models or []


def _aliases(row: Row) -> dict[str, str] | None:
    """All aliases of a key or a team; None for such as no change of ours could set."""
    table = row.get("litellm_model_table")
    told = table.get("model_aliases") if isinstance(table, dict) else row.get("aliases")
    try:
        return _MAP.validate_python(told or {}, strict=True)
    except ValidationError:
        return None


def _fields(change: SetModelAlias, row: Row, team: Row | None) -> dict[str, Any]:
    """What must not change."""
    aliases = _aliases(row)
    others = {name: model for name, model in (aliases or {}).items() if name != change.model}
    overruling = {} if team is None else _aliases(team)
    return {
        "account": change.account,
        "resource": change.resource,
        "named": sha256(str(row.get("key_alias") or row.get("team_alias") or "").encode())[:16],
        "team": str(row.get("team_id") or NOTHING),
        "model_alias": ODD if aliases is None else aliases.get(change.model, NOTHING),
        "other_aliases": ODD if aliases is None else fingerprint(others),
        "team_alias": ODD if overruling is None else overruling.get(change.model, NOTHING),
        "models": sha256(canonical(_lists(row, team)))[:16],
        "blocked": "yes" if row.get("blocked") else "no",
        "expires": str(row.get("expires") or "never"),
        "tags": fingerprints(tags_of(row)),
    }


def _felt(change: SetModelAlias, others: int) -> str:
    """What people will notice, in words."""
    told = f"whatever calls {change.model} there is answered by {change.after.words()} from then on"
    return f"{told}; its other aliases ({others}) stay as they are"
