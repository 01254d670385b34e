"""The sandbox as a program: how it starts, stops, refuses to start, and whom it answers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.slack.errors import SandboxError
from sandbox.slack.seed import default_seed, load_seed
from sandbox.slack.trial import Desk

ROOT = Path(__file__).parents[3]
START = "import json, sys; from app.commands.sandbox_slack import run; from pathlib import Path; run(**{})"


@contextmanager
def started(arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own; it is gone afterwards."""
    command = [sys.executable, "-c", START.format(arguments)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy()
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_it_starts_at_once_says_where_it_is_and_leaves_quietly(tmp_path: Path) -> None:
    begun = time.perf_counter()
    with started(f"dict(port=0, transcript=Path({str(tmp_path / 'wire.jsonl')!r}))") as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        seconds = time.perf_counter() - begun
        page = httpx.get(ready["page"], trust_env=False)
        headers = {"authorization": "Bearer xoxb-sandbox"}
        httpx.post(ready["api"] + "auth.test", headers=headers, trust_env=False)
        waiting = socket.create_connection(("127.0.0.1", int(ready["page"].split(":")[2].strip("/"))))
        waiting.sendall(b"GET /sandbox/changes?after=999&seconds=20 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
        waiting.close()

    assert (ready["ready"], ready["team"], ready["state"]) == ("sandbox slack", "T0BANK", "in memory")
    assert "<title>Sandbox" in page.text
    assert (process.returncode, rest, errors) == (0, "", "")
    assert seconds < 60, "about one second where nothing else runs"
    wire = [json.loads(line) for line in (tmp_path / "wire.jsonl").read_text().splitlines()]
    assert [(one["kind"], one["method"]) for one in wire] == [("call", "auth.test")]


def test_who_comes_in_as_it_stops_is_sent_away_and_no_error_is_said() -> None:
    """Held still, so that the signal and the connection wait for the server at once."""
    with started("dict(port=0)") as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGSTOP)
        waiting = socket.create_connection(("127.0.0.1", int(ready["page"].split(":")[2].strip("/"))))
        waiting.sendall(b"GET /sandbox/changes?after=999&seconds=20 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGCONT)
        rest, errors = process.communicate(timeout=20)
        waiting.close()

    assert (process.returncode, rest, errors) == (0, "", "")


def test_a_port_in_use_is_said_and_nothing_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started(f"dict(port={port})") as process:
            out, errors = process.communicate(timeout=60)

    assert (process.returncode, out) == (1, "")
    assert f"127.0.0.1:{port}" in errors
    assert "--port" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.toml", "people = [", "is no TOML"),
        ("a.json", "{", "is no JSON"),
        ("a.toml", "people = []", "at least one person"),
        ("a.toml", '[[people]]\nid = "olivia"\nname = "O"\nhandle = "o"', "people.0.id"),
        ("a.toml", '[[people]]\nid = "U1"\nname = "O"\nhandle = "o"\nage = 3', "people.0.age"),
        (
            "a.toml",
            '[[people]]\nid = "U1"\nname = "O"\nhandle = "o"\n[[people]]\nid = "U1"\nname = "P"\nhandle = "p"',
            "U1",
        ),
        (
            "a.toml",
            '[[people]]\nid = "U1"\nname = "O"\nhandle = "o"\n[[channels]]\nid = "C1"\nname = "c"\nmembers = ["U9"]',
            "U9",
        ),
    ],
)
def test_a_workspace_file_that_is_wrong_says_where(tmp_path: Path, name: str, text: str, expected: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SandboxError) as refused:
        load_seed(tmp_path / name)
    assert expected in str(refused.value)


def test_a_workspace_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text('[team]\nid = "T1"\n[[people]]\nid = "U1"\nname = "Ola"\nhandle = "ola"\n')
    seed = load_seed(tmp_path / "w.toml")

    assert (seed.team.id, seed.app.user, [d.id for d in seed.direct_messages()]) == ("T1", "U0SPENDGATE", ["D1"])
    assert load_seed(None) == default_seed()
    with pytest.raises(SandboxError, match="cannot be read"):
        load_seed(tmp_path / "absent.toml")


async def fetch(desk: Desk, path: str = "/", **more: Any) -> httpx.Response:
    """A request from outside the driver."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(more.pop("method", "GET"), desk.url + path, **more)


async def test_another_sites_page_cannot_act_here(desk: Desk) -> None:
    say = {"method": "POST", "json": {"user": "U0ARJUN", "channel": "#ai-costs", "text": "forged"}}
    other = await fetch(desk, "/sandbox/say", headers={"origin": "https://evil.example"}, **say)
    renamed = await fetch(desk, "/sandbox/say", headers={"host": "evil.example"}, **say)
    own = await fetch(desk, "/sandbox/say", headers={"origin": desk.url}, **say)

    assert (other.status_code, renamed.status_code, own.status_code) == (403, 403, 200)
    assert len(await desk.driver.messages("#ai-costs")) == 1


async def test_the_page_runs_no_script_but_its_own(desk: Desk) -> None:
    page = await fetch(desk)
    policy = page.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "<title>Sandbox" in page.text
    assert (await fetch(desk, "/page/app.js")).headers["content-type"].startswith("text/javascript")
    for hidden in ("/page/..%2fserver.py", "/page/nothing.js", "/page/%2e%2e/server.py"):
        assert (await fetch(desk, hidden)).status_code == 404


def test_nothing_of_the_page_comes_from_elsewhere() -> None:
    for part in (ROOT / "sandbox" / "slack" / "page").iterdir():
        text = part.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, part
        assert "https://" not in text, part
        assert "innerHTML" not in text, part


async def test_a_person_sees_only_their_own_rooms(desk: Desk) -> None:
    await desk.driver.say("U0OLIVIA", "@app", "for me alone")
    state = await desk.driver.state("U0ARJUN")

    assert [room["id"] for room in state["rooms"]] == ["C0AIOPS", "C0APPROVE", "D0ARJUN"]
    assert "for me alone" not in json.dumps(state)


async def test_unread_ends_when_a_person_looks(desk: Desk) -> None:
    await desk.client.chat_postMessage(channel="C0AIOPS", text="news")
    before = await desk.driver.state("U0ARJUN")
    await desk.driver.open("U0ARJUN", channel="#ai-costs")
    after = await desk.driver.state("U0ARJUN")

    assert (before["rooms"][0]["unread"], after["rooms"][0]["unread"]) == (1, 0)
    assert after["unread_of"] == {"U0OLIVIA": 1, "U0ARJUN": 0, "U0EDITH": 1}
