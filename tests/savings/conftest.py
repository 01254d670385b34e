"""A bank with planted waste, its cloud and its gateway, and a gate whose real worker looks at them and changes them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.processes.cloud import SERVICES, eyes
from app.processes.gateways import gateway_eyes, gateway_hands
from approvals.executors.aws import AwsExecutor, aws_clients
from approvals.executors.router import Router as Hands
from lake.access_keys import keep
from lake.engine import Lake
from lake.load import ingest
from lake.sources.iam_keys import listed
from sandbox.admin.serve import ServedAdmin, serve_admin
from sandbox.aws.seed import access_key
from sandbox.aws.serve import ServedAws, serve_aws
from sandbox.bank.waste_gateway import KEYS, gateway_log
from sandbox.bank.waste_models import EVALUATED, THROUGH
from sandbox.bank.waste_projects import PROJECTS
from sandbox.bank.write import write_bank
from sandbox.litellm.proxy import LiteLLMProxy, key_row, model_table, team_row
from sandbox.openai.organisation import OpenAIOrganisation, project_row
from tests.approvals.gate import START
from tests.approvals.gate_stubs import PEOPLE
from tests.approvals.gateway.conftest import settings_of
from tests.approvals.gateway.organisation import ADMIN
from tests.approvals.gateway.proxy import MASTER
from tests.savings.run import CROWD, Run
from tests.tools.gateway_log import pulled
from tests.tools.listed_bank import list_bank

MORNING = START.replace(hour=8)
"""The gateway's log reaches to seven o'clock, when it is an hour old."""
UNTIL = START.date() - timedelta(days=1)
LIMITS = f"""
[off_hours]
scheduler_role = "spendgate-evenings"

[cheaper_model]
evaluated = {json.dumps(EVALUATED)}
through = {json.dumps(THROUGH)}
"""
BILLS = ("aws", "openai", "anthropic")


@pytest.fixture(scope="session")
def new_gate(on_sqlite: Any) -> Any:
    """One database is enough here: these runs are about what stands at both ends of the gate."""
    return on_sqlite


@dataclass(frozen=True)
class Bank:
    """The folder of the bank, and a lake with its bills, its measurements and its gateway's log."""

    folder: Path
    lake: Lake


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    folder = tmp_path_factory.mktemp("bank")
    write_bank(folder, until=UNTIL, months=6, waste=True)
    lake = pulled(tmp_path_factory.mktemp("home"), gateway_log(UNTIL), now=MORNING)
    months = (date(2026, 10, 1), date(2026, 11, 1))
    bills = [folder / "bill" / name / f"{month:%Y-%m}.parquet" for name in BILLS for month in months]
    ingest(lake, [*bills, folder / "usage"], now=START)
    return Bank(folder, lake)


@pytest.fixture(scope="session")
def aws(bank: Bank) -> Iterator[ServedAws]:
    with serve_aws(bank.folder / "machines.json") as served:
        for account in served.seeded.accounts:
            iam = client_of(served, account, "us-east-1", "iam")
            keep(bank.lake.store.folder, listed(iam, account=account, now=START))
        list_bank(bank.lake, served, now=START)
        yield served


def client_of(served: ServedAws, account: str, region: str, service: str) -> Any:
    """boto3's client with the key of this account."""
    made = aws_clients(endpoint_url=served.address, access_key=access_key(account), secret_key="any")
    return made(account, region, service)


@pytest.fixture(scope="session")
def proxy() -> Iterator[ServedAdmin]:
    tags = {"environment": "development"}
    rows = [key_row(f"sk-bank-{one.name}", key_alias=one.name, team_id=one.team, metadata=tags) for one in KEYS]
    models = ["gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4-5", "claude-haiku-4-5"]
    table = model_table(1, {"score": "gpt-4.1-mini"})
    teams = [team_row("credit-risk", models=models, metadata=tags, model_id=1, litellm_model_table=table)]
    with serve_admin(LiteLLMProxy(MASTER, rows, teams)) as served:
        yield served


@pytest.fixture(scope="session")
def openai() -> Iterator[ServedAdmin]:
    rows = [project_row(one.project, one.name, models=("gpt-5-mini",)) for one in PROJECTS]
    with serve_admin(OpenAIOrganisation(ADMIN, rows)) as served:
        yield served


@pytest.fixture
def run(gate: Any, bank: Bank, aws: ServedAws, proxy: ServedAdmin, openai: ServedAdmin) -> Run:
    """The gate with the bank's home before it, and behind it a worker for each of the bank's accounts."""
    more = (f'\n[[person]]\nid = "{who}"\nname = "{role}"\nroles = ["{role}"]\n' for who, role in CROWD.items())
    gate.adopt("people", PEOPLE + "".join(more))
    (gate.folder / "savings.toml").write_text(LIMITS)

    def clients(account: str, region: str, service: str) -> Any:
        return client_of(aws, account, region, service)

    settings = settings_of(proxy, openai=openai)
    gate.inspector = eyes(clients).also(gateway_eyes(settings))
    cloud = AwsExecutor(clients)
    gate.executor = Hands(dict.fromkeys(SERVICES, cloud), name="aws").also(gateway_hands(settings))
    return Run(gate, bank.lake, clients, proxy, openai)
