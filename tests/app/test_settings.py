"""Settings are refused at the start by a sentence that names the variable."""

from collections.abc import Callable

import pytest

from app.errors import Problem
from app.settings import load_model, load_settings, load_slack, load_worker, refuse_worker_credentials

SLACK = {
    "SPENDGATE_SLACK_BOT_TOKEN": "xoxb-1",
    "SPENDGATE_SLACK_SIGNING_SECRET": "s",
    "SPENDGATE_SLACK_TEAM": "T1",
    "SPENDGATE_SLACK_APP_ID": "A1",
    "SPENDGATE_SLACK_APPROVALS_CHANNEL": "C1",
}

WRONG: list[tuple[str, Callable[[dict[str, str]], object], dict[str, str], str]] = [
    ("a port that is no number", load_settings, {"SPENDGATE_PORT": "http"}, "SPENDGATE_PORT"),
    ("a port out of range", load_settings, {"SPENDGATE_PORT": "70000"}, "SPENDGATE_PORT"),
    ("an address that others reach", load_settings, {"SPENDGATE_HOST": "0.0.0.0"}, "SPENDGATE_HOST"),  # noqa: S104
    ("an address that is none", load_model, {"OPENAI_BASE_URL": "models"}, "OPENAI_BASE_URL"),
    ("plain http over the network", load_model, {"OPENAI_BASE_URL": "http://models.example"}, "OPENAI_BASE_URL"),
    ("an executor that there is not", load_worker, {"SPENDGATE_WORKER_EXECUTOR": "gcp"}, "SPENDGATE_WORKER_EXECUTOR"),
    (
        "a settle time that is no number",
        load_worker,
        {"SPENDGATE_WORKER_SETTLE_SECONDS": "-1"},
        "SPENDGATE_WORKER_SETTLE_SECONDS",
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
    assert load_worker({}).executor == "rehearsal"


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
