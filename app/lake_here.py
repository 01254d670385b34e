"""The lake that this process asks: the home's files, or the server that SPENDGATE_LAKE_URL names."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from app.home import Home
from app.settings import LAKE_URL, load_database_url
from lake.engine import Lake
from lake.price_book import own


def lake_here(folder: Path, env: Mapping[str, str] = os.environ) -> Lake:
    """The lake in this folder, asked on a server if one is named; raises Problem for an address that cannot be used.

    The home's own price book says what machines are, before the shipped one.
    """
    address = load_database_url(env, LAKE_URL)
    prices = partial(own, Home(folder.parent).price_book)
    if address is None:
        return Lake(folder, prices=prices)
    from lake.engines.served import Served

    return Lake(folder, server=Served(address), prices=prices)
