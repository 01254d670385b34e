"""What a user configures, from environment variables, checked at the start of each process.

A setting that cannot work is refused before anything runs, by a sentence that names the variable; each process takes
only what it needs, and refuses to start with another's credentials in its environment.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from app.errors import Exit, Problem

LOOPBACK_NAMES = {"localhost"}
CHANNEL = re.compile(r"[CG][A-Z0-9]{2,20}")
DATABASE_URL, OWNER_URL = "SPENDGATE_DATABASE_URL", "SPENDGATE_OWNER_DATABASE_URL"
LAKE_URL = "SPENDGATE_LAKE_URL"
ROLE_PREFIX = "SPENDGATE_DATABASE_ROLES"
URL_OPTIONS = frozenset({"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs"})
_WRITTEN = re.compile(r"(?:%[0-9a-fA-F]{2}|[^%#\s\x00-\x20\x7f])*")
AMBIENT = ("PGPASSWORD", "PGPASSFILE", "PGUSER", "PGSERVICE", "PGSERVICEFILE", "PGOPTIONS", "PGHOSTADDR")
"""Variables by which PostgreSQL's own library would change who connects to what."""

CREDENTIALS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "cloud credentials": (("SPENDGATE_WORKER_",), "the worker"),
    "Slack's secrets": (
        (
            *("SPENDGATE_SLACK_BOT_TOKEN", "SPENDGATE_SLACK_SIGNING_SECRET", "SPENDGATE_SLACK_APP_TOKEN"),
            *("SPENDGATE_SLACK_CLIENT_SECRET", "SPENDGATE_SLACK_TOKEN_KEY"),
        ),
        "serve",
    ),
    "the model's key": (("OPENAI_API_KEY",), "the agent"),
    "the billing sources' keys": (("SPENDGATE_SOURCE_",), "`spendgate sources`"),
    "the lake's address": ((LAKE_URL,), "what loads or asks the bill"),
    "what belongs to the log's key": (("SPENDGATE_SIGNER_",), "the signer"),
    "the database owner's address": ((OWNER_URL,), "`spendgate db init`, `db upgrade` and `db adopt`"),
}
"""What is secret: how its variables begin, and who may have them."""

HOLDS: Mapping[str, frozenset[str]] = {
    "serve": frozenset({"Slack's secrets", "the lake's address"}),
    "agent": frozenset({"the model's key", "the lake's address"}),
    "worker": frozenset({"cloud credentials"}),
    "signer": frozenset({"what belongs to the log's key"}),
    "witness": frozenset(),
    # A person's own shell may hold a key for other uses; a short command neither serves requests nor asks a model.
    "command": frozenset({"Slack's secrets", "the model's key", "the billing sources' keys", "the lake's address"}),
}


@dataclass(frozen=True)
class SlackSettings:
    """How `serve` talks to Slack. Tokens never appear in a representation; `team` is the home workspace."""

    bot_token: str = field(repr=False)
    """empty where each workspace has a token of its own, by OAuth"""
    signing_secret: str = field(repr=False)
    team: str
    app_id: str
    approvals_channel: str
    base_url: str
    witness_channel: str | None = None
    app_token: str | None = field(default=None, repr=False)
    """for Socket Mode: Slack is called, and calls nobody"""
    anomaly_channels: tuple[str, ...] = ()
    """where unusual spend is told, as far as each may be told of it"""
    public_url: str | None = None
    """where people's browsers reach `serve`, for the pages on which changes of high risk are decided"""


@dataclass(frozen=True)
class SignerSettings:
    """Where the log's key lies, outside the database, and the log's name, if one was chosen."""

    folder: Path
    origin: str | None


@dataclass(frozen=True)
class Settings:
    """Everything that every process needs."""

    home: Path
    host: str
    port: int
    database_url: str | None = field(default=None, repr=False)


def is_loopback(host: str) -> bool:
    """True for names and addresses that only this machine reaches."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def wrong(name: str, value: str, why: str, do: str) -> Problem:
    """The refusal of a variable's value."""
    return Problem(f"{name} cannot be used: {value!r}.", why=why, do=do, exit_code=Exit.USAGE)


def whole(text: str) -> bool:
    """A number in plain digits; `²` is a digit to Python and none to anybody else."""
    return text.isascii() and text.isdigit() and len(text) <= 9


def missing(name: str, process: str, do: str) -> Problem:
    """The refusal of a variable that is not set."""
    return Problem(
        f"{name} is not set.", why=f"`spendgate {process}` cannot start without it.", do=do, exit_code=Exit.USAGE
    )


def web_address(env: Mapping[str, str], name: str) -> str | None:
    """The http or https address in a variable, None where it is not set; plain http only to loopback."""
    value = env.get(name, "").strip()
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong(name, value, "It is not an http or https address.", f"Set it like {name}=https://example.com/path")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise wrong(
            name, value, "Plain http would send secrets readable over the network.", "Use https, or a loopback address."
        )
    return value


