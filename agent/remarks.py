"""A remark of a second reading: its one form, how a model's answer is read into it, and how it is made harmless.

Whoever can name a machine can write to the model. So an answer that is not exactly in the form is no answer, and of a
text that is, nothing survives that links, mentions, marks up, hides, or states a number that was not sealed.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agent.answer import cleaned
from agent.digits import Allowed, stated

Severity = Literal["danger", "doubt", "note"]
About = Literal[
    "change", "resource", "steps", "blast_radius", "reversibility", "amount", "evidence", "policy", "expiry",
    "preconditions", "requester", "incident",
]  # fmt: skip
MOST_REMARKS = 5
MOST_TEXT = 200
MOST_ANSWER = 8_000
MOST_PASSES = 6
_ORDER: dict[Severity, int] = {"danger": 0, "doubt": 1, "note": 2}

_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)
_NAMED_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_TAG = re.compile(r"<[^<>]*>")
_MARKS = str.maketrans({**dict.fromkeys("<>*~`|\\[]{}^", ""), "&": " and ", "@": " "})
_EDGE_UNDERSCORE = re.compile(r"(?<!\w)_+|_+(?!\w)")
_EMOJI = re.compile(r"(?<!\w):[a-z+][\w+-]*:(?!\w)", re.IGNORECASE)
_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*\s*:\s*//\s*\S*|\bwww\.\S*|\bmailto:\S*", re.IGNORECASE)
_DOMAIN = re.compile(r"(?<![\w.-])(?:[^\W_][\w-]*\.)+[^\W\d_]{2,24}(?![\w-])(?:[/?#:]\S*)?")
_SIZE = re.compile(r"[a-z][a-z0-9-]*\.(?:nano|micro|small|medium|large|metal)", re.IGNORECASE)


class Remark(BaseModel):
    """One remark, about one part of the sealed document."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    severity: Severity
    about: About
    text: Annotated[str, StringConstraints(min_length=1, max_length=MOST_TEXT)]

    def line(self) -> str:
        """The remark for a person: "doubt (amount): it is not known"."""
        return f"{self.severity} ({self.about.replace('_', ' ')}): {self.text}"


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    remarks: Annotated[list[Remark], Field(max_length=MOST_REMARKS)]


class Remarks(NamedTuple):
    """What is fit to be shown, gravest first, and how many were left out because they were not."""

    kept: tuple[Remark, ...]
    left_out: int


class NotReadable(ValueError):
    """An answer that is not in the form; its text is the reason in a few words."""


def remarks_of(said: str, document: Mapping[str, Any]) -> Remarks:
    """The remarks of a model's answer on this document; NotReadable for anything that is not exactly in the form."""
    if not said.strip():
        raise NotReadable("it gave no answer")
    if len(said) > MOST_ANSWER:
        raise NotReadable("its answer was too long")
    fenced = _FENCE.match(said)
    try:
        loaded = json.loads(fenced.group(1) if fenced else said, object_pairs_hook=_once)
        answer = _Answer.model_validate(loaded)
    except (ValueError, ValidationError, RecursionError):
        raise NotReadable("its answer was not in the form that was asked for") from None
    allowed = allowed_in(document)
    harmless = [remark.model_copy(update={"text": plain_text(remark.text)}) for remark in answer.remarks]
    kept = [remark for remark in harmless if 0 < len(remark.text) <= MOST_TEXT and not stated(remark.text, allowed)]
    return Remarks(in_order(kept), len(harmless) - len(kept))


def in_order(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """The gravest first."""
    return tuple(sorted(remarks, key=lambda remark: _ORDER[remark.severity]))


def plain_text(text: str) -> str:
    """`text` on one line without links, mentions, markup, emoji and hidden characters; empty if that has no end."""
    for _ in range(MOST_PASSES):
        plain = _stripped(text)
        if plain == text:
            return plain
        text = plain
    return ""


def _stripped(text: str) -> str:
    """One pass; what it takes out may have stood between the parts of something else."""
    plain = cleaned(unicodedata.normalize("NFKC", text))
    plain = "".join(" " if c.isspace() else c for c in plain if unicodedata.category(c) not in ("So", "Sk"))
    plain = _MAIL.sub("(address)", _TAG.sub("", _NAMED_LINK.sub(r"\1", plain))).translate(_MARKS)
    plain = _EMOJI.sub("", _EDGE_UNDERSCORE.sub("", plain))
    plain = _DOMAIN.sub(_linked, _ADDRESS.sub("(link)", plain)).replace("://", ": //")
    return " ".join(plain.split())


def _linked(match: re.Match[str]) -> str:
    return match.group() if _SIZE.fullmatch(match.group()) else "(link)"


def allowed_in(document: Mapping[str, Any]) -> Allowed:
    """The numbers that may be repeated: whole tokens of the document, and its amounts with their currency."""
    texts = list(_leaves(document))
    amount, evidence = _table(document.get("amount")), _table(document.get("evidence"))
    currency = str(amount.get("currency") or evidence.get("currency") or "")
    values = [amount.get("value"), evidence.get("amount"), evidence.get("saving")]
    values.append(_table(_table(document.get("policy")).get("together")).get("amount"))
    return Allowed.of(" ; ".join(f"{value} {currency}" for value in values if value is not None), texts)


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield str(key)
            yield from _leaves(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part)
    elif value is not None:
        yield str(value)


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which each key stands once: with two of a name, readers differ on which one counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found
