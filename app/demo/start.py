"""`spendgate demo`: the whole product on this machine, with nothing of the user's own but loopback ports.

Sandbox Slack and sandbox AWS stand for the outside world; everything between them is what runs in production.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter

from app.database import writing
from app.demo.children import Children, base_environment
from app.demo.story import tell
from app.demo.world import APP_ID, AUDITOR, BOT_TOKEN, CHANNEL, COSTS, OPS, SIGNING_SECRET, TEAM, World
from app.drafting_rules import RULES, turn
from app.errors import Exit, Problem
from app.home import Home, open_home, sole
from app.intake import take_in
from app.model_settings import load_model
from app.ready import ready_database
from app.stopping import stop_once
from app.web.login import link_token
from lake.engine import Lake
from lake.load import ingest
from lake.report import IngestReport
from sandbox.bank.write import write_bank

HERE = Path(__file__).parent
REPORT = TypeAdapter(IngestReport)


def run(*, story: bool, bill: Path | None, port: int, as_json: bool) -> None:
    """Brings the demo up; then plays the story, or waits for people until Ctrl-C."""
    if story and bill is not None:
        raise Problem(
            "--story and --bill do not go together.",
            why="The story is about the sample bank's bill and its idle machines.",
            do="Leave one of them away.",
            exit_code=Exit.USAGE,
        )
    if bill is not None and not bill.exists():
        raise Problem(f"There is no file {bill}.", why="", do="Name a FOCUS file.", exit_code=Exit.NOT_FOUND)
    stop_once()
    folder = open_home(Path(os.environ.get("SPENDGATE_HOME") or ".spendgate")).folder / "demo"
    top = open_home(folder)
    try:
        with sole(top, "demo"), Children(folder / "logs") as children:
            world = bring_up(children, folder, bill=bill, port=port, say=Teller(quiet=as_json))
            if story:
                sys.exit(tell(world, as_json=as_json))
            if bill is None:
                let_scans_draft(world.home)
            look_for_unusual(world.home)
            _greet(world, bill)
            _wait(children)
    except KeyboardInterrupt:
        sys.stderr.write("\nThe demo has ended; its state is kept in .spendgate/demo until the next one.\n")
        sys.exit(Exit.INTERRUPTED if story else Exit.OK)


class Teller:
    """Says on stderr what is being set up."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet, self.begun = quiet, time.monotonic()

    def __call__(self, text: str) -> None:
        if not self.quiet:
            sys.stderr.write(f"  {time.monotonic() - self.begun:5.1f} s  {text}\n")
            sys.stderr.flush()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun


def bring_up(children: Children, folder: Path, *, bill: Path | None, port: int, say: Teller) -> World:
    """Starts every process and returns when all are ready."""
    home = fresh_home(folder / "home")
    page_port, serve_port, aws_port = reserve([port, 0, 0])
    page, serve = f"http://127.0.0.1:{page_port}", f"http://127.0.0.1:{serve_port}"
    common = {"SPENDGATE_HOME": str(home.folder)}
    audit = f"{serve}/enter?token={link_token(home, AUDITOR)}"
    slack = children.start(
        "slack",
        *("sandbox", "slack", "--port", str(page_port), "--app-url", f"{serve}/slack/events"),
        *("--signing-secret", SIGNING_SECRET),
        env={**common, "SPENDGATE_SANDBOX_AUDIT_LINK": audit},  # an argument could be read by every user of the machine
    )
    bank = ready_bank(folder, say)
    aws = children.start(
        "aws", "sandbox", "aws", "--machines", str(bank / "machines.json"), "--port", str(aws_port), env=common
    )
    if bill:
        load_bill(home, [str(bill)], say, kept=None)
    else:
        load_bill(home, [str(bank / "bill"), str(bank / "usage")], say, kept=bank / "loaded")
        shutil.copyfile(bank / "calendar.csv", home.calendar)
    slack.ready()
    server = children.start("serve", "serve", env={**common, **slack_environment(page, serve_port)})
    agent = children.start("agent", "agent", env={**common, **model_environment()})
    signer = children.start("signer", "signer", env=common)
    aws.ready()
    worker = children.start("worker", "worker", env={**common, **worker_environment(aws_port)})
    for child in (server, agent, signer, worker):
        child.ready()
    say("ready")
    return World(page, serve, f"http://127.0.0.1:{aws_port}", audit, home, bank, say.seconds)


def fresh_home(folder: Path) -> Home:
    """An empty home with the demo's three people; the sandbox forgets, so an earlier database would not match it."""
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise Problem(
            f"The state of the last demo in {folder} cannot be put away.",
            why=f"{error.strerror}: processes of it may still be running and writing there.",
            do="End them (pgrep -fl 'app (serve|agent|worker|sandbox)' shows them), then start the demo again.",
            exit_code=Exit.CONFLICT,
        ) from error
    home = open_home(folder)
    shutil.copyfile(HERE / "people.toml", home.people)
    (home.folder / "sandbox").write_text("This home belongs to the demo: --as works here.\n")
    return home


def ready_bank(folder: Path, say: Teller) -> Path:
    """The bank's bill until yesterday, generated once a day."""
    until = yesterday()
    bank = folder / f"bank-{until.isoformat()}"
    if not ((bank / "complete").exists() and (bank / "calendar.csv").exists()):
        say(f"generating the sample bank's bill until {until.isoformat()}")
        for old in folder.glob("bank-*"):
            shutil.rmtree(old)
        write_bank(bank, until=until)
        (bank / "complete").write_text("")
    return bank


