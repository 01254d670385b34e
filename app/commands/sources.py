"""`spendgate sources`: providers' interfaces as sources of bills. Only this process holds their keys."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType

from app.allocation import rules_here
from app.commands import ingest as told
from app.commands import publish
from app.commands.console import hint, print_json, print_table
from app.commands.here import place
from app.database import reading
from app.errors import Exit, Problem
from app.home import Home
from app.intake import take_in
from app.progress import bar
from app.source_settings import SourceSettings, load_sources
from lake import allocation
from lake import pull as pulling
from lake.engine import Lake
from lake.sources import anthropic_api, litellm, openai_api
from lake.sources.api_source import ApiSource
from lake.sources.paged_api import PagedApi

KNOWN: Mapping[str, str] = MappingProxyType(
    {
        "anthropic": "SPENDGATE_SOURCE_ANTHROPIC_KEY",
        "litellm": "SPENDGATE_SOURCE_LITELLM_KEY",
        "openai": "SPENDGATE_SOURCE_OPENAI_KEY",
    }
)
"""The sources that there are, and which variable holds the key of each."""


def list_all(*, as_json: bool) -> None:
    """Prints every known source, configured or not."""
    here = place("sources")
    configured = {one.name: one for one in load_sources()}
    reach = _reach(here.home)
    rows: list[dict[str, object]] = []
    for one in pulling.standing(KNOWN, _folder(here.home)):
        settings = configured.get(one.name)
        rows.append(
            {
                "name": one.name,
                "configured": settings is not None,
                "address": _address(settings) if settings else None,
                "last_pull": one.pulled_at,
                "asked_through": one.through,
                "data_through": reach.get(one.name),
                "under_way": one.under_way,
            }
        )
    if as_json:
        print_json({"sources": rows})
        return
    print_table(
        ("source", "key", "last pull (UTC)", "data through (UTC)"),
        [
            (
                row["name"],
                "configured" if row["configured"] else f"set {KNOWN[str(row['name'])]}",
                f"{row['last_pull']:%Y-%m-%d %H:%M}" if row["last_pull"] else "never",
                str(row["data_through"] or "-")[:16].replace("T", " "),
            )
            for row in rows
        ],
    )
    for row in rows:
        if row["under_way"]:
            hint(f"A pull of {row['name']} was cut off; `spendgate sources pull {row['name']}` goes on with it.")


def check(name: str, *, as_json: bool) -> None:
    """Prints what the key of this source can see."""
    here = place("sources")
    source = _source(name)
    with reading(here.engine) as (_, now):
        pass
    seen = pulling.probe(source, now=now)
    if as_json:
        print_json({"source": name, "day": seen.day, "rows": seen.rows, "accounts": list(seen.accounts)})
        return
    whose = f" of {', '.join(seen.accounts[:5])}{' …' if len(seen.accounts) > 5 else ''}" if seen.accounts else ""
    hint(f"{name}: the key is accepted. It sees {seen.rows} rows of {seen.day}{whose}.")


def pull(name: str, *, since: date | None, as_json: bool) -> None:
    """Pulls and loads one source; the log says what was loaded or why nothing was."""
    here = place("sources")
    source = _source(name)
    lake, rules = Lake(here.home.lake), rules_here(here.home)
    with bar(as_json=as_json):
        report = take_in(
            here.engine,
            lambda now: pulling.pull(lake, source, folder=_folder(here.home) / name, now=now, since=since, rules=rules),
        )
    told.tell(report, as_json=as_json)
    publish.after_load(here)
    if source.is_gateway and not as_json:
        hint("These are the gateway's estimates: keys for splitting a bill, counted in no total of spend.")


def _source(name: str) -> ApiSource:
    if name not in KNOWN:
        raise Problem(
            f"There is no source named '{name[:40]}'.",
            why=f"Known are {', '.join(KNOWN)}.",
            do="Name one of them, or load a file with `spendgate ingest`.",
            exit_code=Exit.NOT_FOUND,
        )
    settings = next((one for one in load_sources() if one.name == name), None)
    if settings is None:
        raise Problem(
            f"{name} is not configured.",
            why=f"{KNOWN[name]} is not set.",
            do="Set it to a key that may read usage and costs, in the environment of this command alone.",
            exit_code=Exit.USAGE,
        )
    return _made(settings)


def _made(settings: SourceSettings) -> ApiSource:
    if settings.name == "anthropic":
        sent = anthropic_api.headers(settings.key, legacy=settings.legacy)
        return anthropic_api.Anthropic(PagedApi("Anthropic", _address(settings), sent), legacy=settings.legacy)
    bearer = {"Authorization": f"Bearer {settings.key}"}
    if settings.name == "litellm":
        return litellm.LiteLLM(PagedApi("LiteLLM", _address(settings), bearer))
    return openai_api.OpenAI(PagedApi("OpenAI", _address(settings), bearer))


def _address(settings: SourceSettings) -> str:
    own = {"anthropic": anthropic_api.BASE_URL, "openai": openai_api.BASE_URL}
    return settings.base_url or own[settings.name]


def _folder(home: Home) -> Path:
    return home.folder / "sources"


def _reach(home: Home) -> dict[str, str]:
    lake = Lake(home.lake)
    return {held.source: held.data_through for one in (lake, allocation.beside(lake)) for held in one.coverage()}
