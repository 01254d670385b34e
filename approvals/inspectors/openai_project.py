"""Looks at one setting of an OpenAI project before it is changed. There is no dry run.

A project without a limit and one that is not there are both answered with 404; so the project is asked for first.
"""

from typing import Any

import httpx
from pydantic import ValidationError

from approvals.changes.openai_project import Models, Rates, SetOpenAIModels, SetOpenAIRateLimit, SpendLimit
from approvals.inspectors.admin import read
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from audit.canonical import sha256

MOST_PAGES, PAGE = 20, 100
Setting = SpendLimit | Rates | Models


class OpenAIInspector:
    """`client` asks the organisation's administration interface; `account` is what the settings call it."""

    def __init__(self, client: httpx.Client, *, account: str) -> None:
        self._client, self._account = client, account

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition, and what stands there now, since only that can be set again."""
        if change.account != self._account:
            return NotSealable(f"the worker's organisation is {self._account}, not {change.account}", "other_account")
        project = self._project(change)
        if project is None:
            return NotSealable(f"organisation {change.account} has no project {change.project}", "not_found")
        before = self._setting(change)
        if before is None:
            return NotSealable(f"{change.resource} is not there", "not_found")
        fields = _fields(change, project, before)
        if project.get("status") != "active":
            return NotSealable(
                f"{change.project} is {project.get('status')}: nothing is spent in it", "archived", fields
            )
        if before == change.after:
            return NotSealable(f"{change.project} has {before.words()} already", "same_already", fields)
        if _looser(change, before):
            told = f"{change.project} has {before.words()}, which is stricter: nothing but an undo lets it spend more"
            return NotSealable(told, "looser", fields)
        for name, wanted in change.starts_from().items():
            if fields[name] != wanted:
                told = f"its {name.replace('_', ' ')} is {fields[name]}, and only with {wanted} can it be changed so"
                return NotSealable(told, "wrong_state", fields)
        return Snapshot(
            fields,
            name=str(project.get("name") or "") or None,
            blast_radius=(f"{change.resource}: {_felt(change)}",),
            resolved=change.model_copy(update={"before": before}),
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"status": "gone"}` where the project or the setting is not there any more."""
        if change.account != self._account:
            raise CannotLook(f"the worker's organisation is {self._account}, not {change.account}")
        project = self._project(change)
        setting = None if project is None else self._setting(change)
        return {"status": "gone"} if project is None or setting is None else _fields(change, project, setting)

    def _project(self, change: Any) -> dict[str, Any] | None:
        found = read(self._client, f"/organization/projects/{change.project}")
        if found is not None and found.get("id") != change.project:
            raise CannotLook("the answer is about another project")
        return found

    def _setting(self, change: Any) -> Setting | None:
        """What stands there now; None for a rate limit that the project does not have."""
        try:
            if isinstance(change, SetOpenAIRateLimit):
                return self._rates(change)
            path = f"/organization/projects/{change.project}/{change.called}"
            told = read(self._client, path)
            if isinstance(change, SetOpenAIModels):
                return Models() if told is None else Models(mode=told["mode"], models=_sorted(told["model_ids"]))
            if told is not None and (told["currency"], told["interval"]) != ("USD", "month"):
                raise CannotLook("the limit is in another currency or for another time")
            return SpendLimit() if told is None else SpendLimit(cents=told["threshold_amount"])
        except ValidationError as error:
            raise CannotLook("the setting is of another shape than the interface publishes") from error

    def _rates(self, change: SetOpenAIRateLimit) -> Rates | None:
        asked = {"limit": str(PAGE)}
        for _ in range(MOST_PAGES):
            told = read(self._client, f"/organization/projects/{change.project}/rate_limits", asked)
            if told is None:
                return None
            for one in told["data"]:
                if one["id"] == change.rate_limit:
                    return Rates(requests=one["max_requests_per_1_minute"], tokens=one["max_tokens_per_1_minute"])
            if not told.get("has_more"):
                return None
            asked["after"] = str(told["last_id"])
        raise CannotLook("the list of rate limits does not end")


def _looser(change: Any, before: Setting) -> bool:
    """Whether a project could spend more by it. Who asks knows no limit that stands there; only an undo names one."""
    if not isinstance(before, SpendLimit) or before.cents is None or change.before is not None:
        return False
    return change.after.cents is None or change.after.cents > before.cents


def _sorted(models: list[str]) -> tuple[str, ...]:
    return tuple(sorted(set(models)))


def _felt(change: Any) -> str:
    """What people will notice, in words."""
    if isinstance(change, SetOpenAIModels):
        return f"requests for any other model are refused: {change.after.words()}"
    if isinstance(change, SetOpenAIRateLimit):
        return f"requests beyond {change.after.words()} are refused"
    if change.after.cents is None:
        return "requests are never refused for what they cost"
    told = f"requests beyond {change.after.words()} are refused until the month ends"
    return f"{told}; at once, if the project has spent as much already"


def _fields(change: Any, project: dict[str, Any], setting: Setting) -> dict[str, Any]:
    """What must not change."""
    return {
        "account": change.account,
        "resource": change.resource,
        "project": sha256(str(project.get("name") or "").encode())[:16],
        "status": str(project.get("status")),
        **setting.fields(),
    }
