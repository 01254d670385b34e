"""Runs tests on copies of the sources, each in a child forked from here, where all libraries are loaded already.

Run as a program: a line of JSON in (`folder`, `tests`, `seconds`), a line of JSON out (`folder`, `reports`, `ended`,
`said`, `seconds` of processor time). This process imports nothing of the project, so that each child imports what
stands in its own folder; importing the libraries anew for every fault would take most of the time.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

LIBRARIES = (
    *("alembic.autogenerate", "alembic.command", "alembic.runtime.migration", "cryptography.fernet", "hypothesis"),
    *("pydantic", "psycopg", "pytest_asyncio.plugin", "pytest_timeout", "rfc8785", "sqlmodel", "grimp"),
    *("sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite", "sqlalchemy.ext.asyncio"),
    *("boto3", "botocore.client", "httpx", "fastapi", "slack_bolt.async_app", "uvicorn"),
    *("langchain_core.runnables.config", "langgraph.checkpoint.postgres.aio", "langgraph.checkpoint.sqlite.aio"),
)
"""Whatever the project imports that starts no thread: a fork takes along only the thread that forks."""

SETTINGS = {"LANGGRAPH_STRICT_MSGPACK": "true", "LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}
"""What agent/strict.py sets, and LangGraph reads while it is imported."""

PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout", "_hypothesis_pytestplugin")
"""Those that the tests need; each that is installed besides would be loaded for every fault."""


class Reports:
    """What each test came to: where it ended, and the error and the file that it came from."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Notes every phase that failed, and the call of those that passed or were skipped."""
        report = (yield).get_result()
        if report.when == "call" or report.outcome != "passed":
            error = call.excinfo
            self.found.append(
                {
                    "test": item.nodeid,
                    "when": report.when,
                    "outcome": report.outcome,
                    "error": [kind.__name__ for kind in error.type.__mro__] if error is not None else [],
                    "told": str(error.value)[:500] if error is not None else "",
                    "file": str(error.traceback[-1].path) if error is not None else "",
                }
            )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be imported tells nothing of the fault."""
        if report.failed:
            told = str(report.longrepr)[-500:]
            self.found.append(
                {"test": report.nodeid, "when": "collect", "outcome": "failed", "error": [], "told": told, "file": ""}
            )


def run(folder: Path, tests: list[str], *, lists: bool) -> list[dict[str, Any]]:
    """Runs the tests in this process, which must be one that ends afterwards."""
    root = str(Path(__file__).resolve().parents[2])
    sys.path[:] = [str(folder), *(path for path in sys.path if path and os.path.realpath(path) != root)]
    sys.dont_write_bytecode = True
    os.chdir(folder)
    reports = Reports()
    only = ["--collect-only"] if lists else []
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plugins = [part for name in PLUGINS for part in ("-p", name)]
    here = ["-c", "pyproject.toml", "--rootdir", str(folder), "--basetemp", str(folder / ".tmp")]
    code = pytest.main([*here, *plugins, *only, *tests], plugins=[reports])
    known = {report["test"] for report in reports.found}
    if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR) and not known:
        reports.found.append(
            {"test": "", "when": "collect", "outcome": "failed", "error": [], "told": f"pytest: {code}", "file": ""}
        )
    return reports.found


def born(asked: dict[str, Any]) -> dict[str, Any]:
    """Forks a child for what was asked, waits for it, and ends it with all that it started."""
    folder = Path(asked["folder"])
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        _live(folder, asked, tell)
    os.close(tell)
    answer, deadline = b"", time.monotonic() + asked["seconds"]
    while (left := deadline - time.monotonic()) > 0 and select.select([told], [], [], left)[0]:
        part = os.read(told, 65536)
        if not part:
            break
        answer += part
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    used = os.wait4(child, 0)[2]
    os.close(told)
    said = (folder / ".said").read_text(errors="replace")[-3000:] if (folder / ".said").exists() else ""
    spent = {"said": said, "seconds": round(used.ru_utime + used.ru_stime, 1)}
    try:
        return {"reports": json.loads(answer), "ended": True, **spent}
    except ValueError:
        return {"reports": [], "ended": False, **spent}


def _live(folder: Path, asked: dict[str, Any], tell: int) -> None:
    os.setpgid(0, 0)
    with (folder / ".said").open("wb") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    try:
        reports = run(folder, asked["tests"], lists=asked.get("lists", False))
        sys.stdout.flush()
        os.write(tell, json.dumps(reports).encode())
    finally:
        os._exit(0)


def main() -> None:
    """Loads the libraries once, then serves one line after the other until there are no more."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ.update(SETTINGS)
    for name in LIBRARIES:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        out.write(json.dumps({"folder": asked["folder"], **born(asked)}) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
