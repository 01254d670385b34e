"""Settings are refused at the start by a sentence that names the variable."""

from collections.abc import Callable

import pytest

from app.errors import Problem
from app.model_settings import load_model
from app.settings import (
    load_role_prefix,
    load_settings,
    load_slack,
    refuse_credentials,
    refuse_worker_credentials,
)
from app.source_settings import load_sources
from app.worker_settings import load_worker

SLACK = {
    "SPENDGATE_SLACK_BOT_TOKEN": "xoxb-1",
    "SPENDGATE_SLACK_SIGNING_SECRET": "s",
    "SPENDGATE_SLACK_TEAM": "T1",
    "SPENDGATE_SLACK_APP_ID": "A1",
    "SPENDGATE_SLACK_APPROVALS_CHANNEL": "C1",
}

GATEWAY = {"SPENDGATE_WORKER_LITELLM_KEY": "sk-1", "SPENDGATE_WORKER_LITELLM_BASE_URL": "https://gateway.example"}

WRONG: list[tuple[str, Callable[[dict[str, str]], object], dict[str, str], str]] = [
    ("a port that is no number", load_settings, {"SPENDGATE_PORT": "http"}, "SPENDGATE_PORT"),
    ("a port out of range", load_settings, {"SPENDGATE_PORT": "70000"}, "SPENDGATE_PORT"),
    ("an address that others reach", load_settings, {"SPENDGATE_HOST": "0.0.0.0"}, "SPENDGATE_HOST"),  # noqa: S104
    ("an address that is none", load_model, {"OPENAI_BASE_URL": "models"}, "OPENAI_BASE_URL"),
    ("plain http over the network", load_model, {"OPENAI_BASE_URL": "http://models.example"}, "OPENAI_BASE_URL"),
    ("an executor that there is not", load_worker, {"SPENDGATE_WORKER_EXECUTOR": "gcp"}, "SPENDGATE_WORKER_EXECUTOR"),
    ("a list that names nobody", load_worker, {"SPENDGATE_WORKER_EXECUTOR": " , "}, "SPENDGATE_WORKER_EXECUTOR"),
    (
        "two interfaces under one name",
        load_worker,
        {**GATEWAY, "SPENDGATE_WORKER_OPENAI_KEY": "sk-2", "SPENDGATE_WORKER_OPENAI_NAME": "litellm"},
        "SPENDGATE_WORKER_OPENAI_NAME",
    ),
    (
        "the rehearsal beside an executor",
        load_worker,
        {"SPENDGATE_WORKER_EXECUTOR": "rehearsal,aws"},
        "SPENDGATE_WORKER_EXECUTOR",
    ),
    (
        "a gateway that is named and has no key",
        load_worker,
        {"SPENDGATE_WORKER_EXECUTOR": "litellm"},
        "SPENDGATE_WORKER_LITELLM_KEY",
    ),
    (
        "a settle time that is no number",
        load_worker,
        {"SPENDGATE_WORKER_SETTLE_SECONDS": "-1"},
        "SPENDGATE_WORKER_SETTLE_SECONDS",
    ),
    (
        "a settle time shorter than AWS takes a signed request",
        load_worker,
        {"SPENDGATE_WORKER_SETTLE_SECONDS": "359", "SPENDGATE_WORKER_EXECUTOR": "aws"},
        "SPENDGATE_WORKER_SETTLE_SECONDS",
    ),
    (
        "a gateway without an address",
        load_worker,
        {"SPENDGATE_WORKER_LITELLM_KEY": "sk-1"},
        "SPENDGATE_WORKER_LITELLM_BASE_URL",
    ),
    (
        "a gateway's key with a line break",
        load_worker,
        {**GATEWAY, "SPENDGATE_WORKER_LITELLM_KEY": "sk-1\nX: y"},
        "SPENDGATE_WORKER_LITELLM_KEY",
    ),
    (
        "a gateway over plain http",
        load_worker,
        {**GATEWAY, "SPENDGATE_WORKER_LITELLM_BASE_URL": "http://gateway.example"},
        "SPENDGATE_WORKER_LITELLM_BASE_URL",
    ),
    (
        "a gateway's name that no change could bear",
        load_worker,
        {**GATEWAY, "SPENDGATE_WORKER_LITELLM_NAME": "Our gateway"},
        "SPENDGATE_WORKER_LITELLM_NAME",
    ),
    ("a user's token", load_slack, {**SLACK, "SPENDGATE_SLACK_BOT_TOKEN": "xoxp-1"}, "SPENDGATE_SLACK_BOT_TOKEN"),
    *((f"no {name}", load_slack, {k: v for k, v in SLACK.items() if k != name}, name) for name in SLACK),
]


