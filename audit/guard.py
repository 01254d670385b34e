"""One guard rail: what a table refuses, with its sentence, written once and rendered for SQLite and for PostgreSQL.

A condition is SQL that both understand; where they differ, it is written as PostgreSQL has it. A guard holds against
every program that writes to the database, this one with a fault included; whoever owns the database can drop it.
"""

from dataclasses import dataclass

SCHEMA = "spendgate"
"""The schema on PostgreSQL: one of our own, so that nobody has a right in it that was not given."""


@dataclass(frozen=True)
class Trigger:
    """A trigger on PostgreSQL and the function that it runs. Names in it resolve in our schema alone."""

    name: str
    table: str
    when: str
    body: str
    each: str = "ROW"

    def function(self) -> str:
        """Makes or replaces the function. It runs with the rights of whoever writes, never with the owner's."""
        return (
            f"CREATE OR REPLACE FUNCTION {SCHEMA}.{self.name}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = {SCHEMA}, pg_temp AS $guard${self.body}$guard$"
        )

    def definition(self) -> str:
        """The trigger, as PostgreSQL itself writes it down."""
        return (
            f"CREATE TRIGGER {self.name} {self.when} ON {SCHEMA}.{self.table} FOR EACH {self.each}"
            f" EXECUTE FUNCTION {SCHEMA}.{self.name}()"
        )


def refusing(condition: str, sentence: str, *, declare: str = "") -> str:
    """The body of a function that raises `sentence` where `condition` holds, and lets the row pass otherwise."""
    return (
        f"\n{declare}BEGIN\n  IF {condition or 'true'} THEN\n    RAISE EXCEPTION '{sentence}'"
        " USING ERRCODE = 'restrict_violation';\n  END IF;\n  RETURN NEW;\nEND\n"
    )


@dataclass(frozen=True)
class Guard:
    """What `table` refuses: an `event` (INSERT, UPDATE, DELETE), always or under a condition over NEW and OLD."""

    name: str
    table: str
    event: str
    sentence: str
    condition: str = ""

    def sqlite(self) -> str:
        """As SQLite has it. `IS NOT` compares as `IS DISTINCT FROM` does, and older libraries know only the first."""
        condition = self.condition.replace("IS DISTINCT FROM", "IS NOT")
        when = f"\nWHEN {condition}" if condition else ""
        return (
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table}{when}"
            f"\nBEGIN SELECT RAISE(ABORT, '{self.sentence}'); END"
        )

    def postgresql(self) -> list[Trigger]:
        """As PostgreSQL has it; what may never be deleted may not be truncated either, which no row trigger sees."""
        body = refusing(self.condition, self.sentence)
        made = [Trigger(self.name, self.table, f"BEFORE {self.event}", body)]
        if self.event == "DELETE" and not self.condition:
            name = f"{self.table}_no_truncate"
            made.append(Trigger(name, self.table, "BEFORE TRUNCATE", body, each="STATEMENT"))
        return made


def changed(*columns: str) -> str:
    """The condition that an update touches one of these columns."""
    return " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in columns)
