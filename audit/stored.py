"""How times and money are stored: as text that reads back as exactly what was written.

SQLite would hand back naive datetimes and turn decimals into floats; a log entry or a limit compared against such a
value would differ from what a person signed.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import String
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, SQLModel

from audit.moment import utc_text as utc_text
from audit.moment import utc_time as utc_time

# Every table's constraints get a name by this rule: a migration can only drop or change what has a name.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcTime(TypeDecorator[datetime]):
    """A column of aware UTC times, stored as fixed-width text."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else utc_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else utc_time(value)


class Money(TypeDecorator[Decimal]):
    """A column of exact decimals, stored as text; the currency stands in a column of its own."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        if value is not None and not isinstance(value, Decimal):
            raise TypeError(f"money is a Decimal, not {type(value).__name__}")
        return None if value is None else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


def insert_into(session: Session, table: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what is to happen on a conflict, in the words of this session's database."""
    on_server = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(table) if on_server else sqlite.insert(table)