def load_settings(env: Mapping[str, str] = os.environ) -> Settings:
    """The settings that every process shares."""
    raw_port = env.get("SPENDGATE_PORT", "8470")
    if not whole(raw_port) or int(raw_port) >= 65536:
        raise wrong("SPENDGATE_PORT", raw_port, "It is not a port number.", "Use a number from 1 to 65535.")
    host = env.get("SPENDGATE_HOST", "127.0.0.1")
    if not is_loopback(host):
        raise wrong(
            "SPENDGATE_HOST",
            host,
            "The web pages have no sign-in yet, so they are served on loopback only.",
            "Keep 127.0.0.1 and put a proxy with TLS in front that forwards /slack/events alone.",
        )
    return Settings(
        home=Path(env.get("SPENDGATE_HOME") or ".spendgate"),
        host=host,
        port=int(raw_port),
        database_url=load_database_url(env),
    )


def load_database_url(env: Mapping[str, str] = os.environ, name: str = DATABASE_URL) -> str | None:
    """The address of a PostgreSQL database, None for SQLite in the home. It alone says who connects, and where."""
    value = env.get(name, "").strip()
    if not value:
        return None
    shown = f"{value.partition(':')[0]}://…" if re.match(r"[a-z]+://", value) else "…"  # it holds a password
    if not _WRITTEN.fullmatch(value) or "%00" in value or value.count("@") > 1:
        # what the library says of such an address repeats it, the password among the rest
        why = "A space, '#', '%' or '@' in a role or a password is not written as an address carries it."
        raise wrong(name, shown, why, "Write a space as %20, # as %23, % as %25 and @ as %40.")
    try:
        parts = urlsplit(value)
    except ValueError:
        why, do = "Its host cannot be read.", f"Write {name}=postgresql://ROLE:…@HOST/NAME"
        raise wrong(name, shown, why, do) from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise wrong(name, shown, "It is not a postgresql address.", f"Set it like {name}=postgresql://ROLE:…@HOST/NAME")
    query = dict(parse_qsl(parts.query))
    if not parts.username or len(parts.path) < 2:
        raise wrong(name, shown, "It names no role or no database.", "Write both: postgresql://ROLE:…@HOST/NAME")
    strange = sorted(set(query) - URL_OPTIONS)
    if strange:
        why = f"It carries {', '.join(strange)}, which could make the connection another's."
        raise wrong(name, shown, why, f"Leave them away; known are {', '.join(sorted(URL_OPTIONS))}.")
    host = query.get("host") or parts.hostname or ""
    if host and not host.startswith("/") and not is_loopback(host) and "sslmode" not in query:
        why = "Without sslmode the connection to another machine may silently be readable on the way."
        do = "Add ?sslmode=verify-full (or, on a network that is yours alone, ?sslmode=disable)."
        raise wrong(name, shown, why, do)
    ambient = sorted(one for one in AMBIENT if env.get(one))
    if ambient:
        raise Problem(
            f"{', '.join(ambient)} cannot be set beside {name}.",
            why="The database library would take from it who connects, and each process has a role of its own.",
            do=f"Put all of it into {name}, and start this without: env -u {ambient[0]} …",
            exit_code=Exit.USAGE,
        )
    return "postgresql" + value[len(parts.scheme) :]


def load_role_prefix(env: Mapping[str, str] = os.environ) -> str:
    """With which word the names of a new database's roles begin: two installations on one server need two."""
    prefix = env.get(ROLE_PREFIX, "").strip() or "spendgate"
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", prefix):
        why = "The names of the database's roles begin with it: small letters, digits and underscores."
        raise wrong(ROLE_PREFIX, prefix, why, "Leave it unset for spendgate_gate, spendgate_agent and so on.")
    return prefix


def refuse_credentials(process: str, what: str, env: Mapping[str, str] = os.environ) -> None:
    """Stops a process that another's credentials could be read from: what it holds, a model or a request may reach."""
    for kind, (names, holder) in CREDENTIALS.items():
        found = sorted(name for name in env if name.startswith(names) and env[name])
        if found and kind not in HOLDS.get(process, HOLDS["command"]):
            raise Problem(
                f"{what} will not start with {', '.join(found)} in its environment.",
                why=f"Only {holder} may hold {kind}: what others reach, a model or a web request may reach.",
                do=f"Start each process in an environment of its own, and this without: env -u {found[0]} …",
                exit_code=Exit.USAGE,
            )


def refuse_worker_credentials(what: str, env: Mapping[str, str] = os.environ) -> None:
    """What every command but the worker refuses: the worker's variables, and the database owner's address."""
    refuse_credentials("command", what, env)


