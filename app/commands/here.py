"""Where a command runs: the home, its database and who sits at the terminal."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import Engine

from app.database import reading
from app.database_roles import AGENT, AUDITOR, GATE, LOADER, PARTS, SIGNER, WORKER
from app.home import Home, open_home
from app.ready import ready_database
from app.settings import load_settings, refuse_credentials
from app.whoami import Here, whoami
from approvals.active import active

ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "serve": (GATE,),
        "agent": (AGENT,),
        "worker": (WORKER,),
        "signer": (SIGNER,),
        "ingest": (LOADER,),
        "sources": (LOADER,),
        "audit": (AUDITOR, GATE),
        "scan": (AGENT,),
        "ask the bill": PARTS,
        "command": (GATE,),
    }
)
"""As which database roles each process may run; a command that is not named here decides, or reads what is decided."""


class Place(NamedTuple):
    """A home with its database open."""

    home: Home
    engine: Engine


def place(process: str = "command", *, hands: bool = False) -> Place:
    """The configured home, its database made or checked, as the role of `process`; refused near others' credentials."""
    process = "worker" if hands else process
    what = f"spendgate {process}" if process in ("serve", "agent", "worker", "signer") else "this command"
    refuse_credentials(process, what)
    settings = load_settings()
    home = open_home(settings.home, settings.database_url)
    return Place(home, ready_database(home, ROLES[process]))


def person_at(here: Place, acting_as: str | None) -> Here:
    """Who sits at the terminal."""
    with reading(here.engine) as (session, _):
        people = active(session).people
    return whoami(here.home, people, acting_as)
