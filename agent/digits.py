"""Which numbers a text states in its own words: digits of any script, number words, multiples, Roman numerals.

A number passes only as a whole token that stands verbatim in the question or in something that this thread's tools
named. Otherwise a model could round, add up or invent, and the invented figure would look like the computed ones.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from agent.number_words import inside, number_words

_EDGE = "([{<\"'“”‘’«»*_~`•:;,.!?)]}>…"
_UNIT = (
    r"(?:%|‰|per\s?cent|percent(?:age)?|pp|bps?|usd|eur|gbp|chf|jpy|inr|dollars?|euros?|pounds?|francs?|cents?|bucks|"
    r"k|m|bn|b|mn|mio|tn|grand|million|billion|trillion|thousand|hundred|x|×|times|fold)"
)
_UNIT_AFTER = re.compile(rf"[\s-]*{_UNIT}(?![A-Za-z0-9])", re.IGNORECASE)
_CODE_BEFORE = re.compile(r"(?:\b(?:usd|eur|gbp|chf|jpy|inr)|[^\W\d_]\$)\s*$", re.IGNORECASE)
_VALUE = re.compile(r"[-+±~≈<>≤≥]?\d[\d.,'’_ ]*")
_DIGIT = re.compile(r"[0-9]")
_PLAIN_NUMBER = re.compile(r"\d+")
_CHUNK = re.compile(r"\S+")
_JOINTS = re.compile(r"[()\[\]=|—]|\.\.+|(?<=\D)[–/](?=\D)")
MOST_READ = 4096
"""So many names are remembered as they were read."""
_SIGNS = re.compile(r"[%‰‱−∓±≈×÷√∞💯🔟]")


@lru_cache(4096)
def numeric(character: str) -> bool:
    """True for a digit, fraction, superscript, enclosed or ideographic number of any script."""
    return character.isnumeric() or unicodedata.category(character) in ("Nd", "Nl", "No")


def has_number(text: str) -> bool:
    """True if any character of `text`, as written or in its compatibility form, is numeric."""
    if text.isascii():
        return _DIGIT.search(text) is not None
    return any(map(numeric, text)) or any(map(numeric, unicodedata.normalize("NFKC", text)))


def tokens(text: str) -> list[str]:
    """The whole tokens of `text`, folded: `(gpt-4o), fraud's` gives `gpt-4o`, `fraud`."""
    return [_folded(part) for chunk in _CHUNK.findall(text) for part in (chunk, *_JOINTS.split(chunk)) if _folded(part)]


def _folded(token: str) -> str:
    return re.sub(r"['’]s$", "", token.strip(_EDGE)).strip(_EDGE).casefold()


@dataclass(frozen=True)
class Allowed:
    """What may be repeated: the question's own tokens, tokens of names, and names as a whole."""

    asked: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()
    """plain numbers of texts of several words pass only beside the word that they stand beside there: (`14`, `days`)"""
    whole: re.Pattern[str] | None = field(default=None, compare=False)

    @classmethod
    def of(cls, question: str, names: Iterable[str]) -> "Allowed":
        """From the question, and from every name, id, date and note that this thread's tools gave."""
        named: set[str] = set()
        pairs: set[tuple[str, str]] = set()
        known = {name.strip() for name in names if name.strip()}
        for name in known:
            read = _read(name)
            named |= read.named
            pairs |= read.pairs
        telling = sorted((name for name in known if _read(name).telling), key=len, reverse=True)
        pattern = "|".join(re.escape(name) for name in telling)
        whole = (
            re.compile(rf"(?<![\w.,$€£%+-])(?:{pattern})(?![\w%]|[.,-]\w|\s*{_UNIT}(?!\w))", re.I) if telling else None
        )
        return cls(frozenset(_asked(question)), frozenset(named), frozenset(pairs), whole)


