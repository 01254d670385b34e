"""Publishes the lake's snapshots to a database server, where `served.py` asks them.

All that a call publishes becomes current together, in one transaction: a reader sees the snapshots before it or those
after it. Each is counted and added up on the server before it counts, by the totals of its manifest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from lake import duck
from lake.columns import CHARGES_COUNTED, tag_column
from lake.engine import Lake
from lake.engines import tables
from lake.engines.connection import connected
from lake.errors import LakeError, SourceConflict
from lake.expressions import SNAPSHOT
from lake.money import plain
from lake.reading import Reader
from lake.store import Snapshot

BATCH_ROWS = 10_000
WAIT = "60s"
# One publisher at a time: the number stands for nothing but this.
_LOCK = 7340231


@dataclass(frozen=True)
class Published:
    """What a call did: the snapshots that it sent with their charges, and how many it found there already."""

    sent: tuple[str, ...]
    charges: int
    there: int
    tags_left: tuple[str, ...]


def publish(lake: Lake, address: str, *, now: datetime, readers: Iterable[str] = ()) -> Published:
    """Sends what counts in this lake and is not there yet; raises LakeError with nothing changed there.

    `readers` are roles of the database that may read it from then on.
    """
    _counting(lake)  # an empty lake needs no server to be told so
    with connected(address, writes=True) as connection:
        connection.execute(f"SET LOCAL lock_timeout = '{WAIT}'")
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        # Read behind the lock: a publisher that waited would else find its own lake's newer revision there, refuse it
        # as another lake's, and a load that succeeded would end as an error.
        snapshots = _counting(lake)
        tables.make(connection)
        there = _there(connection)
        sent, left, charges = [], set(), 0
        for snapshot in snapshots:
            if not _is_new(snapshot, there.get((snapshot.source, snapshot.period))):
                continue
            left |= set(_send(connection, lake, snapshot, now))
            sent.append(snapshot.id)
            charges += snapshot.rows
        _forget(connection)
        tables.let_read(connection, readers)
    return Published(tuple(sent), charges, len(snapshots) - len(sent), tuple(sorted(left)))


def _counting(lake: Lake) -> tuple[Snapshot, ...]:
    snapshots = lake.store.current()
    if not snapshots:
        raise LakeError(
            "There is nothing to publish.",
            why=f"The lake in {lake.folder} is empty.",
            do="Load a bill first: spendgate ingest FILE.",
        )
    return snapshots


def _there(connection: psycopg.Connection[Any]) -> dict[tuple[str, str], Snapshot]:
    rows = connection.execute("SELECT manifest FROM spendgate_lake.snapshots WHERE counts").fetchall()
    found = [Snapshot.model_validate_json(row[0]) for row in rows]
    return {(one.source, one.period): one for one in found}


def _is_new(snapshot: Snapshot, held: Snapshot | None) -> bool:
    """Whether it is to be sent; refuses to replace what another lake published."""
    if held is None:
        return True
    if held.revision == snapshot.revision and held.files == snapshot.files:
        return False
    if held.revision >= snapshot.revision:
        raise SourceConflict(
            f"{snapshot.id} was not published: the server holds {held.id} from another lake.",
            why="One server holds what one lake publishes; two would replace each other's bills.",
            do="Publish from that lake, or name another database in SPENDGATE_LAKE_URL.",
        )
    return True


def _send(connection: psycopg.Connection[Any], lake: Lake, snapshot: Snapshot, now: datetime) -> Sequence[str]:
    """Copies one snapshot and makes it count; returns the tags that found no column."""
    with Reader(lake.folder, [snapshot]) as reader:
        keys = [str(row[0]) for row in reader.query(_KEYS)]
        kept = tables.keep_tags(connection, keys)
        columns = [name for name, _ in tables.COLUMNS]
        carried = [key for key in kept if key in set(keys)]
        select = (
            f"SELECT concat_ws(chr(9), {_text(duck.text(snapshot.id))}, '1', {_fields(columns, carried)}) "  # noqa: S608
            "FROM charges"
        )
        names = ", ".join(duck.name(name) for name in (SNAPSHOT, CHARGES_COUNTED, *columns, *map(tag_column, carried)))
        with connection.cursor().copy(f"COPY spendgate_lake.charges ({names}) FROM STDIN") as copy:
            for rows in reader.batches(select, BATCH_ROWS):
                copy.write("".join(f"{row[0]}\n" for row in rows))
    _check(connection, snapshot)
    left = [key for key in keys if key not in kept]
    connection.execute(
        "UPDATE spendgate_lake.snapshots SET counts = false WHERE source = %s AND period = %s",
        [snapshot.source, snapshot.period],
    )
    connection.execute(
        "INSERT INTO spendgate_lake.snapshots VALUES (%s, %s, %s, %s, %s, %s, true, %s)",
        [
            snapshot.id,
            snapshot.source,
            snapshot.period,
            snapshot.revision,
            # the rollup stays where it is: the server answers from the charges
            snapshot.model_copy(update={"rollup": None}).model_dump_json(),
            left,
            now,
        ],
    )
    return left


_KEYS = (
    "SELECT key FROM (SELECT unnest(map_keys(x_tags)) AS key FROM charges) "
    "WHERE key IS NOT NULL AND NOT contains(key, chr(0)) GROUP BY key ORDER BY count(*) DESC, key"
)


def _fields(columns: Sequence[str], tags: Sequence[str]) -> str:
    kinds = dict(tables.COLUMNS)
    given = [_text(duck.name(name)) if kinds[name].startswith("text") else _plain(name) for name in columns]
    return ", ".join([*given, *(_text(f"x_tags[{duck.text(key)}]") for key in tags)])


def _plain(name: str) -> str:
    return f"coalesce(CAST({duck.name(name)} AS VARCHAR), '\\N')"


def _text(value: str) -> str:
    """SQL: the text as COPY reads it. PostgreSQL's text holds no NUL, which becomes its picture."""
    for given, written in (
        ("chr(0)", "'␀'"),
        (r"'\'", r"'\\'"),
        ("chr(10)", r"'\n'"),
        ("chr(13)", r"'\r'"),
        ("chr(9)", r"'\t'"),
    ):
        value = f"replace({value}, {given}, {written})"
    return f"coalesce({value}, '\\N')"


