"""On PostgreSQL: the gate keeps, renews and forgets where the Slack app is installed; nobody else reads a token."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from cryptography.fernet import Fernet

from app.database import beside, reading, writing
from app.database_roles import GATE
from app.installations import (
    Granted,
    SlackInstallation,
    comes_first,
    held_token,
    keep,
    not_renewed,
    remove,
    renewed,
    reseal,
    take_renewal,
)
from app.token_box import TokenBox
from audit.event import Actor, ActorKind
from tests.postgres.conftest import Served

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
SERVE = Actor(ActorKind.SERVICE, "serve")
HOURS, SOON = timedelta(hours=12), timedelta(hours=13)
LAB = Granted("T0LAB", "Lab", "U0BOT", "chat:write", "xoxe.xoxb-1-first", "xoxe-1-first", HOURS)


def test_the_life_of_an_installation_in_the_gates_role(served: Served) -> None:
    gate, box = served.engine(GATE), TokenBox([OLD])
    with writing(gate) as (session, now):
        keep(session, box, LAB, actor=SERVE, now=now)
        keep(session, box, LAB, actor=SERVE, now=now)

    def take(number: int) -> str | None:
        with writing(gate) as (session, now):
            return take_renewal(session, box, "T0LAB", before=SOON, by=f"serve-{number}", now=now)

    with ThreadPoolExecutor(8) as many:
        taken = list(many.map(take, range(8)))
    assert [one for one in taken if one] == ["xoxe-1-first"]
    holder = f"serve-{next(number for number, one in enumerate(taken) if one)}"
    with writing(gate) as (session, now):
        not_renewed(session, "T0LAB", by=holder, why="invalid_refresh_token", actor=SERVE, now=now)
        fresh = Granted("T0LAB", "Lab", "U0BOT", "chat:write", "xoxe.xoxb-1-second", "xoxe-1-second", HOURS)
        assert not renewed(session, box, fresh, by="somebody else", now=now)
        assert renewed(session, box, fresh, by=holder, now=now)
    with writing(gate) as (session, _):
        assert reseal(session, TokenBox([NEW, OLD])) == 1
        assert reseal(session, TokenBox([NEW, OLD])) == 0
    with reading(gate) as (session, _):
        held = held_token(session, TokenBox([NEW]), "T0LAB")
        assert held is not None
        assert held.token == "xoxe.xoxb-1-second"
        row = session.get_one(SlackInstallation, "T0LAB")
        assert (row.refused, row.renewing_by) == (None, None)
    with writing(gate) as (session, now):
        assert remove(session, "T0LAB", why="removed", actor=SERVE, now=now)
        assert not remove(session, "T0LAB", why="removed", actor=SERVE, now=now)


def test_a_state_comes_back_to_one_of_many_replicas(served: Served) -> None:
    gate = served.engine(GATE)

    def back(_: int) -> bool:
        with beside(gate) as (session, now):
            return comes_first(session, "one state", lasts=timedelta(minutes=10), now=now)

    with ThreadPoolExecutor(8) as many:
        assert sum(many.map(back, range(8))) == 1
