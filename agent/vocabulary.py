"""Names that the lake knows, found in a question: teams, services, models, use cases, providers, environments."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lake.question import UNTAGGED

Vocabulary = Mapping[str, Sequence[str]]
"""Names by dimension, as the lake spells them."""

SPOKEN = {
    "use_case": r"use[\s-]?cases?|projects?",
    "team": r"teams?|departments?|squads?",
    "service": r"services?|products?",
    "model": r"models?",
    "provider": r"providers?|vendors?|clouds?",
    "environment": r"environments?|env",
    "account": r"accounts?|subscriptions?",
    "region": r"regions?",
}
_ALIASES: dict[str, dict[str, tuple[str, ...]]] = {
    "provider": {
        "aws": ("aws", "amazon web services"), "amazon": ("aws", "amazon web services"),
        "azure": ("microsoft", "azure"), "gcp": ("google cloud", "gcp"), "google": ("google cloud", "gcp"),
    },
    "environment": {
        "prod": ("production", "prod"), "production": ("production", "prod"), "dev": ("development", "dev"),
        "development": ("development", "dev"), "test": ("test", "testing"), "staging": ("staging", "stage"),
        "sandbox": ("sandbox",),
    },
    "service": {
        "ec2": ("amazon elastic compute cloud", "amazon ec2"), "s3": ("amazon simple storage service", "amazon s3"),
        "ebs": ("amazon elastic block store",), "rds": ("amazon relational database service",),
    },
}  # fmt: skip
# Words that many names share, or that are plain English: they name nothing by themselves.
_COMMON_WORDS = """
amazon aws azure microsoft google cloud service services the of and for api ai ml data platform compute storage machine
machines learning team model models use case cost costs core digital base default other web virtual system systems
database manager management account global analytics engineering network development test production mini nano small
large embedding pro turbo instruct preview latest text assistant forecasting automation savings plans plan credits tax
risk detection scoring security infrastructure usage on demand gateway tokens support office flash
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_GAP = re.compile(
    r"\b(?:untagged|uncategori[sz]ed|unallocated|unassigned|without\s+(?:an?\s+|any\s+)?(?:teams?|tags?))\b",
    re.IGNORECASE,
)
# `zebra-team` is the team zebra.
_TEAM_ENDING = re.compile(r"(?<=\w)-(?P<word>team|squad|department)\b", re.IGNORECASE)
# Kinds of service by the names that FOCUS gives them (ServiceCategory).
_CATEGORIES = {
    "Storage": "storage", "Compute": "compute", "Databases": r"databases?", "Networking": r"network(?:ing)?",
}  # fmt: skip
_ORDER = ("use_case", "team", "model", "service", "provider", "environment", "account", "region")


@dataclass(frozen=True)
class Named:
    """What a question names: filters by dimension, names that several dimensions share, names nobody knows."""

    where: dict[str, list[str]] = field(default_factory=dict)
    unclear: tuple[str, tuple[tuple[str, str], ...]] | None = None
    """a word and the (dimension, name) pairs that it may mean"""
    rest: str = ""
    """the question without the names"""


def find_names(question: str, vocabulary: Vocabulary) -> Named:
    """Exact names first (longest wins), then names after their dimension's word, then telling parts of names."""
    where: dict[str, list[str]] = {}
    rest = _TEAM_ENDING.sub(r" \g<word>", _exact(question, vocabulary, where))
    rest = _exact(rest, vocabulary, where)
    rest = _after_word(rest, vocabulary, where)
    rest = _aliases(rest, vocabulary, where)
    if _GAP.search(rest):
        where.setdefault("team", []).append(UNTAGGED)
        rest = _GAP.sub(" ‹name› ", rest)
    rest = _categories(rest, where)
    rest, unclear = _parts(rest, vocabulary, where)
    return Named(where, unclear, rest)


def _pattern(name: str) -> str:
    """`fraud-analytics` is also written `fraud analytics`."""
    return r"[\s_-]?".join(re.escape(part) for part in re.split(r"[\s_-]+", name) if part)


def _exact(text: str, vocabulary: Vocabulary, where: dict[str, list[str]]) -> str:
    names = [(name, dimension) for dimension in _ORDER for name in vocabulary.get(dimension, ()) if _telling(name)]
    for name, dimension in sorted(names, key=lambda pair: -len(pair[0])):
        pattern = re.compile(rf"(?<![\w.-]){_pattern(name)}(?![\w-]|\.\w)", re.IGNORECASE)
        if pattern.search(text):
            where.setdefault(dimension, []).append(name)
            text = pattern.sub(" ‹name› ", text)
    return text


