"""LiteLLM's own paths, fields and refusals (proxy 1.109), for what Spendgate reads and changes.

As there: a key is named by itself or by its SHA-256; its row is told without the hash by `/key/info` and with it by
`/key/block`; a field that an update leaves out stays, and one that is null is emptied, but for the duration of a key's
budget, which no update takes away (a team's is); a new duration sets when the budget begins anew; whoever is no
administrator is refused. Aliases are set only whole, an empty map empties them and null leaves them; a key's stand in
its row, a team's in a table of their own that its row includes, and nobody asks whether a target is served.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from hashlib import sha256
from typing import Any

from sandbox.admin.serve import Asked, Told

ACTIONS = {
    "/key/block": "BlockKey", "/key/unblock": "UnblockKey", "/key/update": "UpdateKey", "/team/update": "UpdateTeam",
}  # fmt: skip
OF_ALIASES = {"/key/update": ("aliases", "UpdateKeyAliases"), "/team/update": ("model_aliases", "UpdateTeamAliases")}
SETTABLE = ("max_budget", "budget_duration")
Moved = tuple[tuple[str, str, str], ...]
"""What a change moved: (resource and field, before, after)"""
RESET = "2026-12-01T00:00:00Z"
TYPES = {400: "bad_request_error", 401: "auth_error", 404: "not_found_error", 429: "throttling_error"}


def hash_of(key: str) -> str:
    """How LiteLLM stores a key."""
    return sha256(key.encode()).hexdigest() if key.startswith("sk-") else key


def key_row(key: str, **more: Any) -> dict[str, Any]:
    """A row of LiteLLM_VerificationToken as it is after `/key/generate`."""
    return {
        "token": hash_of(key), "key_name": f"sk-...{key[-4:]}", "key_alias": None, "spend": 0.0, "expires": None,
        "models": [], "aliases": {}, "config": {}, "user_id": None, "team_id": None, "metadata": {}, "blocked": None,
        "tpm_limit": None, "rpm_limit": None, "max_budget": None, "budget_duration": None, "budget_reset_at": None,
        "budget_id": None, "last_active": None, **more,
    }  # fmt: skip


def team_row(team: str, **more: Any) -> dict[str, Any]:
    """A row of LiteLLM_TeamTable as it is after `/team/new`."""
    return {
        "team_id": team, "team_alias": None, "organization_id": None, "spend": 0.0, "models": [], "metadata": {},
        "blocked": False, "tpm_limit": None, "rpm_limit": None, "max_budget": None, "budget_duration": None,
        "budget_reset_at": None, "model_id": None, "litellm_model_table": None, **more,
    }  # fmt: skip


def model_table(number: int, aliases: Mapping[str, str]) -> dict[str, Any]:
    """A row of LiteLLM_ModelTable, in which a team's aliases stand."""
    return {"id": number, "model_aliases": dict(aliases), "created_by": "admin", "updated_by": "admin", "team": None}


