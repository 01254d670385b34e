"""Whose charge it is and what for: owner, team, project, use case, environment, model and workload, read from tags.

A column of the file wins over a tag, a tag over an allocation rule; without any the label stays empty, and no charge is
ever spread over teams that did not tag it. Tag keys are compared without case and punctuation ('Owner-Team' is
owner_team).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# First match wins. A business unit stands in for a team only where nothing nearer is tagged; what is stored of the
# allocation says so.
TAG_KEYS: Mapping[str, tuple[str, ...]] = {
    "x_owner": ("owner", "owneremail", "resourceowner"),
    "x_team": ("team", "teamname", "ownerteam", "owningteam", "squad", "businessunit"),
    "x_project": ("project", "projectname", "projectid"),
    "x_use_case": ("usecase", "aiusecase"),
    "x_environment": ("environment", "env", "stage"),
    "x_model": ("model", "modelid", "modelname"),
    "x_workload": ("workload", "workloadtype"),
    "x_token_class": ("tokenclass",),
}


@dataclass(frozen=True)
class Tagged:
    """The tags of a charge and the labels they carry; `fault` is set when the text is no set of tags."""

    tags: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    braces_missing: bool = False


def read_tags(text: str, tag_keys: Mapping[str, tuple[str, ...]] = TAG_KEYS) -> Tagged:
    """The tags that a FOCUS Tags value writes: a JSON object, or one whose braces an exporter left out.

    `tag_keys` are for each label the keys that carry it, as `plain_key` writes them.
    """
    parsed, braces_missing = _parse(text)
    if parsed is None:
        return Tagged(fault="is no JSON object")
    tags = {key: _flat(value) for key, value in parsed.items() if value is not None}
    keys = _carrying(tags, tag_keys)
    labels = {label: tags[key].strip() for label, key in keys.items()}
    return Tagged(tags, labels, keys, braces_missing=braces_missing)


def labels_of(tags: Mapping[str, str], tag_keys: Mapping[str, tuple[str, ...]] = TAG_KEYS) -> dict[str, str]:
    """The labels that these tags carry."""
    return {label: tags[key].strip() for label, key in _carrying(tags, tag_keys).items()}


def _carrying(tags: Mapping[str, str], tag_keys: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """For each label the key of the first tag that carries it."""
    keys: dict[str, str] = {}
    plain = {plain_key(key): key for key in reversed(list(tags))}
    for label, wanted in tag_keys.items():
        for candidate in wanted:
            key = plain.get(candidate)
            if key is not None and tags[key].strip():
                keys[label] = key
                break
    return keys


def _parse(text: str) -> tuple[dict[str, object] | None, bool]:
    for candidate, braces_missing in ((text, False), ("{" + text + "}", True)):
        try:
            parsed = json.loads(candidate, parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            continue
        if isinstance(parsed, dict) and _is_text(parsed):
            return parsed, braces_missing
    return None, False


def _is_text(parsed: dict[str, object]) -> bool:
    # An escape may write half of a character that needs two halves; that is no text that can be stored.
    try:
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _flat(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def plain_key(key: str) -> str:
    """A tag's key without case, punctuation and what a provider puts before it."""
    # AWS writes the tag that a user named "team" as user:team in one report and as user_team in another.
    return re.sub(r"[^a-z0-9]", "", key.lower().rsplit(":", 1)[-1].removeprefix("user_"))