@pytest.mark.parametrize(("_sentence", "load", "env", "name"), WRONG, ids=[row[0] for row in WRONG])
def test_what_cannot_work_is_refused_by_name(
    _sentence: str, load: Callable[[dict[str, str]], object], env: dict[str, str], name: str
) -> None:
    with pytest.raises(Problem) as refused:
        load(env)
    assert name in refused.value.what
    assert refused.value.do


def test_an_empty_environment_is_loopback_offline_and_a_rehearsal() -> None:
    settings = load_settings({})
    assert (settings.host, str(settings.home)) == ("127.0.0.1", ".spendgate")
    assert load_model({}).api_key is None
    assert load_worker({}).executors == frozenset()


def test_the_channels_for_unusual_spend_are_ids_each_once() -> None:
    told = load_slack({**SLACK, "SPENDGATE_ANOMALY_CHANNELS": " C0AIOPS, ,C0AIOPS,G0X12"})
    assert told.anomaly_channels == ("C0AIOPS", "G0X12")
    with pytest.raises(Problem, match="SPENDGATE_ANOMALY_CHANNELS"):
        load_slack({**SLACK, "SPENDGATE_ANOMALY_CHANNELS": "#ai-costs"})


def test_what_is_not_named_is_rehearsed() -> None:
    named = {"SPENDGATE_WORKER_EXECUTOR": " litellm , aws", **GATEWAY}
    assert load_worker(named).executors == {"litellm", "aws"}
    assert load_worker({**GATEWAY, "SPENDGATE_WORKER_EXECUTOR": "aws"}).executors == {"aws"}


def test_a_gateway_is_what_has_a_key() -> None:
    assert load_worker({}).litellm is None
    named = load_worker(GATEWAY).litellm
    assert named is not None
    assert (named.account, named.base_url) == ("litellm", "https://gateway.example")
    assert "sk-1" not in repr(named)
    assert load_worker(GATEWAY).openai is None
    openai = load_worker({"SPENDGATE_WORKER_OPENAI_KEY": "sk-admin-1"}).openai
    assert openai is not None
    assert (openai.account, openai.base_url) == ("openai", "https://api.openai.com/v1")


def test_secrets_do_not_show_in_representations() -> None:
    slack = load_slack({**SLACK, "SPENDGATE_SLACK_SIGNING_SECRET": "very-secret"})
    worker = load_worker({"SPENDGATE_WORKER_AWS_SECRET_ACCESS_KEY": "very-secret"})
    model = load_model({"OPENAI_API_KEY": "very-secret"})
    assert "very-secret" not in repr((slack, worker, model))
    assert "xoxb-1" not in repr(slack)


@pytest.mark.parametrize("process", ["serve", "agent", "ask"])
def test_only_the_worker_starts_with_the_workers_variables(process: str) -> None:
    with pytest.raises(Problem, match="SPENDGATE_WORKER_AWS_SECRET_ACCESS_KEY") as refused:
        refuse_worker_credentials(process, {"SPENDGATE_WORKER_AWS_SECRET_ACCESS_KEY": "k"})
    assert "worker" in refused.value.why
    refuse_worker_credentials(process, {"SPENDGATE_WORKER_AWS_SECRET_ACCESS_KEY": ""})


