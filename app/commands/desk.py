"""The desk of a person at a terminal: the same tools as in a conversation, in that person's scope, without a draft."""

from collections.abc import Callable

from app.allocation import rules_here
from app.carried_out import carried_out_here
from app.commands.here import person_at, place
from app.database import reading
from app.errors import Exit, Problem
from app.expectations import expectations_here
from app.fiscal import fiscal_calendar
from app.lake_here import lake_here
from app.savings_limits import limits_here
from lake.errors import CannotBeAsked
from lake.price_book import own
from tools.desk import Desk
from tools.periods import understood
from tools.result import ToolResult
from tools.shown import shown
from tools.wording import dimension


def desk_here(person: str | None = None) -> Desk:
    """A desk from which everything can be asked and nothing proposed."""
    here = place("ask the bill")
    speaker = person_at(here, person)
    with reading(here.engine) as (_, now):
        return Desk(
            lake=lake_here(here.home.lake),
            now=now,
            speaker=speaker.id,
            scope=speaker.sees_teams,
            thresholds=limits_here(here.home),
            fiscal=fiscal_calendar(),
            **expectations_here(here.home),
            carried_out=carried_out_here(here.engine, speaker.sees_teams),
            prices=own(here.home.price_book),
            uncategorised_target=rules_here(here.home).target_percent,
        )


def check_period(desk: Desk, period: str | None) -> None:
    """Raises a usage error (exit code 2) for words that are no period."""
    if period and period.strip():
        understood(period, today=desk.today, fiscal=desk.fiscal)


def check_where(where: dict[str, str] | None, known: Callable[[str], bool]) -> None:
    """Raises a usage error for a filter by something that does not exist."""
    for name in where or {}:
        if not known(dimension(name)):
            raise CannotBeAsked(
                f"'{shown(name)}' is nothing that can be filtered by here.",
                why="A filter names a dimension, an equals sign and a value.",
                do="Write for example --where team=payments.",
            )


def refuse(result: ToolResult) -> None:
    """Ends the command if the tool has no answer; a name that is not known is not found."""
    if result.error is None:
        return
    near = f" Close: {', '.join(result.error.candidates)}." if result.error.candidates else ""
    code = Exit.NOT_FOUND if result.error.candidates else Exit.ERROR
    raise Problem(result.error.what, why=f"{result.error.why}{near}", do=result.error.do, exit_code=code)


def amounts(result: ToolResult, addresses: dict[str, str]) -> dict[str, str]:
    """Exact values by column, as text."""
    figures = {figure.id: figure for figure in result.figures}
    return {column: format(figures[address].value, "f") for column, address in addresses.items()}


def currency(result: ToolResult, address: str) -> str:
    """The unit of the figure at `address`."""
    figure = result.figure(address)
    return figure.unit if figure else ""
