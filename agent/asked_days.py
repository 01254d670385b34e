"""Which days a question names, and which to compare them with, in the words that the tools understand."""

import re

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
    r"(?:month|week|quarter|year|period|day)\s+before|(?:previous|prior)\s+(?:period|month|week|quarter|year)|before"
)
_AGAINST = re.compile(
    r"(?:\bcompar\w+(?:\s+\w+){0,3}?\s+(?:to|with|against)|\bvs\.?|\bversus|\bagainst|\brelative\s+to|\bthan|\bover)"
    rf"\s+(?:the\s+|in\s+)?(?P<other>{_BEFORE}|{_PERIOD})(?![\w-])",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"\bmonth[\s-](?:over|on)[\s-]month\b|\bmom\b|\bcompared?\b|\bcomparison\b|\bchanged?\b|\bhow\s+much\s+(?:more|less)\b|"
    r"\bgrowth\b|\bgrow\b|\bgrew\b|\bincreased?\b|\bdecreased?\b",
    re.IGNORECASE,
)
_YEAR_AGO = re.compile(
    r"\byear[\s-](?:over|on)[\s-]year\b|\byoy\b|\ba\s+year\s+(?:ago|before|earlier)\b", re.IGNORECASE
)
_TWO = re.compile(r"\bcompare|\bbetween\b|\bdifference\b|\bfrom\b.*\bto\b", re.IGNORECASE | re.DOTALL)
_RISING = re.compile(r"\bfrom\b|\bbetween\b", re.IGNORECASE)


def asked_days(text: str) -> tuple[str, str]:
    """(period, what to compare it with), each empty if it was not said."""
    compare = ""
    if match := _AGAINST.search(text):
        other = match["other"]
        compare = "previous" if re.fullmatch(_BEFORE, other, re.IGNORECASE) else _normal(other)
        text = f"{text[: match.start()]} {text[match.end() :]}"
    elif _YEAR_AGO.search(text):
        compare = "last year"
    if match := _SINCE.search(text):
        return f"since {_normal(match['period'])}", compare
    found = [match["period"] for match in _FOUND.finditer(text) if not _is_modal(match)]
    if not compare and len(found) >= 2 and _TWO.search(text):
        first, second = map(_normal, found[:2])
        return (second, first) if _RISING.search(text) or _order(second) > _order(first) else (first, second)
    if not compare and _CHANGE.search(text):
        compare = "previous"
    return (_normal(found[0]) if found else ""), compare


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