def yesterday() -> date:
    """The last whole day, in UTC."""
    return datetime.now(UTC).date() - timedelta(days=1)


def load_bill(home: Home, paths: list[str], say: Teller, *, kept: Path | None) -> None:
    """Ingests the bill as `spendgate ingest` would; `kept` holds the demo's lake from an earlier start."""

    def load(now: datetime) -> IngestReport:
        if kept is None or not (kept / "report.json").exists():
            report = ingest(Lake(home.lake), paths, now=now)
            if kept is not None:
                shutil.copytree(home.lake, kept / "lake", dirs_exist_ok=True)
                (kept / "report.json").write_bytes(REPORT.dump_json(report))
            return report
        shutil.copytree(kept / "lake", home.lake, dirs_exist_ok=True)
        return REPORT.validate_json((kept / "report.json").read_bytes())

    report = take_in(ready_database(home), load)
    aside = f", {report.rows_quarantined} set aside" if report.rows_quarantined else ""
    say(f"loaded {report.rows_loaded:,} rows of the bill{aside}")


def reserve(wanted: list[int]) -> list[int]:
    """A port for each; 0 means any free one. A wanted port that is taken is a sentence, before anything starts."""
    with _held(wanted) as sockets:
        return [int(held.getsockname()[1]) for held in sockets]


@contextmanager
def _held(wanted: list[int]) -> Iterator[list[socket.socket]]:
    sockets: list[socket.socket] = []
    try:
        for port in wanted:
            held = socket.socket()
            sockets.append(held)
            try:
                held.bind(("127.0.0.1", port))
            except OSError as error:
                raise Problem(
                    f"Port {port} cannot be used.",
                    why=f"{error.strerror}: another program listens there.",
                    do="Choose another with --port, or leave --port away for a free one.",
                    exit_code=Exit.CONFLICT,
                ) from error
        yield sockets
    finally:
        for held in sockets:
            held.close()


def let_scans_draft(home: Home) -> None:
    """Olivia has turned every drafting rule on: what they lead to touches the sandbox's machines alone."""
    with writing(ready_database(home)) as (session, now):
        for rule in RULES:
            turn(session, now=now, rule=rule, person=OPS, on=True)


def look_for_unusual(home: Home) -> None:
    """One scan of the bill, as a scheduler runs it every day: what it finds is told in the channel for AI's costs."""
    command = [sys.executable, "-m", "app", "scan"]
    env = {**base_environment(), "SPENDGATE_HOME": str(home.folder)}
    subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)


def slack_environment(page: str, port: int) -> dict[str, str]:
    """What `serve` needs to talk to the sandbox workspace."""
    return {
        "SPENDGATE_SLACK_BOT_TOKEN": BOT_TOKEN,
        "SPENDGATE_SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SPENDGATE_SLACK_TEAM": TEAM,
        "SPENDGATE_SLACK_APP_ID": APP_ID,
        "SPENDGATE_SLACK_APPROVALS_CHANNEL": CHANNEL,
        "SPENDGATE_ANOMALY_CHANNELS": COSTS,
        "SPENDGATE_SLACK_BASE_URL": f"{page}/api/",
        "SPENDGATE_PORT": str(port),
    }


def model_environment() -> dict[str, str]:
    """The user's own model, if there is one: the agent alone gets its key."""
    names = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "SPENDGATE_MODEL")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def worker_environment(aws_port: int) -> dict[str, str]:
    """The sandbox's cloud credentials, which the worker alone holds."""
    return {
        "SPENDGATE_WORKER_EXECUTOR": "aws",
        "SPENDGATE_WORKER_AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws_port}",
        "SPENDGATE_WORKER_AWS_ACCESS_KEY_ID": "sandbox",
        "SPENDGATE_WORKER_AWS_SECRET_ACCESS_KEY": "sandbox",
        "SPENDGATE_WORKER_SETTLE_SECONDS": "5",
    }


def _greet(world: World, bill: Path | None) -> None:
    model = load_model()
    words = (
        f"{model.name}, by your OPENAI_API_KEY"
        if model.api_key
        else "the offline model (set OPENAI_API_KEY for a language model)"
    )
    facts = f"your bill {bill}" if bill else "the sample bank's bill (generated)"
    lines = [
        "",
        f"  Open {world.page}",
        "",
        "  There you are Olivia, who asks; Arjun, who approves in #finops-approvals; and Edith, who reads the log.",
        "  Try: What did AI cost last month, by team?   Why did it jump?   Which GPU machines are idle?",
        "       Propose to stop the largest one.",
        "",
        f"  Facts: {facts}. Words: {words}.",
        "  Sandbox: the Slack workspace, the AWS account with its machines, and the three people.",
        f"  Nothing leaves this machine{' but what the model is asked' if model.api_key else ''}.",
    ]
    if bill:
        lines.append("  Your bill is only read: changes go to the sandbox's machines, so none of yours can be touched.")
    lines += [
        f"  The same home on the command line: SPENDGATE_HOME={world.home.folder} ./dev run audit verify",
        "  Ctrl-C ends it.",
        "",
    ]
    sys.stdout.write("\n".join(lines))
    sys.stdout.write(json.dumps({"ready": "demo", "address": world.page}) + "\n" if not sys.stdout.isatty() else "\n")
    sys.stdout.flush()


def _wait(children: Children) -> None:
    while True:
        time.sleep(0.5)
        ended = children.dead()
        if ended is not None:
            raise ended._ended()
