"""A picture as a file: the Vega-Lite document itself, or drawn as SVG or PNG, by the ending of the file's name.

What draws is 84 MB that nobody needs who looks at tables, so it is an extra, and comes in only when it draws.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

from app.errors import Exit, Problem
from app.new_file import new_file, refuse_taken

OPTION = "--picture"
DRAWN = (".svg", ".png")
ENDINGS = (*DRAWN, ".json")
SCALE = 2.0  # of a PNG: sharp where it is looked at on a good screen, and on paper


def check_picture(path: Path) -> None:
    """Raises Problem for a name that does not say what to write, for one that is taken and for a missing extra: before
    anything is computed."""
    if path.suffix.lower() not in ENDINGS:
        raise Problem(
            f"{path.name} does not say what kind of picture it is to be.",
            why="The ending of the file's name says it.",
            do=f"Let it end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} (the Vega-Lite document).",
            exit_code=Exit.USAGE,
        )
    if path.suffix.lower() in DRAWN and importlib.util.find_spec("vl_convert") is None:
        raise _not_installed()
    refuse_taken(path, option=OPTION)


def write_picture(path: Path, document: dict[str, Any]) -> None:
    """Writes `document` to `path`, whole or not at all and never over another file. Raises Problem."""
    check_picture(path)
    text = json.dumps(document, ensure_ascii=False, indent=1)
    with new_file(path, option=OPTION) as file:
        file.write(_drawn(path.suffix.lower(), text))


def _drawn(ending: str, text: str) -> bytes:
    if ending == ".json":
        return f"{text}\n".encode()
    try:
        import vl_convert
    except ImportError as error:
        raise _not_installed() from error
    try:
        # No address is allowed: the values stand in the document, and nothing is to be fetched.
        if ending == ".svg":
            return str(vl_convert.vegalite_to_svg(text, allowed_base_urls=[])).encode()
        return bytes(vl_convert.vegalite_to_png(text, scale=SCALE, allowed_base_urls=[]))
    except ValueError as error:
        raise Problem(
            "The picture could not be drawn.",
            why=f"{' '.join(str(error).split())[:200]}.",
            do="Write the document instead (a name that ends in .json), and please report this.",
        ) from error


def _not_installed() -> Problem:
    return Problem(
        "What draws pictures is not installed.",
        why="It needs the package vl-convert-python, which Spendgate brings along only where it is wanted.",
        do='Install it: pip install "spendgate[pictures]"; or take the Vega-Lite document, a name that ends in .json.',
    )