def _asked(question: str) -> Iterable[str]:
    """Tokens of the question; a number with its unit is one token, so that `5` does not open the way for `5 %`."""
    for match in _CHUNK.finditer(question):
        for part in (match.group(), *_JOINTS.split(match.group())):
            yield _folded(part)
        unit = _UNIT_AFTER.match(question, match.end())
        if unit and has_number(match.group()):
            yield _with_unit(match.group(), unit.group())


def _with_unit(number: str, unit: str) -> str:
    return f"{_folded(number)} {unit.strip(' -').casefold()}"


class _Read(NamedTuple):
    """What a name gives leave for; `telling`: it states a number itself."""

    named: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    telling: bool


@lru_cache(MOST_READ)
def _read(name: str) -> _Read:
    """The same in each turn: the names of a bill, of which most are offered to every answer."""
    named: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    _take(name, named, pairs)
    return _Read(frozenset(named), frozenset(pairs), bool(stated(name)))


def _take(name: str, named: set[str], pairs: set[tuple[str, str]]) -> None:
    parts = tokens(name)
    words = [_folded(chunk) for chunk in _CHUNK.findall(name)]
    for token in parts:
        if len(words) == 1 or not _looks_like_value(token):
            named.add(token)
    for left, right in pairwise(words):
        if _PLAIN_NUMBER.fullmatch(left) and right:
            pairs.add((left, right))
        if _PLAIN_NUMBER.fullmatch(right) and left:
            pairs.add((left, right))


def _looks_like_value(token: str) -> bool:
    return bool(_VALUE.fullmatch(token)) or any(unicodedata.category(sign) == "Sc" or sign in "%‰" for sign in token)


def stated(text: str, allowed: Allowed | None = None) -> list[str]:
    """What `text` states as a number without leave, in the order in which it stands there; empty if nothing."""
    allowed = allowed or Allowed()
    open_text = allowed.whole.sub(lambda match: "\u0001" * len(match.group()), text) if allowed.whole else text
    return [*_numbers(open_text, allowed), *_words(open_text, allowed), *_bare_signs(open_text, allowed)]


def _numbers(text: str, allowed: Allowed) -> Iterable[str]:
    chunks = list(_CHUNK.finditer(text))
    for index, match in enumerate(chunks):
        chunk = match.group()
        if not has_number(chunk):
            continue
        beside = [_folded(chunks[i].group()) if 0 <= i < len(chunks) else "" for i in (index - 1, index + 1)]
        unit = _UNIT_AFTER.match(text, match.end())
        last = _folded(chunk)
        if unit and _VALUE.fullmatch(last) and _with_unit(chunk, unit.group()) not in allowed.asked:
            yield f"{chunk}{unit.group()}"
        elif _CODE_BEFORE.search(text, 0, match.start()) and last not in allowed.named:
            yield f"{beside[0]} {chunk}"
        elif not _passes(chunk, beside, allowed):
            yield chunk


def _passes(chunk: str, beside: list[str], allowed: Allowed) -> bool:
    if _known(chunk, allowed):
        return True
    token = _folded(chunk)
    if (token, beside[1]) in allowed.pairs or (beside[0], token) in allowed.pairs:
        return True
    parts = _JOINTS.split(chunk)
    return len(parts) > 1 and all(_known(part, allowed) for part in parts if has_number(part))


def _known(chunk: str, allowed: Allowed) -> bool:
    return _folded(chunk) in allowed.asked or _folded(chunk) in allowed.named


def _words(text: str, allowed: Allowed) -> Iterable[str]:
    plain = unicodedata.normalize("NFKC", text)
    spared = [match.span() for match in _CHUNK.finditer(plain) if _known(match.group(), allowed)]
    return [match.group() for match in number_words(plain) if not inside(match.span(), spared)]


def _bare_signs(text: str, allowed: Allowed) -> Iterable[str]:
    for match in _CHUNK.finditer(text):
        chunk = match.group()
        if has_number(chunk) or _known(chunk, allowed):
            continue
        if _SIGNS.search(chunk) or any(unicodedata.category(sign) == "Sc" for sign in chunk):
            yield chunk