def load_slack(env: Mapping[str, str] = os.environ) -> SlackSettings:
    """Slack's settings for `serve`; each missing one is named with where to find it."""
    wanted = {
        "SPENDGATE_SLACK_BOT_TOKEN": (
            "Find it under OAuth & Permissions of your Slack app (xoxb-…); for several workspaces set "
            "SPENDGATE_SLACK_CLIENT_ID instead (docs/slack-setup.md)."
        ),
        "SPENDGATE_SLACK_SIGNING_SECRET": (
            "Find it under Basic Information of your Slack app; Socket Mode needs none, but SPENDGATE_SLACK_APP_TOKEN."
        ),
        "SPENDGATE_SLACK_TEAM": "The workspace's id: in a browser its address is app.slack.com/client/T…",
        "SPENDGATE_SLACK_APP_ID": "The app's id (A…), under Basic Information.",
        "SPENDGATE_SLACK_APPROVALS_CHANNEL": "The id (C…) of the channel where cards are posted; invite the app there.",
    }
    app_token = env.get("SPENDGATE_SLACK_APP_TOKEN", "").strip()
    if app_token:
        del wanted["SPENDGATE_SLACK_SIGNING_SECRET"]  # nobody calls us, so nothing is signed
    by_oauth = any(env.get(f"SPENDGATE_SLACK_CLIENT_{part}", "").strip() for part in ("ID", "SECRET"))
    if by_oauth:
        del wanted["SPENDGATE_SLACK_BOT_TOKEN"]  # each workspace's own is in the database
    if app_token and not app_token.startswith("xapp-"):
        why = "App-level tokens begin with xapp-."
        do = "Make one with the scope connections:write under Basic Information, App-Level Tokens."
        raise Problem("SPENDGATE_SLACK_APP_TOKEN is no app-level token.", why=why, do=do, exit_code=Exit.USAGE)
    values: dict[str, str] = {"SPENDGATE_SLACK_SIGNING_SECRET": env.get("SPENDGATE_SLACK_SIGNING_SECRET", "").strip()}
    for name, do in wanted.items():
        values[name] = env.get(name, "").strip()
        if not values[name]:
            raise missing(name, "serve", do + " To try without Slack: spendgate demo.")
    if not by_oauth and not values["SPENDGATE_SLACK_BOT_TOKEN"].startswith("xoxb-"):
        raise Problem(
            "SPENDGATE_SLACK_BOT_TOKEN is not a bot token.",
            why="Bot tokens begin with xoxb-.",
            do="Copy the Bot User OAuth Token from OAuth & Permissions of your Slack app.",
            exit_code=Exit.USAGE,
        )
    base = web_address(env, "SPENDGATE_SLACK_BASE_URL") or "https://slack.com/api/"
    return SlackSettings(
        bot_token=values.get("SPENDGATE_SLACK_BOT_TOKEN", ""),
        signing_secret=values["SPENDGATE_SLACK_SIGNING_SECRET"],
        team=values["SPENDGATE_SLACK_TEAM"],
        app_id=values["SPENDGATE_SLACK_APP_ID"],
        approvals_channel=values["SPENDGATE_SLACK_APPROVALS_CHANNEL"],
        base_url=base if base.endswith("/") else base + "/",
        app_token=app_token or None,
        witness_channel=env.get("SPENDGATE_SLACK_WITNESS_CHANNEL", "").strip() or None,
        anomaly_channels=channel_ids("SPENDGATE_ANOMALY_CHANNELS", env),
        public_url=(web_address(env, "SPENDGATE_PUBLIC_URL") or "").rstrip("/") or None,
    )


def channel_ids(name: str, env: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The ids of channels in a variable, each once. Raises a Problem for one that is no channel's id."""
    given = [one.strip() for one in env.get(name, "").split(",") if one.strip()]
    for one in given:
        if not CHANNEL.fullmatch(one):
            raise Problem(
                f"{name} names {one[:40]!r}.",
                why="A channel's id begins with C or G, like C0123ABCD; its name changes, its id does not.",
                do="Copy the id from the channel's details in Slack; several are separated by commas.",
                exit_code=Exit.USAGE,
            )
    return tuple(dict.fromkeys(given))


def load_signer(home: Path, env: Mapping[str, str] = os.environ) -> SignerSettings:
    """The signer's settings: where its key lies, and how the log is called."""
    folder, origin = env.get("SPENDGATE_SIGNER_FOLDER", "").strip(), env.get("SPENDGATE_SIGNER_ORIGIN", "").strip()
    if any(letter.isspace() or letter == "+" or not letter.isprintable() for letter in origin):
        why = "The name of a log has neither spaces nor a plus: it stands in front of every signature."
        raise wrong(
            "SPENDGATE_SIGNER_ORIGIN", origin, why, "Use one such as bank.example/spendgate, or leave it unset."
        )
    return SignerSettings(Path(folder) if folder else home / "signer", origin or None)


def header_safe(name: str, key: str) -> None:
    """Refuses a key that no header can carry."""
    if not key.isascii() or not key.isprintable() or " " in key:
        do = "Copy it again, without spaces or line breaks."
        raise wrong(name, "…", "A key is plain letters, digits and signs, sent in a header.", do)
