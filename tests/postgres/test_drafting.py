"""On PostgreSQL, where each process has a role of its own: people turn drafting rules at the gate, and a scan, as the
agent's role, drafts by them once, however many scan."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import select

from app.database import reading
from app.database_roles import AGENT, GATE
from app.home import Home
from approvals.store import Draft
from tests.app.drafting_bill import DAYS, OLIVIA, bill, scanned, switch
from tests.postgres.conftest import Served


def test_of_two_scans_at_once_one_drafts(new_served: Callable[[], Served], server_home: Home, tmp_path: Path) -> None:
    served = new_served()
    switch(served.engine(GATE))
    lake = bill(tmp_path, first=datetime.now(UTC).date() - timedelta(days=DAYS))  # a server's clock is the machine's
    agent = served.engine(AGENT)
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda by: scanned(agent, server_home, lake, by), ["scan-a", "scan-b"]))
    assert sorted(one.done for one in told) == [False, True]
    with reading(agent) as (session, _):
        [row] = session.exec(select(Draft)).all()
    assert (row.requester, row.kind) == (OLIVIA, "stop_instance")
    assert {one.drafted for one in told} == {(), (row.id,)}
