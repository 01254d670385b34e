"""OpenAI's own paths, fields and refusals for what Spendgate reads and changes of a project.

Its official client reads every answer, which a test holds. As there: a limit that does not stand is not found, lists
come in pages, a rate limit is one model's, and only what a request names of it is changed.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from sandbox.admin.serve import Asked, Told

TYPES = {401: "invalid_request_error", 404: "invalid_request_error", 429: "rate_limit_error"}
RATES = ("max_requests_per_1_minute", "max_tokens_per_1_minute")


def project_row(project: str, name: str, *, models: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    """A project with a rate limit for each of these models; `spend_limit` and `model_permissions` are none."""
    limits = {
        f"rl-{model}": {
            "object": "project.rate_limit", "id": f"rl-{model}", "model": model, "max_requests_per_1_minute": 500,
            "max_tokens_per_1_minute": 30_000, "batch_1_day_max_input_tokens": 90_000,
        }
        for model in models
    }  # fmt: skip
    row = {"object": "organization.project", "id": project, "name": name, "created_at": 1_700_000_000,
           "archived_at": None, "status": "active"}  # fmt: skip
    return {"project": row | more, "rate_limits": limits, "spend_limit": None, "model_permissions": None}


class OpenAIOrganisation:
    """An organisation with these projects; `admin` is its administrator's key."""

    def __init__(self, admin: str, projects: Iterable[Mapping[str, Any]], *, page: int = 2) -> None:
        self._admin, self._page = admin, page
        self.projects = {str(one["project"]["id"]): deepcopy(dict(one)) for one in projects}

    def action(self, asked: Asked) -> str | None:
        """The change that a request would make."""
        if asked.method == "GET":
            return None
        setting = (asked.path.split("/") + [""] * 6)[5]
        return {"spend_limit": "SetSpendLimit", "rate_limits": "SetRateLimit"}.get(setting, "SetModelPermissions")

    def keep(self) -> Any:
        """All projects as they stand."""
        return deepcopy(self.projects)

    def restore(self, kept: Any) -> None:
        """Puts projects back that were kept."""
        self.projects = deepcopy(kept)

    def error(self, status: int, said: str = "The server had an error.") -> dict[str, Any]:
        """OpenAI's form of an error."""
        return {"error": {"message": said, "type": TYPES.get(status, "server_error"), "param": None, "code": None}}

    def answer(self, asked: Asked) -> Told:
        """What the interface says, and what that changed."""
        if asked.headers.get("authorization") != f"Bearer {self._admin}":
            return Told(401, self.error(401, f"Incorrect API key provided: {asked.headers.get('authorization')}"))
        parts = asked.path.removeprefix("/v1").strip("/").split("/")
        project = self.projects.get(parts[2]) if parts[:2] == ["organization", "projects"] and len(parts) > 2 else None
        if project is None:
            return Told(404, self.error(404, "No such project."))
        if len(parts) == 3:
            return Told(200, dict(project["project"]))
        if parts[3] == "rate_limits":
            return self._rates(asked, project, parts[4:])
        if parts[3] in ("spend_limit", "model_permissions"):
            return self._setting(asked, project, parts[3])
        return Told(404, self.error(404, "Unknown path."))

    def _rates(self, asked: Asked, project: dict[str, Any], rest: list[str]) -> Told:
        limits = project["rate_limits"]
        if asked.method == "GET" and not rest:
            names = sorted(limits)
            begin = names.index(asked.params["after"]) + 1 if asked.params.get("after") in names else 0
            shown = names[begin : begin + min(int(asked.params.get("limit", "100")), self._page)]
            more = bool(shown) and shown[-1] != names[-1]
            body = {"object": "list", "data": [dict(limits[name]) for name in shown], "has_more": more,
                    "first_id": shown[0] if shown else "", "last_id": shown[-1] if shown else ""}  # fmt: skip
            return Told(200, body)
        row = limits.get(rest[0]) if rest else None
        if row is None or asked.method != "POST":
            return Told(404, self.error(404, "No such rate limit."))
        before = _rates_of(row)
        row.update({name: value for name, value in asked.body.items() if name in row})
        return Told(200, dict(row), ((row["id"], before, _rates_of(row)),))

    def _setting(self, asked: Asked, project: dict[str, Any], name: str) -> Told:
        before, named = project[name], f"{project['project']['id']} {name}"
        if asked.method == "POST":
            more = {"enforcement": {"status": "inactive"}} if name == "spend_limit" else {}
            project[name] = {"object": f"project.{name}", **asked.body, **more}
            return Told(200, dict(project[name]), ((named, _told(before), _told(project[name])),))
        if before is None:
            return Told(404, self.error(404, f"No {name} is set."))
        if asked.method == "GET":
            return Told(200, dict(before))
        project[name] = None
        return Told(200, {"object": f"project.{name}.deleted", "deleted": True}, ((named, _told(before), "none"),))


def _rates_of(row: Mapping[str, Any]) -> str:
    return " ".join(str(row[name]) for name in RATES)


def _told(setting: Mapping[str, Any] | None) -> str:
    if setting is None:
        return "none"
    if "threshold_amount" in setting:
        return str(setting["threshold_amount"])
    return f"{setting['mode']} {' '.join(setting['model_ids'])}"
