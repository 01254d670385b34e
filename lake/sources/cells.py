"""A file's cells by the names that its provider's manual gives them, as SQL for text; what is not there is NULL."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from lake import duck
from lake.charges import has_zone
from lake.errors import LakeError
from lake.report import Finding
from lake.sources.port import twice
from lake.sources.table_file import TableFile, as_json_of_texts, as_text

NONE = "CAST(NULL AS VARCHAR)"


class Cells:
    """The columns of one file under their plain names (`plain` of the name as written)."""

    def __init__(self, file: TableFile, plain: Callable[[str], str]) -> None:
        self.file = file
        self._at: dict[str, int] = {}
        for index, name in enumerate(file.names):
            if plain(name) in self._at:
                raise twice(file, name)
            self._at[plain(name)] = index

    def __contains__(self, name: str) -> bool:
        return name in self._at

    def beginning(self, start: str) -> list[str]:
        """The plain names that begin so, in the order of the file."""
        return [name for name in self._at if name.startswith(start)]

    def written(self, name: str) -> str:
        """The name as the file writes it."""
        return self.file.names[self._at[name]]

    def text(self, *names: str) -> str:
        """SQL: the first of these cells that holds more than blanks, trimmed."""
        found = [f"nullif(trim({as_text(self.file, self._at[name])}), '')" for name in names if name in self._at]
        return f"coalesce({', '.join(found)})" if found else NONE

    def member(self, name: str, *path: str) -> str:
        """SQL: what stands at this path inside a cell that holds a map, a struct or JSON text."""
        if name not in self._at:
            return NONE
        whole = self.json(name)
        place = duck.text("$" + "".join(f'."{step}"' for step in path))
        return f"CASE WHEN json_valid({whole}) THEN nullif(trim(json_extract_string({whole}, {place})), '') END"

    def json(self, name: str) -> str:
        """SQL: the JSON text of a cell that holds a map, a struct, a list or JSON text, its numbers as texts."""
        return as_json_of_texts(self.file, self._at[name]) if name in self._at else NONE

    def require(self, names: Iterable[str], *, bill: str, do: str) -> None:
        """Refuses a file that lacks one of these columns."""
        missing = [name for name in names if name not in self._at]
        if missing:
            raise LakeError(
                f"{self.file.path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
                why=f"It has other columns of {bill}; without these a charge cannot be dated, named or summed.",
                do=do,
            )

    def rest(self, carried: Iterable[str], more: Mapping[str, str] | None = None) -> str:
        """SQL: JSON of all cells that are not `carried` over letter by letter, and of `more`; empty ones left out."""
        left = set(self._at) - set(carried)
        fields = {name: as_text(self.file, index) for name, index in self._at.items() if name in left}
        named = {self.file.names[self._at[name]]: value for name, value in fields.items()} | dict(more or {})
        return as_json(list(named.items()))

    def floating(self, names: Iterable[str]) -> list[Finding]:
        """A finding for each of these columns that is stored as binary floating point."""
        return [
            Finding(
                rule="floating-point",
                file=self.file.name,
                column=self.written(name),
                text=f"{self.written(name)} is stored as binary floating point; read as the shortest decimal that "
                "names it",
            )
            for name in names
            if name in self._at and self.file.columns[self._at[name]][1] in ("DOUBLE", "FLOAT")
        ]


def as_json(fields: Sequence[tuple[str, str]], *, keep_empty: bool = False) -> str:
    """SQL: a JSON object of these names and texts, without those that are empty; NULL if there are none."""
    if not fields:
        return NONE
    if keep_empty:
        # In a struct that keeps what is empty, layers would hide one another.
        every = ", ".join(f"{duck.text(name)}: {value}" for name, value in _numbered(fields, like=str.casefold))
        return f"CAST(to_json({{{every}}}) AS VARCHAR)"
    # Merging into nothing leaves out what is NULL, and is many times faster than filtering a list of pairs.
    objects = [
        ", ".join(f"{duck.text(name)}: nullif({value}, '')" for name, value in layer) for layer in _layers(fields)
    ]
    merged = ", ".join(f"to_json({{{one}}})" for one in objects)
    return f"nullif(CAST(json_merge_patch('{{}}', {merged}) AS VARCHAR), '{{}}')"


def with_more(whole: str, fields: Sequence[tuple[str, str]]) -> str:
    """SQL: the JSON object `whole` (SQL for its text) with these names and texts too, without those that are empty."""
    more = as_json(fields)
    return whole if more == NONE else f"json_merge_patch({whole}, coalesce({more}, '{{}}'))"


def _layers(fields: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    # The database takes no two names in one object that differ in case alone; two tags may.
    layers: list[dict[str, tuple[str, str]]] = []
    for name, value in _numbered(fields, like=str):
        home = next((layer for layer in layers if name.casefold() not in layer), None)
        if home is None:
            home = {}
            layers.append(home)
        home[name.casefold()] = (name, value)
    return [list(layer.values()) for layer in layers]


def _numbered(fields: Sequence[tuple[str, str]], *, like: Callable[[str], str]) -> list[tuple[str, str]]:
    """The fields with a number after each name that is `like` an earlier one."""
    taken: set[str] = set()
    named = []
    for name, value in fields:
        tried, number = name or "column", 1
        while like(tried) in taken:
            number += 1
            tried = f"{name or 'column'} ({number})"
        taken.add(like(tried))
        named.append((tried, value))
    return named


def in_utc(value: str) -> str:
    """SQL: the time that this text writes, marked as UTC where it has a time of day and names no zone itself."""
    bare = f"{value} LIKE '%:%' AND NOT {has_zone(value)}"
    return f"CASE WHEN {bare} THEN {value} || 'Z' ELSE {value} END"


def one_of(value: str, cases: Mapping[str, str | None], *, otherwise: str) -> str:
    """SQL: the SQL of the case that this text equals; `otherwise` if none. A case of None is NULL."""
    whens = " ".join(f"WHEN {duck.text(case)} THEN {result or 'NULL'}" for case, result in cases.items())
    return f"CASE {value} {whens} ELSE {otherwise} END"
