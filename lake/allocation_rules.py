"""The allocation rules of an organisation: which account, key or service belongs to which team, project and use case.

A TOML file. Tags come first and need no rule; the tables of the file follow in one fixed order, the nearest to the
charge first, and within a table the first rule that fits wins, for each label by itself. What no rule names stays
without a label: a cost that is spread over those who did not cause it hides whose it is.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from lake.errors import LakeError
from lake.labels import TAG_KEYS, plain_key

ALLOCATED_LABELS = ("owner", "team", "project", "use_case", "workload", "model", "environment")
"""What a rule may say of a charge; each is stored under its name with `x_` before it."""


class Method(StrEnum):
    """How a label was found, in the order in which it is looked for; the values stand in `x_allocation_method`."""

    COLUMN = "column"
    TAG = "tag"
    INHERITED = "inherited"
    API_KEY = "api_key"
    PRINCIPAL = "principal"
    PROFILE = "inference_profile"
    REQUEST_TAG = "request_tag"
    RULE = "rule"
    NONE = "unallocated"


TAG = "tag:"
# What a condition looks at, as SQL over a bill that is being loaded (`c`), before its times and amounts are read.
FACTS = {
    "account": 'c."SubAccountId"',
    "billing_account": 'c."BillingAccountId"',
    "provider": 'c."ProviderName"',
    "service": 'c."ServiceName"',
    "category": 'c."ServiceCategory"',
    "region": 'c."RegionId"',
    "resource": 'c."ResourceId"',
    "resource_name": 'c."ResourceName"',
    "meter": 'c."SkuMeter"',
    "sku": 'c."SkuId"',
    "description": 'c."ChargeDescription"',
    "charge_category": 'c."ChargeCategory"',
    "api_key": "c.x_api_key_id",
    "principal": "json_extract_string(c.x_extra, '$.line_item_iam_principal')",
}
# What each table's rules must look at, and what they may look at besides.
TABLES: Mapping[Method, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Method.INHERITED: (("account", "billing_account", TAG), ("provider",)),
    Method.API_KEY: (("api_key",), ("provider", "account")),
    Method.PRINCIPAL: (("principal",), ("provider", "account")),
    Method.PROFILE: (("resource",), ("provider", "account")),
    Method.REQUEST_TAG: ((TAG,), ("provider", "account")),
    Method.RULE: ((*FACTS, TAG), ()),
}
LONGEST = 1_000_000  # bytes
MOST_RULES = 5000
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
TARGET_PERCENT = 5
"""At most so much of the effective cost without a name, unless the file says otherwise."""


@dataclass(frozen=True)
class Rule:
    """One rule: what a charge must be (each condition met, by one of its patterns) and what is then said of it."""

    method: Method
    id: str
    when: Mapping[str, tuple[re.Pattern[str], ...]]
    says: Mapping[str, str]
    line: int = 0

    def fits(self, facts: Mapping[str, str | None]) -> bool:
        """Whether these facts meet every condition; a fact that a charge lacks is met by an empty pattern alone."""
        return all(
            any(pattern.fullmatch((facts.get(name) or "").strip()) for pattern in patterns)
            for name, patterns in self.when.items()
        )


@dataclass(frozen=True)
class AllocationRules:
    """A whole file: rules in the order in which they count, further tag keys, the share that may stay unallocated."""

    rules: tuple[Rule, ...] = ()
    tag_keys: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: TAG_KEYS)
    target_percent: int = TARGET_PERCENT
    digest: str = ""

    @property
    def looked_at(self) -> tuple[str, ...]:
        """Every fact and tag that some condition looks at, each once."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.when))

    def resolve(self, facts: Mapping[str, str | None]) -> dict[str, tuple[str, Rule]]:
        """For each label the value of the first rule that fits, and that rule."""
        found: dict[str, tuple[str, Rule]] = {}
        for rule in self.rules:
            if any(label not in found for label in rule.says) and rule.fits(facts):
                for label, value in rule.says.items():
                    found.setdefault(label, (value, rule))
        return found


