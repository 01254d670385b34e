"""Slack's user groups as the directory, read with the real client on loopback, and what holds when they are not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine
from sqlmodel import select

from app.database import beginner, reading, writing
from app.home import Home
from app.processes import serve
from app.settings import SlackSettings
from app.slack import groups
from app.slack.groups import SlackGroups, read_groups, watch_groups
from approvals.active import entitled
from approvals.adopt import adopt
from approvals.claim import claim
from approvals.directory import DirectoryDown
from approvals.lease import Claim
from approvals.person import Group
from approvals.posted import posted
from approvals.store import DirectoryReading, proposal_of
from approvals.vote import Ballot, vote
from audit.event import Actor, ActorKind
from audit.log import LogEntry
from sandbox.slack.driver import SlackDriver
from sandbox.slack.seed import UserGroup, default_seed
from sandbox.slack.server import create_app, create_site, listening_socket
from sandbox.slack.settings import SiteSettings
from sandbox.slack.site import Site
from sandbox.slack.trial import served
from tests.app.conftest import PEOPLE, Machine
from tests.app.slack.settings import settings_at

ARJUN = "p-0b0b0002"
GROUPED = (
    PEOPLE.replace('roles = ["approver", "owner"]', "roles = []")
    + '\n[[group]]\nteam = "T0BANK"\nid = "S0APPROVE"\nrole = "approver"\n'
)


@dataclass
class Workspace:
    """A sandbox workspace with a user group, and the application's own client of it."""

    site: Site
    slack: SlackDriver
    client: AsyncWebClient
    settings: SlackSettings

    def members(self, *users: str) -> None:
        self.site.workspace.groups["S0APPROVE"] = users


@pytest_asyncio.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with AsyncExitStack() as stack:
        with listening_socket(0) as free:
            port = free.getsockname()[1]
        seed = default_seed()
        seed = seed.model_copy(update={"groups": (UserGroup(id="S0APPROVE", handle="approvers", users=("U0ARJUN",)),)})
        site = create_site(settings=SiteSettings(port=port, signing_secret="s3"), seed=seed)
        await stack.enter_async_context(served(create_app(site), port))
        settings = settings_at(port)
        driver = await stack.enter_async_context(SlackDriver(f"http://127.0.0.1:{port}"))
        client = AsyncWebClient(token="xoxb-sandbox", base_url=settings.base_url)
        yield Workspace(site, driver, client, settings)


@pytest.fixture
def grouped(engine: Engine) -> None:
    """Arjun holds no role but by the group."""
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=GROUPED, actor=Actor(ActorKind.SERVICE, "test"))


def roles(engine: Engine) -> frozenset[str]:
    with reading(engine) as (session, now):
        return entitled(session, now).people.roles(ARJUN)


def changes(engine: Engine) -> int:
    with reading(engine) as (session, _):
        return sum(entry.event == "membership.changed" for entry in session.exec(select(LogEntry)))


async def until_holds(engine: Engine, held: set[str]) -> None:
    while True:
        if roles(engine) == held:
            return
        await asyncio.sleep(0.02)


async def read(engine: Engine, workspace: Workspace) -> bool:
    return await read_groups(engine, SlackGroups(workspace.client))


@pytest.mark.usefixtures("grouped")
async def test_members_hold_the_role_while_they_are_members(engine: Engine, workspace: Workspace) -> None:
    assert roles(engine) == frozenset()
    assert await read(engine, workspace)
    assert roles(engine) == {"approver"}
    assert await read(engine, workspace)
    assert changes(engine) == 1
    workspace.members("U0OLIVIA")
    await read(engine, workspace)
    assert roles(engine) == frozenset()
    assert changes(engine) == 2


async def test_without_a_group_in_people_toml_slack_is_not_asked(engine: Engine, workspace: Workspace) -> None:
    assert not await read(engine, workspace)
    assert await workspace.slack.calls("usergroups.users.list") == []


FAULTS = [
    {"fault": "error", "error": "missing_scope"},
    {"fault": "error", "error": "token_revoked"},
    {"fault": "server_error"},
    {"fault": "rate_limited"},
]


