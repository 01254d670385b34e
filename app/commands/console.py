"""What every command says: data on stdout, once, as a table or as one JSON document; hints on stderr."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from tools.shown import one_line


def as_json_value(value: Any) -> Any:
    """`value` as JSON carries it: decimals as plain text, times in ISO form."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): as_json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json_value(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return as_json_value(asdict(value))
    return value


def print_json(document: Mapping[str, Any]) -> None:
    """One document on stdout."""
    sys.stdout.write(json.dumps(as_json_value(document), ensure_ascii=False, indent=2) + "\n")


def hint(text: str) -> None:
    """A remark that is no data."""
    sys.stderr.write(text + "\n")


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: frozenset[str] = frozenset()
) -> None:
    """A table on a terminal; tab-separated lines, without a heading, where stdout is not one."""
    if not sys.stdout.isatty():
        for row in rows:
            sys.stdout.write("\t".join(one_line(str(cell)) for cell in row) + "\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(str(cell))) for cell in row))
    Console().print(table)
