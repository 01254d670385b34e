"""What DuckDB refuses while the lake's own files are read, in words for people."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from lake.errors import LakeError
from lake.sources.refusals import is_of_the_disk

# A query that is wrong is a mistake of ours: words about files would hide it.
_OURS = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)


@contextmanager
def in_words(what: str, *, do: str) -> Iterator[None]:
    """Within it, what DuckDB cannot read is a LakeError: `what` cannot be read, and what to `do`.

    A damaged Parquet file is told in many classes of DuckDB's errors, some of them the bare one. A question that is
    interrupted, or finds no room, says nothing about files.
    """
    try:
        yield
    except _OURS:
        raise
    except duckdb.InterruptException as error:
        raise LakeError("The question was given up.", why="It was interrupted.", do="Ask it again.") from error
    except duckdb.Error as error:
        if is_of_the_disk(error):
            raise LakeError(
                "The question could not be answered.",
                why="It takes more memory than there is for it, and the disk had no room for what did not fit.",
                do="Ask of a shorter time or by fewer names, or make room in the folder for temporary files.",
            ) from error
        raise LakeError(what, why="The manifest names it, but it is missing or damaged.", do=do) from error
