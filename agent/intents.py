"""What a question wants: the first rule of intents.toml that fits."""

import re
import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files


class Intent(StrEnum):
    """What the asker wants."""

    SPEND = "spend"
    WHY = "why"
    ANOMALIES = "anomalies"
    SAVINGS = "savings"
    PROPOSE = "propose"
    SHARE = "share"
    STATUS = "status"
    VOTE = "vote"
    HELLO = "hello"
    THANKS = "thanks"
    HELP = "help"
    UNABLE = "unable"
    HOSTILE = "hostile"
    OUTSIDE = "outside"


@cache
def rules() -> tuple[tuple[Intent, str, tuple[re.Pattern[str], ...]], ...]:
    """(intent, topic, patterns) in the order in which they are tried."""
    table = tomllib.loads(files("agent").joinpath("intents.toml").read_text(encoding="utf-8"))
    return tuple(
        (
            Intent(rule["intent"]),
            str(rule.get("topic", "")),
            tuple(re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in rule["patterns"]),
        )
        for rule in table["rule"]
    )


def intent_of(text: str) -> tuple[Intent, str]:
    """The intent, and for what cannot be done the topic; OUTSIDE if no rule fits."""
    for intent, topic, patterns in rules():
        if any(pattern.search(text) for pattern in patterns):
            return intent, topic
    return Intent.OUTSIDE, ""
