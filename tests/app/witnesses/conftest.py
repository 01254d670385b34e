"""Logs without a database, logs with one and a signer, and a witness process with an HTTP address."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app.commands import audit_witnesses
from app.log_key import KeyFolder
from app.processes.signer import Following
from app.witnesses import submission
from app.witnesses.file import FileWitness
from app.witnesses.judge import Judge
from app.witnesses.memory import Memory, opened
from app.witnesses.port import Growth
from app.witnesses.process import ProcessWitness
from app.witnesses.publish import Line
from app.witnesses.served import web
from audit.checkpoint import Checkpoint, parse, sign
from audit.note import SigningKey, VerifierKey
from audit.tree import consistency_proof, root
from tests.audit.conftest import Log

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TIME = int(NOW.timestamp())
NAME, WITNESS_NAME = "bank.example/spendgate", "witness.example/w1"


class Leaves:
    """A log that is only its entries' bytes and its key."""

    def __init__(self, key: SigningKey, leaves: Sequence[bytes], origin: str = NAME) -> None:
        self.key, self.leaves, self.origin = key, list(leaves), origin

    def at(self, size: int) -> Checkpoint:
        return parse(sign(self.origin, size, root(self.leaves[:size]), self.key))

    def proof(self, old: int, new: int) -> list[bytes]:
        return consistency_proof(self.leaves[:new], old) if 0 < old < new else []

    def body(self, old: int, new: int) -> bytes:
        return submission.body(old, self.proof(old, new), self.at(new))

    def grown(self, new: int) -> Growth:
        return lambda old: self.proof(old, new)

    def fork(self, at: int) -> "Leaves":
        """The same key, with one entry rewritten."""
        return Leaves(self.key, [*self.leaves[:at], b"rewritten", *self.leaves[at + 1 :]], self.origin)

    def under(self, origin: str, kept: int) -> "Leaves":
        """What goes on after a restore that kept some entries."""
        more = [b"restored", *(b"after %d" % one for one in range(60))]
        return Leaves(self.key, [*self.leaves[:kept], *more], origin)


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.new(NAME)


@pytest.fixture
def leaves(key: SigningKey) -> Leaves:
    return Leaves(key, [b"entry %d" % one for one in range(100)])


class Served:
    """A witness at an address of loopback."""

    def __init__(self, judge: Judge, memory: Memory) -> None:
        self.memory, self.judge = memory, judge
        self.key: VerifierKey = memory.key.verifier
        config = uvicorn.Config(web(judge), host="127.0.0.1", port=0, log_level="error", lifespan="off")
        self._server = uvicorn.Server(config)
        self._socket = config.bind_socket()
        self._socket.listen(64)  # before the thread has come so far: nobody is turned away
        self._client = httpx.Client(trust_env=False, timeout=20)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()

    def post(self, body: bytes) -> httpx.Response:
        return self._client.post(f"{self.url}/add-checkpoint", content=body)

    def get(self, origin: str) -> httpx.Response:
        return self._client.get(f"{self.url}/checkpoint/{origin}")

    def end(self) -> None:
        self._client.close()
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    running: list[Served] = []
    entered = []

    def start(*logs: VerifierKey, folder: Path = tmp_path / "witness", also: Sequence[str] = ()) -> Served:
        holding = opened(folder, WITNESS_NAME)
        memory = holding.__enter__()
        entered.append(holding)
        running.append(Served(Judge(memory, logs, also=also, clock=lambda: TIME), memory))
        return running[-1]

    yield start
    for one in running:
        one.end()
    for holding in entered:
        holding.__exit__(None, None, None)


@pytest.fixture
def witness(serve: Callable[..., Served], key: SigningKey) -> Served:
    """A witness that follows the log of `key`."""
    return serve(key.verifier)


class Signed:
    """A log in a database, with its signer."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.log = Log(folder / "spendgate.db")
        self.log.fill()
        self.files = KeyFolder(folder / "signer")
        self.following = Following(self.log.engine, self.files)

    @property
    def key(self) -> VerifierKey:
        return self.following.key.verifier

    def grow(self, count: int = 5) -> Checkpoint:
        """Adds entries and signs them."""
        self.log.fill(count)
        note = self.following.round()
        assert note is not None
        return parse(note)


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    return Signed(tmp_path / "home")


class Room:
    """A home with its signed log, a file and a witness process, and the command."""

    def __init__(self, signed: Signed, served: Served, notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.signed, self.served, self.notes, self._capsys = signed, served, notes, capsys
        self.file = Line(signed.log.engine, FileWitness(notes, signed.key))
        self.process = Line(signed.log.engine, ProcessWitness(served.url, served.key))

    def show(self, checkpoint: Checkpoint) -> None:
        for line in (self.file, self.process):
            line.offer(checkpoint)
            assert line.step(1e12 + checkpoint.size * 1e6), line.state

    def run(self, **more: Any) -> tuple[int, dict[str, Any]]:
        """The exit code and the JSON."""
        given: dict[str, Any] = {
            "file": str(self.notes),
            "bucket": None,
            "url": self.served.url,
            "witness_key": str(self.served.key),
            "keys": [],
        }
        code = 0
        try:
            audit_witnesses.run(**{**given, **more}, as_json=True)
        except SystemExit as end:
            code = int(end.code or 0)
        return code, json.loads(self._capsys.readouterr().out)

    def whats(self, **more: Any) -> set[tuple[str, str]]:
        """Which witness says what, with exit code 7."""
        code, told = self.run(**more)
        assert code == 7, told
        return {(one["witness"].split(":")[0], one["what"]) for one in told["findings"]}

    def cut(self, kept: int) -> None:
        """Somebody with the database takes the tail away, with everything beside it that tells of it."""
        self.signed.log.raw(
            f"DELETE FROM log_entry WHERE seq > {kept}",
            f"DELETE FROM log_checkpoint WHERE size > {kept}",
            f"DELETE FROM log_witness WHERE size > {kept}",
            "DELETE FROM log_tile",
        )


@pytest.fixture
def room(
    signed: Signed,
    serve: Callable[..., Served],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Room:
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path / "home"))
    return Room(signed, serve(signed.key), tmp_path / "notes", capsys)