def _check(connection: psycopg.Connection[Any], snapshot: Snapshot) -> None:
    """The rows and totals on the server are those of the manifest, or nothing is published."""
    rows = connection.execute(
        'SELECT "BillingCurrency", sum("BilledCost"), sum("EffectiveCost"), sum("ListCost"), sum("ContractedCost"), '
        "count(*) FROM spendgate_lake.charges WHERE x_snapshot = %s GROUP BY 1 ORDER BY 1",
        [snapshot.id],
    ).fetchall()
    found = [(row[0], *(None if cost is None else plain(cost) for cost in row[1:5])) for row in rows]
    wanted = [(one.currency, one.billed, one.effective, one.list, one.contracted) for one in snapshot.totals]
    if found != wanted or sum(row[5] for row in rows) != snapshot.rows:
        raise LakeError(
            f"{snapshot.id} did not arrive as it was sent.",
            why="Its charges on the server do not add up to its manifest.",
            do="Publish again; if it stays so, load that billing period again from its source.",
        )


def _forget(connection: psycopg.Connection[Any]) -> None:
    """Drops what was replaced before the last time: one earlier revision stays, for questions that are under way."""
    gone = (
        "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY source, period ORDER BY revision DESC) AS age "
        "FROM spendgate_lake.snapshots) AS aged WHERE age > 2"
    )
    connection.execute(f"DELETE FROM spendgate_lake.charges WHERE x_snapshot IN ({gone})")  # noqa: S608
    connection.execute(f"DELETE FROM spendgate_lake.snapshots WHERE id IN ({gone})")  # noqa: S608