HELD = [
    # what is found, and who may start with it
    ("SPENDGATE_WORKER_AWS_PROFILE", {"worker"}),
    ("SPENDGATE_SLACK_BOT_TOKEN", {"serve", "command"}),
    ("SPENDGATE_SLACK_SIGNING_SECRET", {"serve", "command"}),
    ("SPENDGATE_SLACK_CLIENT_SECRET", {"serve", "command"}),
    ("SPENDGATE_SLACK_TOKEN_KEY", {"serve", "command"}),
    ("OPENAI_API_KEY", {"agent", "command"}),
    ("SPENDGATE_SOURCE_OPENAI_KEY", {"command"}),
    ("SPENDGATE_SOURCE_ANTHROPIC_KEY", {"command"}),
    ("SPENDGATE_SOURCE_LITELLM_KEY", {"command"}),
    ("SPENDGATE_OWNER_DATABASE_URL", set[str]()),
]


@pytest.mark.parametrize(("name", "holders"), HELD, ids=[row[0] for row in HELD])
@pytest.mark.parametrize("process", ["serve", "agent", "worker", "command"])
def test_no_process_starts_with_anothers_credentials(process: str, name: str, holders: set[str]) -> None:
    if process in holders:
        refuse_credentials(process, process, {name: "x"})
        return
    with pytest.raises(Problem, match=name) as refused:
        refuse_credentials(process, f"spendgate {process}", {name: "x-secret"})
    assert "x-secret" not in str(refused.value)
    refuse_credentials(process, process, {name: ""})


SERVER = "postgresql://spendgate_gate:pw-secret@db.example/spendgate?sslmode=verify-full"
ADDRESSES = [
    # why it is refused, the environment, what the refusal says
    ("another database's address", {"SPENDGATE_DATABASE_URL": "mysql://gate:pw-secret@db/x"}, "not a postgresql"),
    ("no role", {"SPENDGATE_DATABASE_URL": "postgresql://localhost/x"}, "no role or no database"),
    ("no database", {"SPENDGATE_DATABASE_URL": "postgresql://gate:pw-secret@localhost"}, "no role or no database"),
    ("another role by an option", {"SPENDGATE_DATABASE_URL": SERVER + "&options=-crole%3Downer"}, "carries options"),
    ("another user by an option", {"SPENDGATE_DATABASE_URL": SERVER + "&user=owner"}, "carries user"),
    ("readable on the way", {"SPENDGATE_DATABASE_URL": SERVER.split("?")[0]}, "sslmode"),
    ("a raw @ in the role", {"SPENDGATE_DATABASE_URL": "postgresql://ga@te:pw-secret@localhost/x"}, "@ as %40"),
    ("a raw @ in the password", {"SPENDGATE_DATABASE_URL": "postgresql://gate:pw@pw-secret@localhost/x"}, "@ as %40"),
    ("a percent in the role", {"SPENDGATE_DATABASE_URL": "postgresql://ga%te:pw-secret@localhost/x"}, "% as %25"),
    ("a percent at the end", {"SPENDGATE_DATABASE_URL": "postgresql://gate:pw-secret%@localhost/x"}, "% as %25"),
    ("a space in the password", {"SPENDGATE_DATABASE_URL": "postgresql://gate:pw-secret 1@localhost/x"}, "as %20"),
    ("a # in the password", {"SPENDGATE_DATABASE_URL": "postgresql://gate:1#pw-secret@localhost/x"}, "# as %23"),
    ("a host that is none", {"SPENDGATE_DATABASE_URL": "postgresql://gate:pw-secret@[::1/x"}, "host cannot be read"),
    ("no address at all", {"SPENDGATE_DATABASE_URL": "gate:pw-secret"}, "not a postgresql"),
    ("a password lying about", {"SPENDGATE_DATABASE_URL": SERVER, "PGPASSWORD": "other"}, "PGPASSWORD"),
    ("a file of passwords", {"SPENDGATE_DATABASE_URL": SERVER, "PGPASSFILE": "/x"}, "PGPASSFILE"),
    ("options lying about", {"SPENDGATE_DATABASE_URL": SERVER, "PGOPTIONS": "-c role=owner"}, "PGOPTIONS"),
]


