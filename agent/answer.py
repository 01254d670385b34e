"""The answer: every figure a reference that code replaces, every other digit a repeated name, or nothing is said.

A model that writes `$1,234` may have rounded, added up or invented it, and nobody can tell. So it writes
`{q1.r3.effective}`; the display, label and period that stand in the answer are the figure's own, and an answer that
states a number in any other way is not shown.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.captions import REFERENCE, Beside, beside, substituted
from agent.digits import Allowed, stated
from tools.result import Figure, ToolResult

DECLINED = "DECLINED:"
"""How an answer begins that refuses; taken off before anyone reads it."""

_BEFORE = re.compile(r"[\w\-+−–±~≈.,/\\×<>=$€£¥%}]$")
_AFTER = re.compile(r"^(?:[\w{%‰$€£¥]|[.,/]\w|\s*(?:[kKmMbBxX×%‰]|bn|mn|tn|USD|EUR|GBP|percent|pp|fold)\b|\s*[%‰×])")
_LINK = re.compile(r"://|www\.|mailto:|<[!@#a-z/]|\]\(", re.IGNORECASE)
_DEED = re.compile(
    r"\b(?:i|we)(?:['’]ve|\s+have|\s+just|\s+already)*\s+(?:approved|executed|stopped|started|terminated|deleted|shut|"
    r"rejected|resized|signed|killed|turned)\b",
    re.IGNORECASE,
)
_DONE = re.compile(
    r"\b(?:has|have|was|were|is now|are now|got|is|are)\s+(?:now\s+|already\s+|just\s+|been\s+|successfully\s+)*"
    r"(?:approved|executed|terminated|shut down)\b(?!\s+(?:only|by|with|in|on|through))",
    re.IGNORECASE,
)
_BRACES = re.compile(r"[{}｛｝﹛﹜❴❵]")


@dataclass(frozen=True)
class Known:
    """What an answer of this thread may show: figures by address, and what may be repeated word for word."""

    figures: Mapping[str, Figure]
    allowed: Allowed
    displays: Mapping[str, Figure | None] = field(default_factory=dict)
    """by display; None where two figures look the same"""
    own: Beside = field(default_factory=dict)
    decided: bool = False
    """people have had a proposal of this thread before them: only then may an answer speak of something done"""

    @classmethod
    def of(
        cls, results: Sequence[ToolResult], *, question: str, names: Iterable[str] = (), decided: bool = False
    ) -> "Known":
        figures = {figure.id: figure for result in results for figure in result.figures}
        displays: dict[str, Figure | None] = {}
        for figure in figures.values():
            displays[figure.display] = None if figure.display in displays else figure
        said = [text for result in results for text in texts_of(result)]
        rows = [row for result in results for row in (*result.rows, *result.totals)]
        return cls(figures, Allowed.of(question, [*said, *names]), displays, beside(rows, figures), decided)


@dataclass(frozen=True)
class Checked:
    """A text fit to show with the figures in it, or the reasons why it is not."""

    text: str
    figures: tuple[Figure, ...] = ()
    reasons: tuple[str, ...] = ()
    declined: bool = False
    raw: str = ""
    """the text with its references, as the thread remembers it"""

    @property
    def passed(self) -> bool:
        return not self.reasons


def texts_of(result: ToolResult) -> Iterable[str]:
    """Every name, id, date and note of a result: what may be repeated; the values of figures are not among them."""
    yield from (result.title, *result.notes, *result.snapshots, *result.proposals)
    for state in result.completeness:
        yield from (state.source, state.data_through, state.reason)
    for row in (*result.rows, *result.totals):
        yield from (*row.names.values(), *row.texts.values())
    for figure in result.figures:
        yield from (figure.label, figure.period)
    if result.error:
        yield from (result.error.what, result.error.why, result.error.do, *result.error.candidates)


def cleaned(text: str) -> str:
    """Without characters that are drawn as nothing or turn the reading direction; line breaks stay."""
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\t", " "))
    return "".join(
        c for c in plain if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Cn")
    ).strip()


def check(text: str, known: Known, *, wants_figure: bool = False, longest: int = 6_000) -> Checked:
    """`text` with each reference replaced, or the reasons against it; `wants_figure` if tools answered with figures."""
    text = cleaned(text)
    declined = text.startswith(DECLINED)
    text = text.removeprefix(DECLINED).strip()
    if not text:
        return Checked("", reasons=("the answer is empty",))
    if len(text) > longest:
        return Checked("", reasons=("the answer is too long",))
    text = _with_references(text, known)
    reasons = [*_wrong_references(text, known), *_wrong_prose(text, known)]
    addresses = [match["address"] for match in REFERENCE.finditer(text)]
    if wants_figure and not addresses and not declined and not text.endswith("?"):
        reasons.append("the tools gave figures and the answer refers to none of them")
    if reasons:
        return Checked("", reasons=tuple(dict.fromkeys(reasons)), declined=declined)
    used = tuple(known.figures[address] for address in dict.fromkeys(addresses))
    return Checked(substituted(text, known.figures, known.own), used, declined=declined, raw=text)


def _with_references(text: str, known: Known) -> str:
    """A display typed out, where exactly one figure has it, becomes that figure's reference: so it gets its label."""
    telling = sorted((d for d, figure in known.displays.items() if figure and not d.isdigit()), key=len, reverse=True)
    if not telling:
        return text
    pattern = re.compile(rf"(?<![\w.,{{$€£+−-])(?:{'|'.join(map(re.escape, telling))})(?![\w%}}]|[.,]\w|\s*%)")
    pieces = re.split(r"(\{[^{}\s]{1,200}\})", text)

    def referred(match: re.Match[str]) -> str:
        figure = known.displays[match.group()]
        return f"{{{figure.id}}}" if figure else match.group()

    return "".join(piece if index % 2 else pattern.sub(referred, piece) for index, piece in enumerate(pieces))


