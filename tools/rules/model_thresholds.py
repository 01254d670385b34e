"""The numbers of the rules about language models and whatever calls them, each with its source."""

import re
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class CheaperModelThresholds:
    """For which work another model was evaluated, and when a change of model is worth a release."""

    evaluated: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    more_tokens_percent: Decimal = Decimal(5)
    least_percent: Decimal = Decimal(10)
    least_per_month: Decimal = Decimal(50)

    def __post_init__(self) -> None:
        """ValueError for what cannot be read: it would be passed over in silence."""
        self.routes()
        self.gateways()

    def routes(self) -> dict[tuple[str, str], str]:
        """(use case, model), in small letters → the model that does the same work as well."""
        found: dict[tuple[str, str], str] = {}
        for text in self.evaluated:
            use_case, colon, models = text.rpartition(":")
            own, arrow, other = (part.strip() for part in models.partition(">"))
            key = (use_case.strip().casefold(), own.casefold())
            if not (colon and arrow and all(key) and other) or own.casefold() == other.casefold():
                raise ValueError(f"evaluated: '{text}' is not of the form 'USE CASE: MODEL > OTHER MODEL'")
            if key in found:
                raise ValueError(f"evaluated: '{use_case.strip()}: {own}' stands there twice")
            found[key] = other
        return found

    def gateways(self) -> dict[str, tuple[str, str, str]]:
        """Use case, in small letters → (gateway, "team" or "key", its id) through which all of it calls models."""
        found: dict[str, tuple[str, str, str]] = {}
        for text in self.through:
            named = _THROUGH.fullmatch(text)
            if named is None or (named[3] == "key" and not _KEY.fullmatch(named[4])):
                raise ValueError(f"through: '{text}' is not of the form 'USE CASE: GATEWAY team ID' or '... key HASH'")
            use_case = named[1].strip().casefold()
            if use_case in found:
                raise ValueError(f"through: '{named[1].strip()}' stands there twice")
            found[use_case] = (named[2], named[3], named[4])
        return found


_THROUGH = re.compile(r"(.*\S.*):\s*([a-z][a-z0-9-]{0,30})\s+(team|key)\s+([A-Za-z0-9][A-Za-z0-9_.:@-]{0,127})\s*")


_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class BatchWorkThresholds:
    """Which workloads may wait for a day, and when that is worth a release."""

    workloads: tuple[str, ...] = ("evaluation", "backfill", "batch", "batch inference", "embedding backfill")
    least_percent: Decimal = Decimal(10)
    least_per_month: Decimal = Decimal(50)


@dataclass(frozen=True)
class PromptCachingThresholds:
    """Of which work somebody measured how much of the input repeats, and when a change is worth a release."""

    repeated: tuple[str, ...] = ()
    least_percent: Decimal = Decimal(5)
    least_per_month: Decimal = Decimal(50)

    def __post_init__(self) -> None:
        """ValueError for a measurement that cannot be read: it would be passed over in silence."""
        self.uses()

    def uses(self) -> dict[tuple[str, str], tuple[Decimal, int]]:
        """(use case, model), in small letters → % of the new input that repeats, and within how many requests."""
        found: dict[tuple[str, str], tuple[Decimal, int]] = {}
        for text in self.repeated:
            named = _REPEATED.fullmatch(text)
            if named is None or not 0 < Decimal(named[3]) <= 100 or int(named[4]) < 2:
                raise ValueError(f"repeated: '{text}' is not of the form 'USE CASE: MODEL = 60 %, 8 requests'")
            key = (named[1].strip().casefold(), named[2].strip().casefold())
            if key in found:
                raise ValueError(f"repeated: '{named[1].strip()}: {named[2].strip()}' stands there twice")
            found[key] = (Decimal(named[3]), int(named[4]))
        return found


_REPEATED = re.compile(r"(.+):([^:=]+)=\s*([0-9]{1,3}(?:\.[0-9]{1,3})?)\s*%\s*,\s*([0-9]{1,6})\s+requests\s*")


@dataclass(frozen=True)
class GatewayThresholds:
    """When a key of a gateway runs away: its newest hours against its own hours before them. Money in US dollars."""

    window_hours: int = 6
    least_history_hours: int = 168
    freshest_hours: int = 6
    least_per_hour: Decimal = Decimal(1)
    level_percent: Decimal = Decimal("99.5")
    times_level: Decimal = Decimal(3)
    failed_percent: Decimal = Decimal(5)
    times_requests: Decimal = Decimal("1.3")
    least_calls: int = 120
    times_calls: Decimal = Decimal(3)
    headroom_percent: Decimal = Decimal(10)
    noticed_hours: int = 24

    def __post_init__(self) -> None:
        """ValueError for limits by which nothing could be judged."""
        if not 1 <= self.window_hours <= 48:
            raise ValueError("window_hours must be from 1 to 48")
        if self.level_percent > 100:
            raise ValueError("level_percent must be at most 100")


@dataclass(frozen=True)
class ProjectRunawayThresholds:
    """When a project at OpenAI runs away: its newest days against its own days before them. Money in US dollars."""

    organisation: str = "openai"
    window_days: int = 2
    history_days: int = 28
    least_history_days: int = 14
    freshest_days: int = 2
    level_percent: Decimal = Decimal(95)
    times_level: Decimal = Decimal(3)
    least_per_day: Decimal = Decimal(20)
    headroom_percent: Decimal = Decimal(10)
    noticed_days: int = 3

    def __post_init__(self) -> None:
        """ValueError for limits by which nothing could be judged."""
        if not 1 <= self.window_days <= 7:
            raise ValueError("window_days must be from 1 to 7")
        if self.level_percent > 100:
            raise ValueError("level_percent must be at most 100")
