"""Which days a question names, and which to compare them with, in the words that the tools understand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = r"\d{4}-\d{2}-\d{2}"
_PERIOD = "|".join(
    (
        rf"{_DAY}\s*(?:\.\.|to|until|and|-|–)\s*{_DAY}",
        _DAY,
        r"\d{4}-?q[1-4]",
        r"\d{4}-\d{2}",
        r"q[1-4](?:\s+(?:of\s+)?\d{4})?",
        r"(?:this|current|last|previous|past)\s+(?:week|month|quarter|year)",
        r"(?:last|past|previous)\s+\d{1,3}\s+(?:day|week|month)s?",
        r"(?:month|quarter|year)\s+to\s+date",
        r"[mqy]td|today|yesterday",
        rf"{_MONTH}\.?(?:\s+(?:of\s+)?\d{{4}})?",
        r"20\d{2}",
    )
)
_FOUND = re.compile(rf"(?<![\w.-])(?P<period>{_PERIOD})(?![\w-])", re.IGNORECASE)
_SINCE = re.compile(rf"\bsince\s+(?P<period>{_PERIOD})(?![\w-])", re.IGNORECASE)
_BEFORE = (
    r"(?:month|week|quarter|year|period|day)\s+before|(?:previous|prior)\s+(?:period|month|week|quarter|year)|before|"
    r"last(?=\W*$)"
)
_AGAINST = re.compile(
    r"(?:\bcompar\w+(?P<first>(?:\s+\w+){0,3}?)\s+(?:to|with|against)|\bvs\.?|\bversus|\bagainst|\brelative\s+to|"
    rf"\bthan|(?P<over>\bover))\s+(?:the\s+|in\s+)?(?P<other>{_BEFORE}|{_PERIOD})(?![\w-])",
    re.IGNORECASE,
)
_MOVED = re.compile(r"\b(?:more|less|up|down|rise|rose|jump\w*|\w*creased?|grow\w*|grew|chang\w+|higher|lower)\b", re.I)
_COUNTED = re.compile(r"\d+\s+\w+$")
_CHANGE = re.compile(
    r"\bmonth[\s-](?:over|on)[\s-]month\b|\bmom\b|\bcompared?\b|\bcomparison\b|\bchanged?\b|\bhow\s+much\s+(?:more|less)\b|"
    r"\bgrowth\b|\bgrow(?:s|ing)?\b|\bgrew\b|\bincreased?\b|\bdecreased?\b",
    re.IGNORECASE,
)
_CHANGE_NAMES_DAYS = re.compile(r"\bmonth[\s-](?:over|on)[\s-]month\b|\bmom\b", re.IGNORECASE)
_YEAR_AGO = re.compile(
    r"\byear[\s-](?:over|on)[\s-]year\b|\byoy\b|\ba\s+year\s+(?:ago|before|earlier)\b", re.IGNORECASE
)
_TWO = re.compile(r"\bcompare|\bbetween\b|\bdifference\b|\bfrom\b.*\bto\b", re.IGNORECASE | re.DOTALL)
_RISING = re.compile(r"\bfrom\b|\bbetween\b", re.IGNORECASE)
_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_SPELLED = re.compile(
    rf"(?<=\b(?:last|past)\s)(?P<number>{'|'.join(_NUMBERS)})(?=\s+(?:day|week|month)s?\b)", re.IGNORECASE
)


@dataclass(frozen=True)
class Days:
    """A period and what to compare it with, each empty if it was not said; and the text without what said them."""

    period: str
    compare: str
    rest: str


def asked_days(text: str) -> Days:
    """The days of a question. A period that is neither taken nor compared with stays in the rest."""
    text = _SPELLED.sub(lambda match: str(_NUMBERS.index(match["number"].casefold()) + 1), text)
    compare = ""
    if (match := _AGAINST.search(text)) and not _lasts(match):
        other = match["other"]
        compare = "previous" if re.fullmatch(_BEFORE, other, re.IGNORECASE) else _normal(other)
        text = f"{text[: match.start()]} {match['first'] or ''} , {text[match.end() :]}"
    elif _YEAR_AGO.search(text):
        compare = "last year"
        text = _YEAR_AGO.sub(" , ", text)
    changed = not compare and bool(_CHANGE.search(text))
    text = _CHANGE_NAMES_DAYS.sub(" , ", text)
    if since := _SINCE.search(text):
        compare = compare or ("previous" if changed else "")
        return Days(f"since {_normal(since['period'])}", compare, _cut(text, [since]))
    found = [match for match in _FOUND.finditer(text) if not _is_modal(match)]
    if not compare and len(found) >= 2 and _TWO.search(text):
        first, second = (_normal(match["period"]) for match in found[:2])
        rising = _RISING.search(text) or _order(second) > _order(first)
        return Days(*((second, first) if rising else (first, second)), _cut(text, found[:2]))
    if changed:
        compare = "previous"
    return Days(_normal(found[0]["period"]) if found else "", compare, _cut(text, found[:1]))


def _lasts(match: re.Match[str]) -> bool:
    """`over the last six months` is how long it took; `up over last month` compares."""
    moved = _MOVED.search(match.string, 0, match.start())
    return bool(match["over"]) and (not moved or bool(_COUNTED.search(match["other"])))


def _cut(text: str, said: Sequence[re.Match[str]]) -> str:
    for match in reversed(said):
        text = f"{text[: match.start()]} , {text[match.end() :]}"
    return text


def _order(period: str) -> tuple[int, str]:
    """Months of one year by their place in it, everything else as it is written."""
    named = [n for n, month in enumerate(_MONTHS) if period.casefold().startswith(month)]
    return (named[0] if named else 0, period)


def _is_modal(match: re.Match[str]) -> bool:
    """`may` is a month only where it is written as one."""
    word = match["period"]
    return word.casefold() == "may" and (word != "May" or match.start() == 0)


def _normal(period: str) -> str:
    period = re.sub(r"\s+", " ", period.strip().rstrip("."))
    period = re.sub(rf"({_DAY})\s*(?:\.\.|to|until|and|-|–)\s*({_DAY})", r"\1..\2", period, flags=re.IGNORECASE)
    return re.sub(r"\bof (?=\d{4})", "", period)