TAGS_ALONE = AllocationRules()
"""Without a file: columns and tags, and everything else unallocated."""


def read_rules(path: Path) -> AllocationRules:
    """The rules that this file writes; raises LakeError, with file and line, if any of it cannot be used."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise LakeError(
            f"The allocation rules {path} cannot be read.",
            why=f"{error.strerror or error}.",
            do="Name a file that is there, or leave it away to allocate by tags alone.",
        ) from error
    if len(body) > LONGEST:
        raise _unusable(f"{path.name}: it is larger than a megabyte")
    try:
        return parse_rules(body.decode("utf-8"), file=path.name)
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise _unusable(f"{path.name}, line {line}: it is no UTF-8 text") from error


def parse_rules(text: str, *, file: str) -> AllocationRules:
    """The rules that this text writes; `file` is what it is called in a refusal."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unusable(f"{file}: it is no TOML: {error}") from error
    reader = _Reader(file, text.splitlines())
    tables = [str(method) for method in TABLES]
    for key in document:
        if key not in (*tables, "tags", "target_percent"):
            raise reader.fault(f"'{key}' is nothing that allocation rules have", key, key=key)
    target = document.get("target_percent", TARGET_PERCENT)
    if not isinstance(target, int) or isinstance(target, bool) or not 0 <= target <= 100:
        raise reader.fault("target_percent is no whole number from 0 to 100", key="target_percent")
    rules = [rule for method in TABLES for rule in reader.table(method, document.get(method, []))]
    if len(rules) > MOST_RULES:
        raise _unusable(f"{file}: it has {len(rules)} rules, and {MOST_RULES} are the most")
    seen: dict[str, Rule] = {}
    for rule in rules:
        other = seen.setdefault(rule.id, rule)
        if other is not rule:
            raise _unusable(f"{file}, line {rule.line}: the id '{rule.id}' is that of the rule in line {other.line}")
    digest = sha256(text.encode()).hexdigest()
    return AllocationRules(tuple(rules), reader.tags(document.get("tags", {})), target, digest)


def _unusable(why: str) -> LakeError:
    return LakeError(
        "The allocation rules cannot be used.",
        why=f"{why}.",
        do="Correct the file (docs/allocation.md has an example) and try `spendgate allocation check`.",
    )


