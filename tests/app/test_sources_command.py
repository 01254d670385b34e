"""`spendgate sources` as a process: a provider on loopback, a pull that is killed, and a key that shows nowhere."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
KEY = "sk-admin-very-secret"


class Provider(ThreadingHTTPServer):
    """Bills a dollar a day for gpt-5, five days a page; `kills` ends a process at the request of that number."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.keys: set[str] = set()
        self.kill_at: int | None = None
        self.victim: subprocess.Popen[str] | None = None
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        provider = self.server
        provider.asked.append(self.path)
        provider.keys.add(self.headers["Authorization"])
        if provider.victim is not None and len(provider.asked) == provider.kill_at:
            os.kill(provider.victim.pid, signal.SIGKILL)
            return
        body = json.dumps(_page(self.path)).encode()
        self.send_response(provider.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def _page(path: str) -> dict[str, Any]:
    asked = parse_qs(urlsplit(path).query)
    first, end = (datetime.fromtimestamp(int(asked[name][0]), UTC) for name in ("start_time", "end_time"))
    days = [first + timedelta(days=offset) for offset in range((end - first).days)]
    start = int(asked.get("page", ["0"])[0])
    result = {
        "amount": {"value": 1.0, "currency": "usd"}, "line_item": "gpt-5, input", "project_id": "proj_a",
        "api_key_id": "key_1", "input_tokens": 500, "output_tokens": 0, "model": "gpt-5", "num_model_requests": 1,
    }  # fmt: skip
    known = "/costs" in path or "/completions" in path
    data = [
        {"start_time": int(day.timestamp()), "results": [result] if known else []} for day in days[start : start + 5]
    ]
    more = start + 5 < len(days)
    return {"data": data, "has_more": more, "next_page": str(start + 5) if more else None}


@pytest.fixture
def provider() -> Iterator[Provider]:
    served = Provider()
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


def started(provider: Provider, home: Path, *words: str) -> "subprocess.Popen[str]":
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "SPENDGATE_HOME": str(home),
        "SPENDGATE_SOURCE_OPENAI_KEY": KEY, "SPENDGATE_SOURCE_OPENAI_BASE_URL": provider.url,
    }  # fmt: skip
    command = [sys.executable, "-m", "app", "sources", *words]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ran(provider: Provider, home: Path, *words: str) -> tuple[int, str, str]:
    process = started(provider, home, *words)
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


def listed(provider: Provider, home: Path) -> dict[str, Any]:
    code, out, _ = ran(provider, home, "list", "--json")
    assert code == 0
    return {row["name"]: row for row in json.loads(out)["sources"]}


@pytest.mark.slow
def test_a_pull_that_is_killed_goes_on_and_the_key_shows_nowhere(provider: Provider, tmp_path: Path) -> None:
    provider.kill_at = 6
    provider.victim = started(provider, tmp_path, "pull", "openai")
    out, err = provider.victim.communicate(timeout=90)
    assert provider.victim.returncode == -signal.SIGKILL
    assert len(provider.asked) == 6
    assert listed(provider, tmp_path)["openai"]["under_way"] is True
    assert listed(provider, tmp_path)["openai"]["data_through"] is None

    provider.victim = None
    code, again, said = ran(provider, tmp_path, "pull", "openai", "--json")
    assert code == 0, said
    assert len(provider.asked) == len(set(provider.asked)) + 1
    told = json.loads(again)
    today = datetime.now(UTC).date()
    assert told["rows_quarantined"] == 0
    assert len(told["snapshots"]) == 2
    # From the first of the previous month until today, a dollar a day; or one more, if midnight passed meanwhile.
    previous = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    assert int(float(told["totals"][0]["billed"])) in ((today - previous).days, (today - previous).days + 1)
    row = listed(provider, tmp_path)["openai"]
    assert (row["configured"], row["under_way"]) == (True, False)
    assert date.fromisoformat(row["asked_through"]) <= today
    assert listed(provider, tmp_path)["litellm"]["configured"] is False

    assert provider.keys == {f"Bearer {KEY}"}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in out + err + again + said


@pytest.mark.slow
def test_check_is_one_request_that_loads_nothing(provider: Provider, tmp_path: Path) -> None:
    code, out, err = ran(provider, tmp_path, "check", "openai")
    assert (code, out) == (0, "")
    assert "sees 1 rows" in err
    assert "proj_a" in err
    assert len(provider.asked) == 1
    assert listed(provider, tmp_path)["openai"]["last_pull"] is None


def test_a_refused_key_is_said_and_logged_without_it(provider: Provider, tmp_path: Path) -> None:
    provider.status = 401
    code, _, err = ran(provider, tmp_path, "pull", "openai")
    assert code == 1
    assert "The key is not valid" in err
    assert "Traceback" not in err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("pull", "bedrock"), 4, "no source named 'bedrock'"),
        (("check", "anthropic"), 2, "SPENDGATE_SOURCE_ANTHROPIC_KEY is not set"),
        (("pull", "openai", "--since", "soon"), 2, "not a date"),
        (("pull", "openai", "--since", "2999-01-01"), 1, "has not come yet"),
    ],
    ids=["an unknown source", "no key", "no date", "a day to come"],
)
def test_what_cannot_be_pulled_is_said(
    provider: Provider, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    found, _, err = ran(provider, tmp_path, *words)
    assert found == code
    assert said in " ".join(err.replace("│", " ").split())
    assert provider.asked == []