def _telling(name: str) -> bool:
    return len(name) > 1 and not name.startswith("(") and name.casefold() not in _COMMON | {"claims", "sandbox"}


def _after_word(text: str, vocabulary: Vocabulary, where: dict[str, list[str]]) -> str:
    """`team risk`, `the payment team`: the known name with this word, or the word as it is, for the tool to judge."""
    for dimension, word in SPOKEN.items():
        single = word.replace("s?", "")
        for pattern in (
            rf"\b(?:{single})\s+(?:called\s+|named\s+)?[\"'“‘]?(?P<name>[A-Za-z0-9][\w.-]*)",
            rf"\b(?:for|of|by|does|did|is|the|in|has|from)\s+(?:the\s+)?[\"'“‘]?(?P<name>[\w.-]+)[\"'”’]?\s+(?:{single})\b",
        ):
            match = re.search(pattern, text, re.IGNORECASE)
            if match is None or match["name"].casefold() in _FILLERS:
                continue
            name = match["name"].rstrip(".-")
            where.setdefault(dimension, []).append(_closest(name, vocabulary.get(dimension, ())))
            text = text[: match.start("name")] + " ‹name› " + text[match.end("name") :]
            break
    return text


_FILLER_WORDS = """
the a an is are was were did does do has had have and or by per in on for of to with cost costs spend spends spent
spending split last this next previous today yesterday each every which what who how most more burn burning use uses
used using breakdown top all any our my their same level please names name that it over from between during against
versus vs compared compare than usage bill bills charges drove caused made jumped jump went grew grow rose up down
‹name› new one largest biggest expensive ai cheapest total owns owned mix instead too also idle across within only then
now endpoints endpoint costing january february march april may june july august september october november december
ytd mtd qtd q1 q2 q3 q4 as if wise excluding except exclude without other others apart besides minus but not
"""
_FILLERS = frozenset(_FILLER_WORDS.split())


def _closest(name: str, known: Sequence[str]) -> str:
    folded = name.casefold()
    exact = [candidate for candidate in known if candidate.casefold() == folded]
    begun = [candidate for candidate in known if folded in re.split(r"[\s_-]+", candidate.casefold())]
    return (exact or (begun if len(begun) == 1 else []) or [name])[0]


def _aliases(text: str, vocabulary: Vocabulary, where: dict[str, list[str]]) -> str:
    for dimension, aliases in _ALIASES.items():
        for alias, spellings in aliases.items():
            pattern = re.compile(rf"(?<![\w.-]){alias}(?![\w-]|\.\w)", re.IGNORECASE)
            known = [name for name in vocabulary.get(dimension, ()) if name.casefold() in spellings]
            if known and pattern.search(text):
                where[dimension] = list(dict.fromkeys([*where.get(dimension, []), known[0]]))
                text = pattern.sub(" ‹name› ", text)
    return text


def _categories(text: str, where: dict[str, list[str]]) -> str:
    for category, word in _CATEGORIES.items():
        pattern = re.compile(rf"(?<![\w-]){word}(?:\s+services?)?(?![\w-])", re.IGNORECASE)
        if pattern.search(text):
            where.setdefault("category", []).append(category)
            text = pattern.sub(" ‹name› ", text)
    return text


def _parts(
    text: str, vocabulary: Vocabulary, where: dict[str, list[str]]
) -> tuple[str, tuple[str, tuple[tuple[str, str], ...]] | None]:
    """`Bedrock` for `Amazon Bedrock`; `fraud`, which begins a team and a use case, is unclear."""
    unclear = None
    for match in re.finditer(r"(?<![\w-])[A-Za-z][\w.]+(?![\w-])", text):
        word = match.group().casefold().rstrip(".").removesuffix("'s")
        if word in _COMMON - {"claims"} or word in _FILLERS or len(word) < 3:
            continue
        found = [
            (dimension, name)
            for dimension in _ORDER if dimension not in where
            for name in vocabulary.get(dimension, ())
            if word in re.split(r"[\s_()-]+", name.casefold()) and not name.startswith("(")
        ]  # fmt: skip
        whole = [pair for pair in found if pair[1].casefold() == word]
        choice = whole or found
        if len(choice) == 1:
            where.setdefault(choice[0][0], []).append(choice[0][1])
        elif len(choice) > 1 and unclear is None:
            unclear = (match.group(), tuple(choice[:4]))
        else:
            continue
        text = re.sub(rf"(?<![\w-]){re.escape(match.group())}(?![\w-])", "‹name›", text)
    return text, unclear