@dataclass(frozen=True)
class _Reader:
    """Reads the tables of one file and knows in which line each stands."""

    file: str
    lines: Sequence[str]

    def fault(self, why: str, table: str = "", at: int = 0, *, key: str = "") -> LakeError:
        return _unusable(f"{self.file}, line {self.line(table, at, key)}: {why}")

    def line(self, table: str, at: int = 0, key: str = "") -> int:
        """The line of a key of the `at`-th table of this name, else of that table's heading; 1 if neither is found."""
        heading = re.compile(rf'\s*\[\[?\s*"?{re.escape(table)}"?\s*\]\]?\s*(#.*)?')
        starts = [number for number, text in enumerate(self.lines) if table and heading.fullmatch(text)]
        start = starts[at] if at < len(starts) else -1
        for number in range(start + 1, len(self.lines)):
            if key and re.match(rf'\s*[\'"]?{re.escape(key)}[\'"]?\s*[=.]', self.lines[number]):
                return number + 1
            if re.match(r"\s*\[", self.lines[number]):
                break
        return max(start, 0) + 1

    def table(self, method: Method, given: Any) -> list[Rule]:
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            raise self.fault(f"write each rule as a table of its own, [[{method}]]", method, key=method)
        return [self._rule(method, at, one) for at, one in enumerate(given)]

    def _rule(self, method: Method, at: int, given: dict[str, Any]) -> Rule:
        for key in given:
            if key not in ("id", "when", "set"):
                raise self.fault(f"'{key}' is nothing that a rule has; it has id, when and set", method, at, key=key)
        name = given.get("id")
        if not isinstance(name, str) or not _ID.fullmatch(name):
            why = "a rule needs an id of small letters, digits, hyphens, dots and underscores"
            raise self.fault(why, method, at, key="id")
        return Rule(
            method,
            name,
            {
                _fact(key): self._patterns(method, at, key, value)
                for key, value in self._pairs(method, at, given, "when")
            },
            {key: self._value(method, at, key, value) for key, value in self._pairs(method, at, given, "set")},
            self.line(method, at),
        )

    def _pairs(self, method: Method, at: int, given: dict[str, Any], part: str) -> list[tuple[str, Any]]:
        pairs = given.get(part)
        if not isinstance(pairs, dict) or not pairs:
            example = '{ account = "471852036911" }' if part == "when" else '{ team = "fraud" }'
            raise self.fault(f"a rule needs '{part}', such as {part} = {example}", method, at, key=part)
        if part == "when":
            needed, _ = TABLES[method]
            if not any(key in needed or (TAG in needed and key.startswith(TAG)) for key in pairs):
                one_of = " or ".join("tag:KEY" if name == TAG else name for name in needed)
                raise self.fault(f"a rule of [[{method}]] looks at {one_of}", method, at, key=part)
        return list(pairs.items())

    def _patterns(self, method: Method, at: int, key: str, value: Any) -> tuple[re.Pattern[str], ...]:
        needed, besides = TABLES[method]
        known = (*needed, *besides)
        if key not in known and not (TAG in known and key.startswith(TAG) and key != TAG):
            names = ", ".join("tag:KEY" if name == TAG else name for name in known)
            raise self.fault(f"[[{method}]] cannot look at '{key}'; it can at {names}", method, at, key="when")
        wanted = [value] if isinstance(value, str) else value
        if not isinstance(wanted, list) or not wanted or not all(isinstance(one, str) for one in wanted):
            raise self.fault(f"'{key}' needs a text, or a list of texts", method, at, key="when")
        return tuple(_pattern(one) for one in wanted)

    def _value(self, method: Method, at: int, key: str, value: Any) -> str:
        if key not in ALLOCATED_LABELS:
            why = f"a rule cannot set '{key}'; it can set {', '.join(ALLOCATED_LABELS)}"
            raise self.fault(why, method, at, key="set")
        if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > 200:
            raise self.fault(f"'{key}' needs a text of 1 to 200 letters", method, at, key="set")
        return value.strip()

    def tags(self, given: Any) -> dict[str, tuple[str, ...]]:
        """The tag keys of each label: those that the file names, then those that are known without it."""
        if not isinstance(given, dict):
            raise self.fault("[tags] says for each label which tag keys carry it", key="tags")
        keys = dict(TAG_KEYS)
        for name, value in given.items():
            wanted = [value] if isinstance(value, str) else value
            if name not in ALLOCATED_LABELS:
                raise self.fault(f"'{name}' is no label; labels are {', '.join(ALLOCATED_LABELS)}", "tags", key=name)
            if not isinstance(wanted, list) or not all(isinstance(one, str) and one.strip() for one in wanted):
                raise self.fault(f"'{name}' needs the key of a tag, or a list of keys", "tags", key=name)
            own = tuple(plain_key(one) for one in wanted)
            keys[f"x_{name}"] = tuple(dict.fromkeys((*own, *TAG_KEYS[f"x_{name}"])))
        return keys


def _fact(key: str) -> str:
    return f"{TAG}{plain_key(key.removeprefix(TAG))}" if key.startswith(TAG) else key


def _pattern(text: str) -> re.Pattern[str]:
    """The texts that this means, without regard to case; `*` stands for anything, also for nothing."""
    return re.compile(".*".join(re.escape(part) for part in text.strip().split("*")), re.IGNORECASE | re.DOTALL)