@pytest.mark.usefixtures("grouped")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.get("error", fault["fault"]))
async def test_a_fault_of_slack_is_no_reading_and_changes_none(
    engine: Engine, workspace: Workspace, fault: dict[str, Any]
) -> None:
    await read(engine, workspace)
    workspace.members()
    await workspace.slack.faults({**fault, "method": "usergroups.users.list", "times": 5})
    with pytest.raises(DirectoryDown, match="S0APPROVE"):
        await read(engine, workspace)
    assert roles(engine) == {"approver"}  # the last reading counts until it is too old
    await workspace.slack.faults(clear=True)
    await read(engine, workspace)
    assert roles(engine) == frozenset()


async def test_a_group_that_is_gone_and_nobody_there_are_a_directory_that_is_down(workspace: Workspace) -> None:
    with pytest.raises(DirectoryDown, match="no_such_subteam"):
        await SlackGroups(workspace.client).members([Group("T0BANK", "S0GONE", "approver")])
    with listening_socket(0) as free:
        nobody = AsyncWebClient(token="xoxb-1", base_url=f"http://127.0.0.1:{free.getsockname()[1]}/api/", timeout=1)
    with pytest.raises(DirectoryDown, match="S0APPROVE"):
        await SlackGroups(nobody).members([Group("T0BANK", "S0APPROVE", "approver")])


@pytest.mark.parametrize("answer", [{}, {"users": None}, {"users": "U0ARJUN"}, {"users": ["U0ARJUN", 7]}], ids=str)
async def test_an_answer_without_members_is_no_empty_group(answer: dict[str, Any]) -> None:
    class Odd:
        async def usergroups_users_list(self, **_: Any) -> dict[str, Any]:
            return answer

    with pytest.raises(DirectoryDown, match="without its members"):
        await SlackGroups(Odd()).members([Group("T0BANK", "S0APPROVE", "approver")])  # type: ignore[arg-type]


@pytest.mark.usefixtures("grouped")
async def test_when_the_directory_goes_down_votes_are_refused_and_what_was_approved_waits(
    engine: Engine, workspace: Workspace, sealed: Callable[[str], str], machine: Machine, clock: Any
) -> None:
    name, later = sealed("t-1"), None
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="test")

    def approve() -> str:
        with writing(engine) as (session, now):
            digest = proposal_of(session, name).digest or ""
            ballot = Ballot(proposal_id=name, person=ARJUN, choice="approve", digest=digest, via="terminal")
            return vote(session, now=now, ballot=ballot).verdict.code

    def claimed() -> Any:
        return claim(beginner(engine), proposal_id=name, worker="w1", inspector=machine)

    assert approve() == "directory_down"
    await read(engine, workspace)
    assert approve() == "ok"
    await workspace.slack.faults({"fault": "server_error", "method": "usergroups.users.list", "times": 5})
    clock.pass_(minutes=11)
    with pytest.raises(DirectoryDown):
        await read(engine, workspace)
    held = claimed()
    assert (held.state, held.verdict.code) == ("held", "directory_down")
    with reading(engine) as (session, now):
        later = proposal_of(session, name).look_at
        assert later is not None
        assert later > now
    assert machine.sent == []
    await workspace.slack.faults(clear=True)
    await read(engine, workspace)
    assert isinstance(claimed(), Claim)


@pytest.mark.usefixtures("grouped")
async def test_serve_reads_the_groups_and_goes_on_reading_after_a_fault(
    engine: Engine, home: Home, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "READ_SECONDS", 0.05)
    monkeypatch.setattr(serve, "POLL_SECONDS", 0.02)
    await workspace.slack.faults({"fault": "server_error", "method": "usergroups.users.list", "times": 2})
    api = serve.build(engine=engine, home=home, slack=workspace.settings, client=workspace.client)
    async with asyncio.timeout(60), api.router.lifespan_context(api):
        await until_holds(engine, {"approver"})
        assert len(await workspace.slack.calls("usergroups.users.list")) > 2, "it did not go on after two faults"
        workspace.members()
        await until_holds(engine, set())


@pytest.mark.usefixtures("grouped")
async def test_a_round_is_one_reading(engine: Engine, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "READ_SECONDS", 0)
    await watch_groups(engine, workspace.client)
    assert len(await workspace.slack.calls("usergroups.users.list")) == 1
    with reading(engine) as (session, _):
        assert session.get(DirectoryReading, "slack") is not None
