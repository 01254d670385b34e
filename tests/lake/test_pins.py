"""The pinned ibis, DuckDB and sqlglot work together: other sets that resolve are broken in just these places."""

import ast
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pytest

from lake import duck

LAKE = Path(__file__).parents[2] / "lake"
EXACT = Decimal("12345678901234567890.123456789012")


@pytest.fixture
def con() -> ibis.BaseBackend:
    return ibis.duckdb.from_connection(duck.connect())


def rows() -> pa.Table:
    return pa.table(
        {
            "team": ["a", "b", "a", None],
            "cost": pa.array([EXACT, Decimal("0.000000000001"), Decimal("-0.5"), Decimal(2)], pa.decimal128(38, 12)),
            "day": [date(2026, 10, 1), date(2026, 10, 2), date(2026, 10, 2), date(2026, 11, 1)],
        }
    )


def test_memtables_group_and_keep_every_digit(con: ibis.BaseBackend) -> None:
    table = ibis.memtable(rows())
    grouped = table.group_by(team=table.team.fill_null("(none)")).agg(total=table.cost.sum()).order_by("team")
    found = con.to_pyarrow(grouped).to_pylist()
    assert [(row["team"], row["total"]) for row in found] == [
        ("(none)", Decimal(2)),
        ("a", Decimal("12345678901234567889.623456789012")),
        ("b", Decimal("0.000000000001")),
    ]


def test_tables_made_listed_and_joined(con: ibis.BaseBackend) -> None:
    con.create_table("made", rows())
    assert "made" in con.list_tables()
    made = con.table("made")
    other = ibis.memtable(pa.table({"team": ["a"], "boss": ["x"]}))
    joined = made.join(other, "team").select("team", "cost", "boss")
    assert con.to_pyarrow(joined.count()).as_py() == 2


def test_conditional_sums_and_dates(con: ibis.BaseBackend) -> None:
    con.create_table("made", rows())
    made = con.table("made")
    october = (made.day >= ibis.date("2026-10-01")) & (made.day < ibis.date("2026-11-01"))
    found = con.to_pyarrow(made.aggregate(inside=made.cost.sum(where=october), month=made.day.strftime("%Y-%m").max()))
    assert found.to_pylist() == [{"inside": Decimal("12345678901234567889.623456789013"), "month": "2026-11"}]


def test_the_trap_is_still_there(con: ibis.BaseBackend) -> None:
    """A bare Decimal loses its places, a typed literal keeps them: the reason for the rule below."""
    table = ibis.memtable(pa.table({"cost": pa.array([Decimal("0.0012"), Decimal("0.0020")], pa.decimal128(38, 12))}))
    bare = con.to_pyarrow(table.filter(table.cost > Decimal("0.0014")).count()).as_py()
    typed = ibis.literal(Decimal("0.0014"), type="decimal(38,12)")
    assert (bare, con.to_pyarrow(table.filter(table.cost > typed).count()).as_py()) == (2, 1)


def importers() -> list[Path]:
    found = []
    for path in sorted(LAKE.parent.rglob("*.py")):
        inside = path.relative_to(LAKE.parent).parts
        if inside[0] in {"tests", ".venv"}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "ibis" for name in named):
                found.append(path)
    return sorted(set(found))


def faults(source: str) -> list[str]:
    """What no expression may hold: a bare Decimal, a binary float, or arithmetic other than a sum or difference."""
    bad = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id == "Decimal":
            bad.append("Decimal")
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            bad.append("float")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.FloorDiv | ast.Mod | ast.Pow):
            bad.append(type(node.op).__name__)
        if isinstance(node, ast.Attribute) and node.attr in {"coalesce", "mean", "round"}:
            bad.append(node.attr)
    return bad


@pytest.mark.slow
def test_ibis_is_in_three_files_two_that_only_sum_and_one_that_only_translates() -> None:
    assert importers() == [LAKE / "engines" / "dialects.py", LAKE / "expressions.py", LAKE / "meter_expressions.py"]
    for file in importers():
        assert faults(file.read_text()) == []


@pytest.mark.parametrize(
    "line", ["t.filter(t.cost > Decimal('0.0014'))", "t.cost * 2", "t.cost / t.hours", "t.cost > 0.5", "t.cost.mean()"]
)
def test_a_planted_fault_is_found(line: str) -> None:
    assert faults(f"import ibis\n{line}\n")


def test_duckdb_is_silent_in_utc_and_stays_off_the_network() -> None:
    with duck.connect() as connection:
        settings = dict(
            connection.execute(
                "SELECT name, value FROM duckdb_settings() WHERE name IN "
                "('TimeZone', 'enable_progress_bar', 'autoinstall_known_extensions', 'autoload_known_extensions')"
            ).fetchall()
        )
    assert settings.pop("TimeZone") == "UTC"
    assert set(settings.values()) == {"false"}


def test_what_is_needed_is_bundled() -> None:
    with duck.connect() as connection:
        loaded = {
            name
            for (name,) in connection.execute("SELECT extension_name FROM duckdb_extensions() WHERE loaded").fetchall()
        }
    assert {"parquet", "json", "icu"} <= loaded
    assert duckdb.__version__.startswith("1.")