def _wrong_references(text: str, known: Known) -> Iterable[str]:
    for match in REFERENCE.finditer(text):
        if match["address"] not in known.figures:
            yield f"{match.group(0).rstrip('*_~`')} is no figure of this conversation's results"
        elif _BEFORE.search(text[: match.start()].rstrip("*_~`")) or _AFTER.search(text[match.end() :]):
            yield f"something that would change the figure stands directly beside {{{match['address']}}}"


def _wrong_prose(text: str, known: Known) -> Iterable[str]:
    prose = REFERENCE.sub(" \u0001 ", text)
    if _BRACES.search(prose):
        yield "a brace that is no reference"
    if _LINK.search(prose):
        yield "a link or a mention"
    if _DEED.search(prose) or (not known.decided and _DONE.search(prose)):
        yield "it claims a deed; the agent only proposes, people and the worker do the rest"
    for number in stated(prose, known.allowed):
        yield f"“{number}” is a number in its own words, not a reference to a figure"


def without_lost(raw: str, at_hand: set[str]) -> str:
    """A remembered text whose references to results that are gone, or not this reader's, say so."""
    return REFERENCE.sub(lambda m: m.group(0) if m["address"] in at_hand else "(a figure no longer at hand)", raw)


def plain(results: Sequence[ToolResult], *, rows: int = 10) -> Checked:
    """The tools' own rendering: what is said when a model's text cannot be."""
    lines: list[str] = []
    used: dict[str, Figure] = {}
    for result in results:
        lines.append(str(result.error) if result.error else f"{result.title}:")
        if result.error and result.error.candidates:
            lines.append(f"Nearest: {', '.join(result.error.candidates)}")
        shown = [address for row in (*result.totals, *result.rows[:rows]) for address in row.figures.values()]
        for address in shown or [figure.id for figure in result.figures[:rows]]:
            if found := result.figure(address):
                lines.append(f"- {{{address}}}")
                used[address] = found
        if len(result.rows) > rows:
            lines.append("- … and further rows")
    raw = cleaned("\n".join(lines))
    rows_used = [row for result in results for row in (*result.rows, *result.totals)]
    return Checked(substituted(raw, used, beside(rows_used, used)), tuple(used.values()), raw=raw)
