"""Figures in their place: each display with its own label and period, said once where a reader of a list looks for it.

In a sentence a figure is followed by its label and period. In a list whose lines name nothing but their own rows, what
all lines share stands once above it, and what a line has named is not said again behind its figure. A line with any
other word in it gets everything, so that a line about the wrong team or month shows the right one behind the figure.
"""

import re
from collections.abc import Mapping, Sequence

from tools.result import Figure, Row
from tools.wording import named

Beside = Mapping[str, Mapping[tuple[str, ...], str]]
"""By address, what may stand beside a figure in a list: its row's own words -> the part of the caption they say."""

REFERENCE = re.compile(r"\{(?P<address>[^{}\s]{1,200})\}(?P<closing>[*_~`]{0,3})")
_BULLET = re.compile(r"^\s*(?:[-•*–]|\w{1,3}[.)])\s")
_SPLIT = re.compile(r"[,():;]+|\s[-–]\s")
# Words between figures that say nothing of whose or of when they are.
_LINKING = frozenset(
    {"change", "expected", "actual", "excess", "that", "is", "and", "mostly", "which", "cost", "costs"}
)
_SENTENCE_ENDS = re.compile(r"[.!?;]\s")


def caption(figure: Figure) -> str:
    """A figure's own label and period."""
    return ", ".join(parts(figure))


def parts(figure: Figure) -> list[str]:
    """The caption in its parts: `Effective cost of AI`, `team fraud`, `October 2026`."""
    return [part for part in (*_plain(figure.label).split(", "), _plain(figure.period)) if part]


def beside(rows: Sequence[Row], figures: Mapping[str, Figure]) -> dict[str, dict[tuple[str, ...], str]]:
    """For each figure of `rows`, its row's own words."""
    found: dict[str, dict[tuple[str, ...], str]] = {}
    for row in rows:
        said = {_pieces(text): "" for text in row.texts.values()}
        for dimension, value in row.names.items():
            part = named(dimension, value)
            said |= {_pieces(value): part, _pieces(part): part}
        for address in row.figures.values():
            if address in figures:
                found[address] = said | {_pieces(part): part for part in parts(figures[address])}
    return found


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(piece for part in _SPLIT.split(text) if (piece := part.strip(" .*_~`").casefold()))


def substituted(text: str, figures: Mapping[str, Figure], own: Beside | None = None) -> str:
    """`text` with each reference (all of them known) replaced by its figure; `own` as `beside` gives it."""
    said: set[str] = set()
    twins = _look_alikes(text, figures)
    shown: list[str] = []
    for block in _blocks(text.split("\n")):
        named_by = [_named(line, own or {}) for line in block]
        tidy = len(block) > 1 and all(names is not None for names in named_by)
        common = _common(block, figures) if tidy else []
        if any(common):
            _head(shown, common)
        for line, names in zip(block, named_by, strict=True):
            spare = [set(shared) | own_part for shared, own_part in zip(common, names or [], strict=False)]
            shown.append(_line(line, figures, spare, said=said, twins=twins))
    return "\n".join(shown)


def _named(line: str, own: Beside) -> list[set[str]] | None:
    """By figure, the caption parts that a line of a list names; None if it holds anything that is not its row's own."""
    addresses = [match["address"] for match in REFERENCE.finditer(line)]
    # Two rows in one line could have their names swapped: such a line gets everything.
    if not addresses or any(a not in own for a in addresses) or len({a.rpartition(".")[0] for a in addresses}) > 1:
        return None
    known = [{piece for pieces in own[address] for piece in pieces} for address in addresses]
    seen: set[str] = set()
    for piece in _pieces(REFERENCE.sub(" , ", _BULLET.sub("", line))):
        words = piece.split()
        while words and words[0] in _LINKING and not any(" ".join(words) in one for one in known):
            words = words[1:]
        if words and not any(" ".join(words) in one for one in known):
            return None
        seen |= {" ".join(words)} if words else set()
    return [{part for pieces, part in own[address].items() if part and set(pieces) <= seen} for address in addresses]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()


def _look_alikes(text: str, figures: Mapping[str, Figure]) -> set[str]:
    """Addresses of the text whose displays another figure of it has too."""
    used = {match["address"] for match in REFERENCE.finditer(text)}
    displays = [figures[address].display for address in used]
    return {address for address in used if displays.count(figures[address].display) > 1}


def _blocks(lines: Sequence[str]) -> list[list[str]]:
    """Lines one by one, a list (two or more lines of bullets) as one block."""
    blocks: list[list[str]] = []
    for line in lines:
        bullet = bool(_BULLET.match(line)) and bool(REFERENCE.search(line))
        if bullet and blocks and _BULLET.match(blocks[-1][-1]) and REFERENCE.search(blocks[-1][-1]):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return blocks


def _common(block: Sequence[str], figures: Mapping[str, Figure]) -> list[list[str]]:
    """By position in the line: the parts that all lines of a list share; empty for a single line or uneven lines."""
    columns = [[parts(figures[match["address"]]) for match in REFERENCE.finditer(line)] for line in block]
    if len(block) < 2 or len({len(column) for column in columns}) != 1:
        return []
    return [
        [part for part in first if all(part in other[position] for other in columns)]
        for position, first in enumerate(columns[0])
    ]


def _head(shown: list[str], common: Sequence[Sequence[str]]) -> None:
    """Says what a list shares above it, in the line that leads to it if there is one."""
    leads = bool(shown) and shown[-1].rstrip().endswith(":")
    lead = shown[-1] if leads else ""
    shared = [[part for part in column if not _stands(part, lead)] for column in common]
    said = "; ".join(dict.fromkeys(", ".join(column) for column in shared if column))
    if not said:
        return
    if leads:
        shown[-1] = f"{shown[-1].rstrip()[:-1]} ({said}):"
    else:
        shown.append(f"{said}:")


def _line(
    line: str, figures: Mapping[str, Figure], spare: Sequence[set[str]], *, said: set[str], twins: set[str]
) -> str:
    found = list(REFERENCE.finditer(line))
    left = [
        [part for part in parts(figures[match["address"]]) if not spare or part not in spare[n]]
        for n, match in enumerate(found)
    ]
    pieces: list[str] = []
    at = 0
    for n, match in enumerate(found):
        figure = figures[match["address"]]
        again = figure.id in said and figure.id not in twins
        # Beside a figure with the same caption it is said once, behind the last of them.
        follows = n + 1 < len(found) and left[n + 1] == left[n] and match["address"] != found[n + 1]["address"]
        follows = follows and not _SENTENCE_ENDS.search(line[match.end() : found[n + 1].start()])
        after = "" if again or follows or not left[n] else f" ({', '.join(left[n])})"
        pieces.append(f"{line[at : match.start()]}{figure.display}{match['closing']}{after}")
        said.add(figure.id)
        at = match.end()
    return "".join(pieces) + line[at:]


def _stands(part: str, text: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(part)}(?![\w-]|\.\w)", text))
