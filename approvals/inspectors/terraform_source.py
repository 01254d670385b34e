"""Where an argument of a resource stands in Terraform's files, if that can be said beyond doubt; otherwise nowhere.

Nothing here understands Terraform's language. Strings, comments and heredocs are masked, so that only what is code is
looked at; then one block, one line and one plain value must be found, or there is no diff. The diff has no context
lines: what stands beside the argument may be a secret.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from approvals.inspectors.port import CannotLook

MOST_BYTES, MOST_FILES, LONGEST = 1024 * 1024, 500, 200
OTHERS = (".tf.json", ".tofu", ".tofu.json")
"""Files in other forms, which may overrule what a .tf file says."""
_OVERRIDES = re.compile(r"(.*_)?override\.tf")
_HEREDOC = re.compile(r"<<-?([^\W\d][\w-]*)[ \t]*\n")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}")
_LITERAL = re.compile(r'"([A-Za-z0-9._-]{1,64})"|(0|[1-9][0-9]{0,8})')
_SHARED = re.compile(r"^\s*(count|for_each)\s*=", re.MULTILINE)
_IGNORED = re.compile(r"\bignore_changes\s*=")


class UnclearError(Exception):
    """The file is not in a form that can be told apart into code and text."""


@dataclass(frozen=True)
class Block:
    """One resource's block: its file's name and text, and from where to where its body reaches."""

    file: str
    text: str
    masked: str
    start: int
    end: int


def diff_of(
    folder: Path, type_: str, name: str, argument: str, before: str | int | None, after: str | int
) -> list[str]:
    """The unified diff that sets the argument; empty where it is not one plain value of one block in this folder.

    Raises CannotLook where the folder cannot be read.
    """
    blocks = list(_blocks(folder, type_, name))
    if len(blocks) != 1:
        return []
    (block,) = blocks
    body = block.masked[block.start : block.end]
    if _SHARED.search(body) or _IGNORED.search(body):
        return []  # the block makes several resources, or Terraform passes over what is set
    places = [place for place in _lines_at_depth_one(block) if _names(block, place, argument)]
    if len(places) != 1:
        return []
    return _replaced(block, places[0], before, after)


def _replaced(block: Block, place: tuple[int, int], before: str | int | None, after: str | int) -> list[str]:
    line = block.text[slice(*place)]
    if block.text[place[0] - 1] != "\n" or block.text[place[1]] != "\n":
        return []  # what stands beside it on its line would be shown too
    value = line.partition("=")[2].lstrip(" \t")
    found = _LITERAL.match(value)
    if found is None or len(line) > LONGEST or not line.replace("\t", " ").isprintable():
        return []
    rest = value[found.end() :].strip()
    stood = found[1] if found[1] is not None else int(found[2])
    if (rest and not rest.startswith(("#", "//"))) or isinstance(stood, str) != isinstance(after, str):
        return []
    if stood == after or (before is not None and stood != before):
        return []
    at = place[0] + len(line) - len(value)
    written = f'"{after}"' if isinstance(after, str) else str(after)
    text = block.text[:at] + written + block.text[at + found.end() :]
    names = (f"a/{block.file}", f"b/{block.file}")
    return list(unified_diff(block.text.split("\n"), text.split("\n"), *names, n=0, lineterm=""))


def _blocks(folder: Path, type_: str, name: str) -> Iterator[Block]:
    """Every block of this resource; none where one file is unclear, since a second block could stand in it, and none in
    a file that is kept elsewhere, or whose name no diff could bear."""
    head = re.compile(rf'^resource[ \t]+"{re.escape(type_)}"[ \t]+"{re.escape(name)}"[ \t]*\{{', re.MULTILINE)
    found: list[Block] = []
    for path in _files(folder):
        try:
            text = _text_of(path)
            if type_ not in text:
                continue
            if path.is_symlink() or not _PLAIN_NAME.fullmatch(path.name):
                return
            masked = mask(text)
            found += [
                Block(path.name, text, masked, match.end(), _closing(masked, match.end()))
                for match in head.finditer(text)
                if masked.startswith("resource", match.start()) and _depth(masked[: match.start()]) == 0
            ]
        except UnclearError:
            return
    yield from found


def _files(folder: Path) -> list[Path]:
    try:
        every = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise CannotLook(f"Terraform's files in {folder.name} cannot be read: {error.strerror}") from None
    # Terraform reads no file whose name begins with a dot.
    every = [path for path in every if not path.name.startswith(".")]
    if any(path.name.endswith(OTHERS) or _OVERRIDES.fullmatch(path.name) for path in every):
        return []
    files = [path for path in every if path.suffix == ".tf"]
    if len(files) > MOST_FILES:
        raise CannotLook(f"{folder.name} holds more than {MOST_FILES} files of Terraform")
    return files


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CannotLook(f"{path.name} cannot be read: {error.strerror}") from None
    if len(raw) > MOST_BYTES or b"\r" in raw:
        raise UnclearError
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnclearError from None


def _lines_at_depth_one(block: Block) -> Iterator[tuple[int, int]]:
    """From where to where each line reaches that begins directly in the block, in no block or list within it."""
    depth, at = 0, block.start
    while at < block.end:
        end = block.masked.find("\n", at)
        end = block.end if end < 0 or end > block.end else end
        if depth == 0:
            yield at, end
        depth += _depth(block.masked[at:end])
        at = end + 1


def _names(block: Block, place: tuple[int, int], argument: str) -> bool:
    return re.match(rf"[ \t]*{argument}[ \t]*=[^=]", block.masked[slice(*place)]) is not None


def _depth(masked: str) -> int:
    return sum(masked.count(one) for one in "{[(") - sum(masked.count(one) for one in "}])")


def _closing(masked: str, start: int) -> int:
    depth = 1
    for at in range(start, len(masked)):
        depth += (masked[at] == "{") - (masked[at] == "}")
        if depth == 0:
            return at
    raise UnclearError


def mask(text: str) -> str:
    """The text with everything inside strings, comments and heredocs as `x`, of the same length and lines."""
    out, at = [], 0
    while at < len(text):
        end = _text_end(text, at)
        if end == at:
            out.append(text[at])
            at += 1
        else:
            out += ["\n" if one == "\n" else "x" for one in text[at:end]]
            at = end
    return "".join(out)


def _text_end(text: str, at: int) -> int:
    """Where what begins here ends, if it is no code; otherwise `at` itself."""
    if text[at] == '"':
        return _string_end(text, at + 1)
    if text[at] == "#" or text.startswith("//", at):
        end = text.find("\n", at)
        return len(text) if end < 0 else end
    if text.startswith("/*", at):
        end = text.find("*/", at + 2)
        if end < 0:
            raise UnclearError
        return end + 2
    if not text.startswith("<<", at):
        return at
    opened = _HEREDOC.match(text, at)
    if opened is None:
        raise UnclearError  # nothing else begins so
    closed = re.compile(rf"^[ \t]*{opened[1]}[ \t]*$", re.MULTILINE).search(text, opened.end())
    if closed is None:
        raise UnclearError
    return closed.end()


def _string_end(text: str, at: int) -> int:
    """Behind the closing quote; templates within a string may hold strings of their own."""
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == '"':
            return at + 1
        elif text[at] == "\n":
            raise UnclearError
        elif text.startswith(("$${", "%%{"), at):
            at += 3
        elif text.startswith(("${", "%{"), at):
            at = _template_end(text, at + 2)
        else:
            at += 1
    raise UnclearError


def _template_end(text: str, at: int) -> int:
    depth = 1
    while at < len(text):
        if text[at] == '"':
            at = _string_end(text, at + 1)
            continue
        depth += (text[at] == "{") - (text[at] == "}")
        at += 1
        if depth == 0:
            return at
    raise UnclearError
