"""One question in the SQL of each engine that could hold the charges.

PostgreSQL is asked in earnest (`served.py`). For the others this is the promise that no question needs what only one
engine has; their answers are not tried here, since they run nowhere but at their owners.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import ibis.expr.types as ir
from ibis.backends.sql import compilers

# DuckDB is here for completeness: `expressions.to_sql` writes its queries.
_COMPILERS: Mapping[str, str] = MappingProxyType(
    {
        "duckdb": "DuckDBCompiler",
        "postgres": "PostgresCompiler",
        "clickhouse": "ClickHouseCompiler",
        "bigquery": "BigQueryCompiler",
        "athena": "AthenaCompiler",
        "trino": "TrinoCompiler",
        "snowflake": "SnowflakeCompiler",
        "databricks": "DatabricksCompiler",
    }
)
ENGINES = tuple(_COMPILERS)


def to_sql(expression: ir.Table, engine: str) -> str:
    """The query that answers the expression on this engine, one of ENGINES. No driver of it is needed."""
    written = compiler(engine)
    return str(written.to_sqlglot(expression).sql(dialect=written.dialect))


@cache
def compiler(engine: str) -> compilers.base.SQLGlotCompiler:
    """What writes this engine's SQL."""
    made = getattr(compilers, _COMPILERS[engine])()
    if not isinstance(made, compilers.base.SQLGlotCompiler):
        raise TypeError(f"{_COMPILERS[engine]} is no compiler")
    return made
