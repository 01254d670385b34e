"""Why a file cannot be read at all, in sentences: no permission, no UTF-8, a copy that was cut short."""

from pathlib import Path

import duckdb

from lake.errors import LakeError


def cannot_read(path: Path, error: OSError) -> LakeError:
    """The refusal for a path that the operating system does not let us read."""
    if isinstance(error, FileNotFoundError):
        return LakeError(f"{path} does not exist.", why="There is no such file or folder.", do="Check the path.")
    if isinstance(error, PermissionError):
        return LakeError(
            f"{path} cannot be read.", why="Permission was denied.", do="Give this user read access to it."
        )
    return LakeError(f"{path} cannot be read.", why=f"{error.strerror or error}.", do="Check the path and the disk.")


def not_utf8(path: Path) -> LakeError:
    """The refusal for text in another encoding."""
    return LakeError(
        f"{path} is no UTF-8 text.",
        why="It holds bytes that are no UTF-8, so names and amounts could be misread.",
        do="Export it as UTF-8, or convert it (iconv -f FROM -t UTF-8), or load the Parquet export.",
    )


def broken_gzip(path: Path) -> LakeError:
    """The refusal for gzip data that does not unpack to its end."""
    return LakeError(
        f"{path} cannot be unpacked.",
        why="The gzip data is damaged or ends too early.",
        do="Fetch it again and compare the size.",
    )


LONGEST_LINE = 2_000_000
"""In bytes, as DuckDB reads CSV: a charge has some hundred, and a longer line would have to be held in memory whole."""


def line_too_long(path: Path, line: int | None = None) -> LakeError:
    """The refusal for a line that is longer than any charge."""
    return LakeError(
        f"{path} cannot be read to its end.",
        why=f"{f'Line {line}' if line else 'A line'} is longer than {LONGEST_LINE:,} bytes: a quote may never be "
        "closed, or the file be no table.",
        do="Export it again with one charge a line; nothing of the file was loaded.",
    )


def is_of_the_disk(error: duckdb.Error) -> bool:
    """Whether the disk or the memory failed under a load, which is no fault of the file that was being read."""
    told = str(error).lower()
    return isinstance(error, duckdb.OutOfMemoryException) or any(
        words in told for words in ("no space left", "file too large", "could not write", "disk quota")
    )
