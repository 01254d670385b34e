"""Logs without a database, logs with one and a signer, and a witness process with an HTTP address."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn

from app.log_key import KeyFolder
from app.processes.signer import Following
from app.witnesses import submission
from app.witnesses.judge import Judge
from app.witnesses.memory import Memory, opened
from app.witnesses.port import Growth
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
