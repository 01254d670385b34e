"""`spendgate lake publish`: sends what is loaded to the server that SPENDGATE_LAKE_URL names."""

import os
from collections.abc import Sequence
from datetime import datetime

from app.commands.console import hint, print_json
from app.commands.here import Place
from app.database import reading
from app.errors import Exit, Problem
from app.settings import LAKE_URL, load_database_url
from lake.engine import Lake


def run(lake: Lake, *, now: datetime, readers: Sequence[str] = (), as_json: bool = False) -> None:
    """Publishes and tells what was sent; refused where no server is named."""
    address = load_database_url(os.environ, LAKE_URL)
    if address is None:
        raise Problem(
            f"{LAKE_URL} is not set.",
            why="Without a server to publish to, the lake is asked in its files.",
            do=f"Set {LAKE_URL}=postgresql://ROLE:…@HOST/NAME to a database whose schema spendgate_lake it may make.",
            exit_code=Exit.USAGE,
        )
    from lake.engines.publish import publish

    done = publish(lake, address, now=now, readers=readers)
    if as_json:
        print_json(
            {"sent": done.sent, "charges": done.charges, "already_there": done.there, "tags_left": done.tags_left}
        )
        return
    sent = f"{len(done.sent)} snapshot{'s' if len(done.sent) != 1 else ''}"
    held = f"{done.charges:,} charge{'s' if done.charges != 1 else ''}"
    hint(f"{sent} with {held} published, {done.there} were there already.")
    if done.tags_left:
        hint(f"Without a column on the server, and so not to be asked for there: {', '.join(done.tags_left[:10])}.")


def after_load(here: Place) -> None:
    """Publishes what was just loaded, where a server is named; a load stays loaded if that cannot be done."""
    if load_database_url(os.environ, LAKE_URL) is not None:
        with reading(here.engine) as (_, now):
            pass
        run(Lake(here.home.lake), now=now)
