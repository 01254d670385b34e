"""Where a command runs: the home, its database and who sits at the terminal."""

from typing import NamedTuple

from sqlalchemy import Engine

from app.database import reading
from app.home import Home, open_home
from app.ready import ready_database
from app.settings import load_settings, refuse_worker_credentials
from app.whoami import Here, whoami
from approvals.active import active


class Place(NamedTuple):
    """A home with its database open."""

    home: Home
    engine: Engine


def place(*, hands: bool = False) -> Place:
    """The configured home, its database made or checked; refused near the worker's credentials, but for the worker."""
    if not hands:
        refuse_worker_credentials("this command")
    home = open_home(load_settings().home)
    return Place(home, ready_database(home))


def person_at(here: Place, acting_as: str | None) -> Here:
    """Who sits at the terminal."""
    with reading(here.engine) as (session, _):
        people = active(session).people
    return whoami(here.home, people, acting_as)
