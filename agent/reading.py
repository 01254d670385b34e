"""A question as the offline model reads it: intent, days, split, filters. Tables and no guessing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.asked_days import asked_days
from agent.intents import Intent, intent_of
from agent.leftovers import Near, excludes, leftovers, nearest, without
from agent.vocabulary import SPOKEN, Named, Vocabulary, find_names

EVERYONE = ("*",)
_FIGURES = (Intent.SPEND, Intent.WHY, Intent.SHARE, Intent.ANOMALIES, Intent.SAVINGS, Intent.PROPOSE)


@dataclass(frozen=True)
class Reading:
    """A question as read. Empty fields were not said."""

    intent: Intent
    topic: str = ""
    """for UNABLE: what was wanted"""
    period: str = ""
    compare: str = ""
    by: list[str] = field(default_factory=list)
    where: dict[str, list[str]] = field(default_factory=dict)
    top: int | None = None
    metric: str = ""
    ai: bool = False
    everything: bool = False
    follows: bool = False
    """true for a question that makes sense only after another: "and by model?" """
    target: str = ""
    """a machine's id or name, an address of a row, or a proposal's id"""
    kind: str = "stop_instance"
    place: int | None = None
    """which of a list that is sorted by size: 1 for the largest or the first, -1 for the smallest or the last"""
    unclear: tuple[str, tuple[tuple[str, str], ...]] | None = None
    unknown: tuple[str, ...] = ()
    """phrases that nothing accounts for: no figure may be given, since leaving them out would change it"""
    near: Near = ()
    """known names that look like the first unknown phrase"""


_WORDS = "one two three four five six seven eight nine ten"
_NUMBERS = {word: number for number, word in enumerate(_WORDS.split(), 1)} | {"twelve": 12, "fifteen": 15, "twenty": 20}
_COUNT = rf"\d{{1,3}}|{'|'.join(_NUMBERS)}"
_DIMENSIONS = {
    **SPOKEN,
    "resource": r"resources?|instances?|machines?|vms?|servers?",
    "category": r"categor(?:y|ies)",
    "workload": r"workloads?|training\s+(?:and|vs\.?|versus|or)\s+inference",
    "token_class": r"token[\s_]?(?:class(?:es)?|types?)",
    "charge_category": r"charge[\s_]?(?:categor(?:y|ies)|types?)",
    "day": r"days?|daily",
    "month": r"months?|monthly",
}
_ANY = "|".join(f"(?:{words})" for words in _DIMENSIONS.values())
_LEAD = "|".join(
    (
        r"\b(?:split|broken?|break)\s+(?:(?:it|that|this|them|costs?|spend|ai)\s+)?(?:down\s+)?(?:by|per|into)",
        r"\bby|\bper|\beach|\bevery|\bacross|\bamong|\bwhich(?:\s+(?:\d{1,2}|two|three|four|five|ten))?|\bwhat|\ball",
        rf"\btop(?:[\s-]+(?:{_COUNT}))?|\b(?:largest|biggest|costliest|priciest|most\s+expensive)",
    )
)
_BY = re.compile(
    rf"(?:{_LEAD})\s+(?:the\s+|each\s+|all\s+|ai\s+|of\s+(?:the|our)\s+)?"
    rf"(?P<dims>(?:{_ANY})(?:\s*(?:,|and|&|then|x|by|per)\s*(?:by\s+|per\s+)?(?:{_ANY}))*)\b",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\s*(?:,|\band\b|&|\bthen\b|\bx\b|\bby\b|\bper\b)\s*", re.IGNORECASE)
_TREND = re.compile(
    r"\b(?P<month>monthly|month\s+by\s+month)\b|\b(?P<day>daily|day\s+by\s+day)\b|\b(?:trend|over\s+time)\b",
    re.IGNORECASE,
)
_WORKLOADS = re.compile(r"\b(training|inference)\b", re.IGNORECASE)
_TAG = re.compile(r"\bby\s+(?:the\s+)?tag[\s:]+[\"']?(?P<key>[\w.:/-]+)", re.IGNORECASE)
_TOP = re.compile(
    rf"\btop[\s-]+(?P<a>{_COUNT})\b|\b(?P<b>{_COUNT})\s+(?:largest|biggest|most|costliest|priciest)|"
    rf"\bwhich\s+(?P<c>{_COUNT})\b",
    re.IGNORECASE,
)
_PLACES = {
    1: r"largest|biggest|highest|most|costliest|priciest|worst|top|first|1st",
    2: r"second|2nd",
    3: r"third|3rd",
    4: r"fourth|4th",
    5: r"fifth|5th",
    -1: r"last\s+(?:one|machine|instance|of)|smallest|cheapest",
}
_METRICS = (
    ("billed", r"\bbilled\b|\binvoiced?\b"),
    ("list", r"\blist\s+(?:price|cost)"),
    ("contracted", r"\bcontracted\b"),
)
_UNUSED = re.compile(r"\bnot\s+(?:being\s+|really\s+)?(?:used|in\s+use|utili[sz]ed)\b", re.IGNORECASE)
_SPENDERS = re.compile(r"\bspenders?\b|\bwho\b.*\bspen(?:ds?|t)\b", re.IGNORECASE)
_DRIVERS = re.compile(r"\b(?:cost|top(?:\s+\w+)?)\s+drivers\b", re.IGNORECASE)
_MY_TEAM = re.compile(r"\b(?:my|our)\s+(?:own\s+)?teams?(?:['’]s?)?(?!\w)", re.IGNORECASE)
_TOGETHER = re.compile(
    r"(?:\bcompar\w+|\bvs\.?|\bversus|\bagainst|\bthan)\s+(?:(?:to|with|against)\s+)?(?:the\s+)?‹name›", re.I
)
_SPELLED_OUT = re.compile(r"\b(?:generative\s+)?artificial\s+intelligence\b", re.IGNORECASE)
_BUT_FOR = re.compile(
    r"\b(?:without|excluding|except(?:\s+for)?|outside(?:\s+of)?|not\s+(?:in|touching)|apart\s+from|other\s+than)"
    r"(?:\s+(?:touching|affecting|changing|anything|any|the|in|from|for))*\s+‹name›",
    re.IGNORECASE,
)
_LONG = re.compile(r"month|quarter|year|\bq[1-4]|[yq]td", re.IGNORECASE)
_AI_WORDS = re.compile(
    r"\b(?:gen[\s-]?)?ai(?:[\s/-]*ml)?(?:[\s-]+(?:related|models?|services?|workloads?))?\b|\bllms?\b|"
    r"\bgenerative\b|\bartificial\s+intelligence\b|\bmachine[\s-]learning\b|\b(?:large\s+)?language\s+models?\b",
    re.IGNORECASE,
)
_AI = re.compile(
    r"\bai\b|\bgen[\s-]?ai\b|\bllms?\b|\bgpus?\b|\btokens?\b|\binference\b|\btraining\b|\bartificial\s+intelligence\b|"
    r"\bmachine[\s-]learning\b|\bgpt|\bclaude|\bbedrock\b|\bsagemaker\b|\bopenai\b|\banthropic\b",
    re.IGNORECASE,
)
_EVERYTHING = re.compile(
    r"\b(?:everything|all\s+(?:cloud\s+)?(?:spend|costs?)|overall|whole\s+bill|total\s+cloud)\b", re.IGNORECASE
)
_AI_DIMENSIONS = ("model", "use_case", "token_class")
_FOLLOWS = re.compile(
    r"^\W*(?:and|also|now|ok(?:ay)?|what\s+about|how\s+about|same|only|just|but|then|split|break|by|per|for|in|with|versus|"
    r"vs|compare(?:d)?(?:\s+(?:it|that|this|them))?|show\s+(?:it|that|them)|without)\b",
    re.IGNORECASE,
)
_INSTANCE = re.compile(r"(?<![\w-])i-[0-9a-f]{6,17}(?![\w-])", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\w.])q\d+\.r\d+(?![\w.])", re.IGNORECASE)
_PROPOSAL = re.compile(r"(?<![\w-])P-[A-Z0-9]{4,}(?![\w-])", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“‘`](?P<name>[^\"”’`]{2,80})[\"”’`]")
_HYPHENATED = re.compile(r"(?<![\w-])(?P<name>(?=[\w-]*[a-z])[a-z0-9]+(?:-[a-z0-9]+)+)(?![\w-])", re.IGNORECASE)
_STOP = re.compile(r"\b(?:stop|shut\s*down|(?:turn|switch|power)\s+(?:off|down)|kill|halt|park)\b", re.IGNORECASE)
_START = re.compile(r"\b(?:start|(?:turn|switch|power)\s+on|boot)\b", re.IGNORECASE)


_UNDERSTOOD = (
    *(_TAG, _TOP, _BY, _TREND, _UNUSED, _WORKLOADS, _INSTANCE, _EVERYTHING, _DRIVERS, _AI_WORDS),
    *(re.compile(words, re.IGNORECASE) for _, words in _METRICS),
)


def read(question: str, vocabulary: Vocabulary, *, scope: tuple[str, ...] = EVERYONE) -> Reading:
    """The question as read against the names that the lake knows, for a reader who sees the teams of `scope`."""
    # Before names are looked for: services bear these words too (`Azure AI Document Intelligence`).
    question = _SPELLED_OUT.sub("AI", question)
    named = _with_own_teams(find_names(question, vocabulary), scope)
    intent, topic = intent_of(named.rest)
    if intent is Intent.SAVINGS:
        named = _all_but(named, vocabulary)
    days = asked_days(named.rest)
    workloads = list(dict.fromkeys(word.casefold() for word in _WORKLOADS.findall(named.rest)))
    where = {**named.where, **({"workload": workloads} if len(workloads) == 1 else {})}
    by = _split(named, where, days.period, workloads)
    period_or_names = days.period or by or named.where or days.compare or named.unclear
    if intent is Intent.OUTSIDE and not topic and period_or_names:
        intent = Intent.SPEND
    target = _target(question, named.rest, intent)
    if intent is not Intent.PROPOSE and (machines := _INSTANCE.findall(named.rest)):
        where["resource"] = machines
    unknown: tuple[str, ...] = ()
    if intent in _FIGURES and not target:
        if excludes(named.rest):
            intent, topic = Intent.UNABLE, "leaving a part out of a sum"
        unknown = leftovers(
            without(days.rest, _UNDERSTOOD), intent, tokens_are_meant=bool({"model", "service"} & set(where))
        )
    return Reading(
        intent=intent,
        topic=topic,
        period=days.period,
        compare="" if days.compare == "previous" and _sides(named, where) else days.compare,
        by=by,
        where=where,
        top=_top(named.rest, by, intent),
        metric=next((name for name, words in _METRICS if re.search(words, question, re.IGNORECASE)), ""),
        ai=bool(_AI.search(question)) or any(key in named.where or key in by for key in _AI_DIMENSIONS),
        everything=bool(_EVERYTHING.search(question)),
        follows=bool(_FOLLOWS.match(question)),
        target=target,
        kind="start_instance" if _START.search(question) and not _STOP.search(question) else "stop_instance",
        place=_place(named.rest),
        unclear=named.unclear,
        unknown=unknown,
        near=nearest(unknown, vocabulary),
    )


def _with_own_teams(named: Named, scope: tuple[str, ...]) -> Named:
    """`my team` is what a reader with a scope may see; nobody knows which is meant of a reader who sees all."""
    if scope == EVERYONE or not _MY_TEAM.search(named.rest):
        return named
    teams = list(dict.fromkeys([*named.where.get("team", []), *scope]))
    return Named({**named.where, "team": teams}, named.unclear, _MY_TEAM.sub(" ‹name› ", named.rest))


def _all_but(named: Named, vocabulary: Vocabulary) -> Named:
    """`savings without touching production`: the other environments that the bill names.

    A machine without the tag may be production, so it is not among them; of a sum this would leave charges out, so it
    is done for savings alone.
    """
    known = [name for name in vocabulary.get("environment", ()) if not name.startswith("(")]
    kept = [name for name in known if name not in named.where.get("environment", [])]
    if set(named.where) != {"environment"} or not kept or not _BUT_FOR.search(named.rest):
        return named
    return Named({"environment": kept}, named.unclear, _BUT_FOR.sub(" ‹name› ", named.rest))


def _split(named: Named, where: dict[str, list[str]], period: str, workloads: list[str]) -> list[str]:
    """The dimensions to split by, said or meant."""
    by = _by(named.rest, period)
    if len(workloads) > 1 and "workload" not in by:
        by.append("workload")
    if not by and _SPENDERS.search(named.rest) and "team" not in where:
        by.append("team")
    if not by and _DRIVERS.search(named.rest):
        by.append("service")
    # `aws vs azure`: several names of one dimension are told apart.
    return by + [name for name, names in where.items() if len(names) > 1 and not by]


def _sides(named: Named, where: dict[str, list[str]]) -> bool:
    """`production compared with development` compares two names and not two periods."""
    compares = _TOGETHER.search(named.rest) or re.match(r"\W*compare\b", named.rest, re.IGNORECASE)
    return bool(compares) and any(len(names) > 1 for names in where.values())


def _place(text: str) -> int | None:
    """`the second largest` is the second: the later places are looked for before the first."""
    found = [place for place, words in _PLACES.items() if re.search(rf"\b(?:{words})\b", text, re.IGNORECASE)]
    return next((place for place in found if place not in (1, -1)), found[0] if found else None)


def _by(text: str, period: str) -> list[str]:
    found: list[str] = []
    if match := _TAG.search(text):
        found.append(f"tag:{match['key']}")
    for match in _BY.finditer(text):
        found += [name for part in _JOINED.split(match["dims"]) if (name := _dimension(part))]
    if match := _TREND.search(text):
        found.append("month" if match["month"] or (not match["day"] and _LONG.search(period)) else "day")
    return list(dict.fromkeys(found))


def _dimension(word: str) -> str:
    return next((name for name, words in _DIMENSIONS.items() if re.fullmatch(words, word.strip(), re.IGNORECASE)), "")


def _top(text: str, by: Sequence[str], intent: Intent) -> int | None:
    if match := _TOP.search(text):
        said = (match["a"] or match["b"] or match["c"]).casefold()
        return max(1, min(100, int(said) if said.isdigit() else _NUMBERS[said]))
    return 5 if intent is Intent.SPEND and by and _place(text) == 1 else None


def _target(question: str, rest: str, intent: Intent) -> str:
    """The machine or proposal that is named: an id, an address of a row, a quoted or a hyphenated name."""
    if intent in (Intent.STATUS, Intent.VOTE):
        return match.group().upper() if (match := _PROPOSAL.search(question)) else ""
    if intent is not Intent.PROPOSE:
        return ""
    if match := _INSTANCE.search(question) or _ADDRESS.search(question):
        return match.group()
    match = _QUOTED.search(question) or _HYPHENATED.search(rest)
    return match["name"] if match else ""
