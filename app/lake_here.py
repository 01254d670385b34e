"""The lake that this process asks: the home's files, or the server that SPENDGATE_LAKE_URL names."""

import os
from collections.abc import Mapping
from pathlib import Path

from app.settings import LAKE_URL, load_database_url
from lake.engine import Lake


def lake_here(folder: Path, env: Mapping[str, str] = os.environ) -> Lake:
    """The lake in this folder, asked on a server if one is named; raises Problem for an address that cannot be used."""
    address = load_database_url(env, LAKE_URL)
    if address is None:
        return Lake(folder)
    from lake.engines.served import Served

    return Lake(folder, server=Served(address))