class LiteLLMProxy:
    """A proxy with these keys and teams; `master` is the administrator's key."""

    def __init__(self, master: str, keys: Iterable[Mapping[str, Any]], teams: Iterable[Mapping[str, Any]] = ()) -> None:
        self._master = master
        self.keys = {str(row["token"]): deepcopy(dict(row)) for row in keys}
        self.teams = {str(row["team_id"]): deepcopy(dict(row)) for row in teams}

    def action(self, asked: Asked) -> str | None:
        """The change that a request would make."""
        field, action = OF_ALIASES.get(asked.path, ("", ""))
        return action if field in asked.body else ACTIONS.get(asked.path)

    def keep(self) -> Any:
        """All rows as they stand."""
        return deepcopy((self.keys, self.teams))

    def restore(self, kept: Any) -> None:
        """Puts rows back that were kept."""
        self.keys, self.teams = deepcopy(kept)

    def error(self, status: int, said: str = "An error of the proxy.") -> dict[str, Any]:
        """LiteLLM's form of an error; like the proxy itself it repeats what it was told."""
        kind = TYPES.get(status, "internal_server_error")
        return {"error": {"message": said, "type": kind, "param": None, "code": str(status)}}

    def answer(self, asked: Asked) -> Told:
        """What the proxy says, and what that changed."""
        given = asked.headers.get("authorization", "")
        if given != f"Bearer {self._master}":
            return Told(401, self.error(401, f"Authentication Error. Received API Key = {given}"))
        if asked.path == "/key/info":
            return self._key_info(asked)
        if asked.path == "/team/info":
            return self._team_info(asked)
        if asked.path not in ACTIONS or asked.method != "POST":
            return Told(404, {"detail": "Not Found"})
        if asked.path == "/team/update":
            return self._update_team(asked)
        if not isinstance(asked.body.get("key"), str):
            return Told(422, {"detail": [{"type": "missing", "loc": ["body", "key"], "msg": "Field required"}]})
        row = self.keys.get(hash_of(asked.body["key"]))
        if row is None:
            return Told(404, self.error(404, "Key not found."))
        if asked.path == "/key/update":
            sent = {name: value for name, value in asked.body.items() if name != "budget_duration" or value}
            moved = _set(row, sent, row["token"])
            if asked.body.get("aliases") is not None:
                moved += ((f"{row['token']} aliases", _map(row["aliases"]), _map(asked.body["aliases"])),)
                row["aliases"] = dict(asked.body["aliases"])
            told = {"key": asked.body["key"], **row}
            return Told(200, told, moved)
        before, row["blocked"] = row["blocked"], asked.path == "/key/block"
        return Told(200, dict(row), ((f"{row['token']} blocked", str(bool(before)), str(row["blocked"])),))

    def _key_info(self, asked: Asked) -> Told:
        row = self.keys.get(hash_of(asked.params.get("key", "")))
        if row is None:
            return Told(404, self.error(404, "Key not found in database"))
        status = "revoked" if row["blocked"] else "active"
        info = {name: value for name, value in row.items() if name != "token"} | {"status": row.get("status", status)}
        return Told(200, {"key": asked.params["key"], "info": info})

    def _team_info(self, asked: Asked) -> Told:
        row = self.teams.get(asked.params.get("team_id", ""))
        if row is None:
            return Told(404, self.error(404, "Team not found"))
        return Told(200, {"team_id": row["team_id"], "team_info": dict(row), "keys": [], "team_memberships": []})

    def _update_team(self, asked: Asked) -> Told:
        row = self.teams.get(str(asked.body.get("team_id")))
        if row is None:
            return Told(404, self.error(404, f"Team not found, passed team_id={asked.body.get('team_id')}"))
        moved = _set(row, asked.body, row["team_id"]) + self._upsert(row, asked.body.get("model_aliases"))
        return Told(200, {"team_id": row["team_id"], "data": dict(row)}, moved)

    def _upsert(self, row: dict[str, Any], aliases: Any) -> Moved:
        """A team's table of aliases as it is after an update: made where there was none, never taken away."""
        if aliases is None:
            return ()
        table = row["litellm_model_table"]
        before = _map(table["model_aliases"]) if table else "none"
        number = row["model_id"] or 1 + max((one["model_id"] or 0 for one in self.teams.values()), default=0)
        row.update(model_id=number, litellm_model_table=model_table(number, aliases))
        return ((f"{row['team_id']} aliases", before, _map(aliases)),)


def _map(aliases: Mapping[str, str]) -> str:
    return ", ".join(f"{name} > {model}" for name, model in sorted(aliases.items())) or "none"


def _set(row: dict[str, Any], given: Mapping[str, Any], named: str) -> Moved:
    if not set(SETTABLE) & set(given):
        return ()
    before = f"{row['max_budget']} {row['budget_duration']}"
    row.update({name: given[name] for name in SETTABLE if name in given})
    if "budget_duration" in given:
        row["budget_reset_at"] = RESET if given["budget_duration"] else None
    return ((f"{named} budget", before, f"{row['max_budget']} {row['budget_duration']}"),)
