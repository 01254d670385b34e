"""What was pulled, on disk: the pages of a pull that is under way, and each day as it was last delivered.

A page is kept the moment it arrives, so a pull that is killed goes on with the page after it. A finished pull replaces
the days that it covered, all of them; a bill is then made of the kept days, since a load replaces a whole billing
period while a pull asks for a few days of it.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from lake import progress
from lake.errors import LakeError
from lake.sources.paged_api import PagedApi, Params, Refused
from lake.sources.windows import months
from lake.store import write_durably

Results = dict[date, list[dict[str, Any]]]
MOST_PAGES = 20_000
_FORGOTTEN = frozenset({400, 404, 410, 422})


@dataclass(frozen=True)
class Request:
    """One question to an interface, over all its pages. `kind` names what its days are kept under.

    `following` gives the parameters of the page after this one, None after the last; `by_day` sorts a page's results
    into days and drops what is not to be kept; either raises ValueError, LookupError or TypeError for a page that it
    cannot read.
    """

    name: str
    kind: str
    path: str
    params: Params
    days: tuple[date, date]  # from, to before
    following: Callable[[Mapping[str, Any], Params], Params | None] = field(repr=False, compare=False)
    by_day: Callable[[Mapping[str, Any]], Results] = field(repr=False, compare=False)


class Kept:
    """The folder of one source."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._under_way = folder / "under-way"
        self._days = folder / "days"
        self._state = folder / "state.json"

    def pull(self, api: PagedApi, requests: Iterable[Request]) -> dict[str, Results]:
        """Asks what is still missing of these requests; the days of each kind, those without a result too.

        Pages of an earlier run are used if it asked the same; otherwise they are thrown away.
        """
        asked = list(requests)
        plan = [[one.name, one.path, [list(pair) for pair in one.params]] for one in asked]
        plan_file = self._under_way / "plan.json"
        if not plan_file.exists() or _load(plan_file) != plan:
            shutil.rmtree(self._under_way, ignore_errors=True)
            self._under_way.mkdir(parents=True, mode=0o700)
            write_durably(plan_file, json.dumps(plan).encode())
        found: dict[str, Results] = {}
        for number, request in enumerate(asked):
            progress.tell(progress.Step(f"asking for {request.name}", number, len(asked)))
            days = found.setdefault(request.kind, {})
            for day in _each(request.days):
                days.setdefault(day, [])
            for results in self._pages(api, request, self._under_way / f"{number:04}"):
                for day, rows in results.items():
                    if request.days[0] <= day < request.days[1]:
                        days[day] += rows
        return found

    def _pages(self, api: PagedApi, request: Request, folder: Path, *, anew: bool = False) -> list[Results]:
        folder.mkdir(exist_ok=True)
        pages: list[Results] = []
        params: Params | None = request.params
        seen: set[tuple[tuple[str, str], ...]] = set()
        while params is not None:
            if tuple(params) in seen or len(pages) >= MOST_PAGES:
                raise _endless(api, request)
            seen.add(tuple(params))
            path = folder / f"{len(pages):05}.json"
            try:
                kept = _whole(path) or _fetch(api, request, params, path)
            except Refused as refused:
                # A place in a list is not remembered for ever: after a long pause the list is read anew, once.
                if not pages or anew or refused.status not in _FORGOTTEN:
                    raise
                shutil.rmtree(folder)
                return self._pages(api, request, folder, anew=True)
            pages.append({date.fromisoformat(day): rows for day, rows in kept["days"].items()})
            params = None if kept["next"] is None else [(key, value) for key, value in kept["next"]]
        return pages

    def replace(self, pulled: Mapping[str, Results]) -> None:
        """The pulled days are the kept ones from now on, and the pull is over."""
        for kind, days in pulled.items():
            (self._days / kind).mkdir(parents=True, exist_ok=True, mode=0o700)
            for month in sorted({day.replace(day=1) for day in days}):
                held = self._month(kind, month) | {
                    day: rows for day, rows in days.items() if day.replace(day=1) == month
                }
                text = json.dumps({day.isoformat(): held[day] for day in sorted(held)})
                write_durably(self._days / kind / f"{month:%Y-%m}.json", text.encode())
        shutil.rmtree(self._under_way, ignore_errors=True)

    def days(self, kind: str, first: date, end: date) -> Results:
        """The kept days of this kind from `first` to before `end`."""
        held = {day: rows for month in months(first, end) for day, rows in self._month(kind, month).items()}
        return {day: rows for day, rows in held.items() if first <= day < end}

    def known(self, kind: str) -> set[date]:
        """Which days of this kind are kept."""
        kept = (self._days / kind).glob("????-??.json")
        return {day for path in kept for day in self._month(kind, date.fromisoformat(f"{path.stem}-01"))}

    def _month(self, kind: str, month: date) -> Results:
        path = self._days / kind / f"{month:%Y-%m}.json"
        return {date.fromisoformat(day): rows for day, rows in _load(path).items()} if path.exists() else {}

    @property
    def under_way(self) -> bool:
        """Whether a pull was begun and not finished."""
        return (self._under_way / "plan.json").exists()

    def state(self) -> dict[str, Any]:
        """What was noted at the end of the last pull; empty before the first."""
        return _load(self._state) if self._state.exists() else {}

    def note(self, **values: Any) -> None:
        """Adds to the state."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(self._state, json.dumps(self.state() | values, indent=1).encode())

    def moment(self, name: str) -> datetime | None:
        """A time of the state."""
        value = self.state().get(name)
        return datetime.fromisoformat(value) if value else None


def _fetch(api: PagedApi, request: Request, params: Params, path: Path) -> dict[str, Any]:
    """The page, kept under `path` before it is used."""
    page = api.get(request.path, params)
    try:
        days = {day.isoformat(): rows for day, rows in request.by_day(page).items()}
        following = request.following(page, params)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise LakeError(
            f"What {api.name} answered to {request.path} cannot be understood.",
            why=f"A page is not in the form that is known: {type(error).__name__} {str(error)[:80]}.",
            do="Pull again; if it stays so, the interface has changed. Nothing was changed.",
        ) from error
    kept = {"days": days, "next": following}
    making = path.with_suffix(".making")
    making.write_text(json.dumps(kept))
    making.replace(path)
    return kept


def _whole(path: Path) -> dict[str, Any] | None:
    """A page of an earlier run. One that a power failure damaged is as good as none: it is fetched again."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _each(days: tuple[date, date]) -> Iterable[date]:
    return (days[0] + timedelta(days=offset) for offset in range((days[1] - days[0]).days))


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise LakeError(
            f"{path} cannot be read.",
            why="It was kept by an earlier pull and is damaged.",
            do="Remove the folder it lies in and pull again with --since; the bills that are loaded stay.",
        ) from error


def _endless(api: PagedApi, request: Request) -> LakeError:
    return LakeError(
        f"The pages of {request.path} do not end.",
        why=f"{api.name} names a page as the next one that was there before.",
        do="Pull again later; nothing was changed.",
    )