@pytest.mark.parametrize(("_why", "env", "says"), ADDRESSES, ids=[row[0] for row in ADDRESSES])
def test_an_address_that_leaves_open_who_connects_is_refused(_why: str, env: dict[str, str], says: str) -> None:
    with pytest.raises(Problem, match=says) as refused:
        load_settings(env)
    assert "pw-secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        SERVER,
        "postgresql://gate:pw-secret@localhost/x",
        "postgresql://gate:100%25%40@localhost/x",
        "postgresql://gate@/x?host=/run/postgresql",
    ],
)
def test_a_servers_address_is_taken_and_not_shown(address: str) -> None:
    settings = load_settings({"SPENDGATE_DATABASE_URL": address})
    assert settings.database_url == address
    assert "pw-secret" not in repr(settings)


def test_libpq_variables_do_not_matter_where_there_is_no_server() -> None:
    assert load_settings({"PGPASSWORD": "x"}).database_url is None


@pytest.mark.parametrize("prefix", ["Spendgate", "1st", "a b", "x;drop", "x" * 40])
def test_the_names_of_roles_begin_with_a_plain_word(prefix: str) -> None:
    with pytest.raises(Problem, match="SPENDGATE_DATABASE_ROLES"):
        load_role_prefix({"SPENDGATE_DATABASE_ROLES": prefix})
    assert load_role_prefix({}) == "spendgate"


def test_a_source_is_what_has_a_key() -> None:
    assert load_sources({"SPENDGATE_SOURCE_OPENAI_BASE_URL": "https://eu.api.openai.com/v1"}) == []
    found = load_sources(
        {
            "SPENDGATE_SOURCE_OPENAI_KEY": " sk-admin-very-secret ",
            "SPENDGATE_SOURCE_ANTHROPIC_KEY": "sk-ant-admin-very-secret",
            "SPENDGATE_SOURCE_ANTHROPIC_API": "legacy",
            "SPENDGATE_SOURCE_LITELLM_KEY": "sk-very-secret",
            "SPENDGATE_SOURCE_LITELLM_BASE_URL": "http://127.0.0.1:4000",
        }
    )
    assert [(one.name, one.base_url, one.legacy) for one in found] == [
        ("anthropic", None, True),
        ("litellm", "http://127.0.0.1:4000", False),
        ("openai", None, False),
    ]
    assert found[2].key == "sk-admin-very-secret"
    assert "very-secret" not in repr(found)


WRONG_SOURCES = [
    ("plain http over the network", {"SPENDGATE_SOURCE_OPENAI_BASE_URL": "http://api.example"}, "BASE_URL"),
    ("no address", {"SPENDGATE_SOURCE_LITELLM_KEY": "sk-1"}, "SPENDGATE_SOURCE_LITELLM_BASE_URL"),
    ("another interface", {"SPENDGATE_SOURCE_ANTHROPIC_API": "newest"}, "SPENDGATE_SOURCE_ANTHROPIC_API"),
    ("two lines", {"SPENDGATE_SOURCE_OPENAI_KEY": "sk-very-secret\nX-Evil: 1"}, "SPENDGATE_SOURCE_OPENAI_KEY"),
    ("a typographic dash", {"SPENDGATE_SOURCE_OPENAI_KEY": "sk–very-secret"}, "SPENDGATE_SOURCE_OPENAI_KEY"),
]


@pytest.mark.parametrize(("env", "named"), [row[1:] for row in WRONG_SOURCES], ids=[row[0] for row in WRONG_SOURCES])
def test_a_source_that_cannot_work_is_refused_by_name(env: dict[str, str], named: str) -> None:
    with pytest.raises(Problem, match=named) as refused:
        load_sources(env)
    assert "very-secret" not in str(refused.value)
