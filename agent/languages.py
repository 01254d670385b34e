"""Questions in other languages, put into the English that the offline model reads: closed lists, word by word.

A word that stands in no list stays as it is, and is then told as not understood: a translation that dropped a word
would answer another question with a figure that looks right.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from agent.plain_words import ALWAYS

LEAST_WORDS = 2
"""Words of a language that a question must hold: names of models and months alone belong to every language."""
_EAST_ASIAN = re.compile(r"[぀-ヿ一-鿿]")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Language:
    """One language: `lead` says in it how it is answered; `put` gives a question in English and how many words of the
    language it held."""

    code: str
    lead: str
    put: Callable[[str], tuple[str, int]]


@dataclass(frozen=True)
class Heard:
    """A question in English, and the language that it was asked in; None for English."""

    text: str
    language: Language | None = None


def in_english(question: str) -> Heard:
    """The question in the English of the tables; as it is where no language accounts for more of it than English."""
    english = sum(word.casefold() in ALWAYS for word in _WORD.findall(question))
    best: tuple[int, Heard] = (max(english, LEAST_WORDS - 1), Heard(question))
    for language in languages():
        text, held = language.put(question)
        if held > best[0]:
            best = (held, Heard(text, language))
    return best[1]


@cache
def languages() -> tuple[Language, ...]:
    """Every language of languages.toml."""
    tables = tomllib.loads(files("agent").joinpath("languages.toml").read_text(encoding="utf-8"))
    return tuple(Language(code, table["lead"], _translator(table["words"])) for code, table in tables.items())


def _translator(words: list[list[str]]) -> Callable[[str], tuple[str, int]]:
    patterns = [(re.compile(one[3:]), other) for one, other in words if one.startswith("re:")]
    plain = {_folded(one): other for one, other in words if not one.startswith("re:")}
    longest = sorted(plain, key=len, reverse=True)
    # Languages that write no spaces have no edges of words; everywhere else a name such as `de-noise` stays whole.
    spaced = [re.escape(word) for word in longest if not _EAST_ASIAN.search(word)]
    close = [re.escape(word) for word in longest if _EAST_ASIAN.search(word)]
    edged = rf"(?<![\w-])(?:{'|'.join(spaced)})(?![\w-])" if spaced else ""
    found = re.compile("|".join(part for part in (edged, *close) if part), re.IGNORECASE)

    def put(question: str) -> tuple[str, int]:
        held = 0

        def replaced(match: re.Match[str]) -> str:
            nonlocal held
            held += len(match.group().split())
            return f" {plain[_folded(match.group())]} "

        text = unicodedata.normalize("NFKC", question).lstrip("¿¡ ").replace("’", "'")
        for pattern, other in patterns:
            text, count = pattern.subn(f" {other} ", text)
            held += count
        text = found.sub(replaced, text)
        return re.sub(r"[ \t]+", " ", text).replace(" ?", "?").strip(), held

    return put


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text.casefold().replace("’", "'"))
