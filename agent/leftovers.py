"""What nothing in a question accounts for: words that are no name, no days, no split and no plain word.

A reader who asks for a team that the bill does not know must not be told everybody's cost as if it were that team's.
So whatever is left over of a question is told, with the nearest names, and no figure is given.
"""

import difflib
import re
from collections.abc import Iterable, Sequence

from agent.intents import Intent
from agent.plain_words import ALWAYS, BY_INTENT
from agent.vocabulary import SPOKEN, Vocabulary

Near = tuple[tuple[str, str], ...]
"""(dimension, name) pairs"""

_WORD = re.compile(r"[^\s,;:?!()\[\]{}\"“”„‚‘`…<>=]+")
_POSSESSIVE = re.compile(r"['’](?:s|d|re|ve|ll|m)?$")
_PERCENT = re.compile(r"[+-]?\d+(?:[.,]\d+)?%?|percent|%")
_NAME = "‹name›"
_OF_A_NAME = "|".join(SPOKEN.values())
_KIND_OF_NAME = re.compile(
    rf"\b(?:{_OF_A_NAME})\s+(?:called\s+|named\s+)?(?={_NAME})|(?<={_NAME})['’]?s?[\s-]+(?:{_OF_A_NAME}|api)\b",
    re.IGNORECASE,
)
_EXCLUDES = re.compile(
    r"\b(?:exclud\w+|except\w*|excl\.?|other\s+than|apart\s+from|aside\s+from|besides|not\s+(?:including|counting)|minus|"
    r"other|others|elsewhere|rest\s+of|remaining|remainder|everything\s+but|all\s+but|without|no\s+longer|non|"
    r"outside(?:\s+of)?)\b",
    re.IGNORECASE,
)
LEAST_LIKENESS = 0.6


def leftovers(text: str, intent: Intent, *, tokens_are_meant: bool) -> tuple[str, ...]:
    """Phrases of `text` (without what was understood) that hold no plain word; neighbours make one phrase."""
    plain = ALWAYS | BY_INTENT.get(intent, frozenset())
    if tokens_are_meant:
        plain |= {"token", "tokens"}
    text = re.sub(rf"\s*{_NAME}\s*", f" {_NAME} ", _KIND_OF_NAME.sub(" ", text))
    phrases: list[str] = []
    end = -1
    for match in _WORD.finditer(text):
        word = _POSSESSIVE.sub("", match.group().strip(".'’*_/–—&|-+"))
        if not word or word == _NAME or word.casefold() in plain or _is_claim(word, intent):
            continue
        if phrases and not text[end : match.start()].strip():
            phrases[-1] += f" {word}"
        else:
            phrases.append(word)
        end = match.end()
    return tuple(dict.fromkeys(phrases))


def excludes(text: str) -> bool:
    """True for a question that leaves a part out; no tool can, and the part itself would be the opposite answer."""
    return bool(_EXCLUDES.search(text))


def nearest(phrases: Iterable[str], vocabulary: Vocabulary) -> Near:
    """Known names that look like the first of these phrases, the closest first."""
    phrase = next(iter(phrases), "")
    known: dict[str, tuple[str, str]] = {}
    for dimension in SPOKEN:
        for name in vocabulary.get(dimension, ()):
            if not name.startswith("("):
                known.setdefault(_folded(name), (dimension, name))
    close = difflib.get_close_matches(_folded(phrase), list(known), n=3, cutoff=LEAST_LIKENESS)
    return tuple(known[name] for name in close)


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.casefold())


def _is_claim(word: str, intent: Intent) -> bool:
    """`why is it up 40%` says what someone saw, and narrows nothing."""
    return intent is Intent.WHY and bool(_PERCENT.fullmatch(word))


def without(text: str, patterns: Sequence[re.Pattern[str]]) -> str:
    """`text` with a comma for all that any of these patterns finds, so that words around it make no phrase together."""
    taken = {place for pattern in patterns for match in pattern.finditer(text) for place in range(*match.span())}
    return "".join("," if place in taken else letter for place, letter in enumerate(text))
