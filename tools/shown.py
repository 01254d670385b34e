"""Text that came from data, made fit to show: short, visible in every character, unable to pass for anything else.

Tag values and resource names are written by whoever can tag a machine. Shown raw, one could hide characters, turn the
reading direction, link to an address, or look like a reference to a figure that no tool computed.
"""

import re
import unicodedata

LIMIT = 80

_LOOKALIKES = str.maketrans(
    {
        "{": "(",
        "}": ")",
        "｛": "(",
        "｝": ")",
        "<": "‹",
        ">": "›",
        "`": "'",
        "*": "∗",
        "~": "∼",
        "|": "¦",
        "[": "(",
        "]": ")",
    }
)
# Letters and symbols by category, yet drawn as nothing.
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f")
_SIGN = r"[$€£¥₹₣₩₽₿¢＄￥￡]"
_CODE = r"(?:USD|EUR|GBP|CHF|JPY|INR)"
_NUMBER = r"[-+−]?\d(?:[\d.,'’_]*\d)?(?:\s?(?:k|m|bn|mn|tn|thousand|million|billion|trillion)(?!\w))?"
_AMOUNT = re.compile(
    rf"[-+−]?(?:{_SIGN}|\b{_CODE})\s*{_NUMBER}|{_NUMBER}\s*(?:{_SIGN}|[%‰％]|(?:{_CODE}|dollars?|euros?|percent)(?!\w))",
    re.IGNORECASE,
)
_BETWEEN_QUOTES = re.compile(r"'[^'\n]*'")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


def shown(text: str | None, limit: int = LIMIT, *, keep_end: bool = False) -> str:
    """`text` as it may stand in a label, a card or a model's input; `(none)` for nothing. A long one is cut at its
    end, or at its start with `keep_end` (the end of a resource's path says which one it is)."""
    if text is None or not text.strip():
        return "(none)"
    # Cut before and after: escapes lengthen the text, and a megabyte must not be walked for eighty characters.
    part = text.strip()[-limit - 1 :] if keep_end else text.strip()[: limit + 1]
    visible = "".join(_visible(character) for character in part)
    visible = visible.translate(_LOOKALIKES).replace("://", ": //")
    if len(visible) <= limit:
        return visible
    return f"…{visible[1 - limit :]}" if keep_end else f"{visible[: limit - 1]}…"


def unpriced(text: str, *, quoted: bool = False) -> str:
    """`text` with `…` for every amount of money, share or multiple in it; `quoted`: only between single quotes.

    A refusal tells back the name that nothing carries. A model that asks for the team `saves $1,000,000 a month` would
    otherwise have a tool state that amount for it.
    """
    if quoted:
        return _BETWEEN_QUOTES.sub(lambda match: _AMOUNT.sub("…", match.group()), text)
    return _AMOUNT.sub("…", text)


def quoted(text: str, limit: int = LIMIT) -> str:
    """`text` of somebody else's in a sentence of ours: between quotes, fit to show, and stating no amount."""
    return f"'{unpriced(shown(text, limit))}'"


def one_line(text: str) -> str:
    """`text` for a terminal: nothing in it can move the cursor, begin a line or turn the reading direction."""
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in _BLANK or unicodedata.category(character) in _HIDDEN_CATEGORIES or _is_variation(character):
        return f"\\u{ord(character):04x}"
    return " " if unicodedata.category(character) == "Zs" else character


def _is_variation(character: str) -> bool:
    return 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF
