"""Where in a file something is wrong: names the table, the key and the line, as an editor shows it.

`tomllib` tells lines only for broken TOML; for a value that is well-formed and not allowed the line is looked up here.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from approvals.errors import PolicyError


@dataclass(frozen=True)
class Place:
    """A file with its text, from which faults are made."""

    file: str
    text: str
    what: str

    def document(self) -> dict[str, Any]:
        """The file as TOML; what is no TOML is a fault with its line."""
        try:
            return tomllib.loads(self.text)
        except RecursionError:
            raise self.fault("it is nested too deeply", do="Write the tables as the manual shows them") from None
        except ValueError as error:  # a number of thousands of digits is a ValueError and no TOMLDecodeError
            raise self.fault(str(error), do="Correct the TOML") from None

    def fault(self, why: str, *, do: str, table: str = "", at: int | None = None, key: str = "") -> PolicyError:
        """The error for one fault; `at` is which of several [[table]] it is, from 0."""
        where = self.words(table=table, at=at, key=key)
        return PolicyError(self.what, why=f"{where}: {why}", do=do, where=where)

    def words(self, *, table: str = "", at: int | None = None, key: str = "") -> str:
        """A place for a person: "rules.toml, line 12, [class] (number 2), votes"."""
        line = self.line(table=table, at=at, key=key)
        number = f" (number {at + 1})" if at is not None else ""
        header = f", [{table}]{number}" if table else ""
        return f"{self.file}" + (f", line {line}" if line else "") + header + (f", {key}" if key else "")

    def line(self, *, table: str = "", at: int | None = None, key: str = "") -> int | None:
        """The line, from 1, of a key or of its table's heading; None where neither stands in the text by itself."""
        lines = self.text.splitlines()
        start = 0
        if table:
            header = re.compile(rf'^\s*\[\[?\s*"?{re.escape(table)}"?\s*\]\]?\s*(#.*)?$')
            found = [number for number, line in enumerate(lines) if header.match(line)]
            if len(found) <= (at or 0):
                return self._inline(lines, table)
            start = found[at or 0]
        if not key:
            return start + 1 if table else None
        wanted = re.compile(rf'^\s*("?{re.escape(key)}"?\s*[=.]|\[\[?\s*{re.escape(key)}\s*\])')
        for number in range(start + 1 if table else 0, len(lines)):
            if wanted.match(lines[number]):
                return number + 1
            if table and lines[number].lstrip().startswith("[") and not lines[number].startswith((" ", "\t")):
                break
        return start + 1 if table else None

    @staticmethod
    def _inline(lines: list[str], table: str) -> int | None:
        """A table that is written as `caps = { … }` or `caps.changes_per_hour = …` has no heading."""
        written = re.compile(rf'^\s*"?{re.escape(table)}"?\s*[=.]')
        return next((number for number, line in enumerate(lines, 1) if written.match(line)), None)
