"""Where in a file something is wrong: names the table, the key and the line, as an editor shows it.

`tomllib` tells lines only for broken TOML; for a value that is well-formed and not allowed the line is looked up here.
"""

import re
from dataclasses import dataclass

from approvals.errors import PolicyError


@dataclass(frozen=True)
class Place:
    """A file with its text, from which faults are made."""

    file: str
    text: str
    what: str

    def fault(self, why: str, *, do: str, table: str = "", at: int | None = None, key: str = "") -> PolicyError:
        """The error for one fault; `at` is which of several [[table]] it is, from 0."""
        line = self._line(table, at or 0, key)
        number = f" (number {at + 1})" if at is not None else ""
        header = f", [{table}]{number}" if table else ""
        where = f"{self.file}" + (f", line {line}" if line else "") + header + (f", {key}" if key else "")
        return PolicyError(self.what, why=f"{where}: {why}", do=do, where=where)

    def _line(self, table: str, at: int, key: str) -> int | None:
        lines = self.text.splitlines()
        start = 0
        if table:
            header = re.compile(rf"^\s*\[\[?\s*{re.escape(table)}\s*\]\]?\s*(#.*)?$")
            found = [number for number, line in enumerate(lines) if header.match(line)]
            if len(found) <= at:
                return None
            start = found[at]
        if not key:
            return start + 1 if table else None
        wanted = re.compile(rf'^\s*("?{re.escape(key)}"?\s*=|\[\[?\s*{re.escape(key)}\s*\])')
        for number in range(start + 1 if table else 0, len(lines)):
            if wanted.match(lines[number]):
                return number + 1
            if table and lines[number].lstrip().startswith("["):
                break
        return start + 1 if table else None
