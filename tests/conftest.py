"""What tests of several rooms share: a PostgreSQL server, databases of its own for each test, and the gate."""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.approvals.gate import gate, made_database, made_on_server, new_gate, on_sqlite  # noqa: F401
from tests.postgres.server import NoServer, Server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server for all tests of this process; its role `owner` may make databases and roles and is no superuser."""
    try:
        server = Server()
    except NoServer as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(f"NOT TESTED ON POSTGRESQL: {error}")
    server.run("CREATE ROLE owner LOGIN CREATEDB CREATEROLE")
    yield server
    server.stop()


@pytest.fixture(scope="session", autouse=True)
def _aws_models_read_once() -> Iterator[None]:
    """botocore reads megabytes of JSON for each new session, and the tests make hundreds of sessions."""
    from botocore.loaders import JSONFileLoader

    read, models = JSONFileLoader.load_file, dict[str, Any]()

    def load_file(loader: Any, file_path: str) -> Any:
        if file_path not in models:
            models[file_path] = read(loader, file_path)
        return models[file_path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", load_file)
        yield


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The address of moto's server on loopback: for what our own sandbox of AWS has not (buckets, metrics)."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def new_database(postgres: Server) -> Callable[..., str]:
    """Makes a database, empty or like another, and returns its owner's address."""
    numbers = itertools.count(1)

    def make(like: str | None = None) -> str:
        name = f"t{next(numbers)}"
        template = f" TEMPLATE {like}" if like else ""
        postgres.run(f"CREATE DATABASE {name} OWNER owner{template}")
        return postgres.of(name)

    return make
