"""`spendgate serve`, `agent`, `worker`, `signer`: checked before they start, stopped by Ctrl-C or a signal."""

import asyncio
import logging
import os
import sys

from app.commands.here import place
from app.home import sole
from app.log_key import KeyFolder
from app.migrate import require_guards
from app.model_settings import load_model
from app.oauth_settings import load_oauth
from app.settings import load_settings, load_signer, load_slack, refuse_credentials
from app.stopping import stop_once
from app.witnesses.port import Witness
from app.witnesses.settings import load_witnesses
from app.worker_settings import load_worker
from audit.note import VerifierKey


def _prepare() -> None:
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    os.umask(0o077)
    stop_once()


def serve() -> None:
    """Slack, web and votes."""
    _prepare()
    refuse_credentials("serve", "spendgate serve")
    settings, slack, oauth = load_settings(), load_slack(), load_oauth()
    here = place("serve")
    require_guards(here.engine)
    from app.processes import serve as process

    with sole(here.home, "serve"):
        process.run(engine=here.engine, home=here.home, settings=settings, slack=slack, oauth=oauth)


def agent() -> None:
    """The model and its tools."""
    _prepare()
    refuse_credentials("agent", "spendgate agent")
    model = load_model()
    here = place("agent")
    require_guards(here.engine)
    from app.processes import agent as process

    asyncio.run(process.run(engine=here.engine, home=here.home, model=model))


def worker() -> None:
    """The only hands."""
    _prepare()
    refuse_credentials("worker", "spendgate worker")
    settings = load_worker()
    here = place("worker")
    require_guards(here.engine)
    from app.processes import worker as process

    with sole(here.home, "worker"):
        process.run(engine=here.engine, home=here.home, settings=settings)


def signer(*, restored: bool) -> None:
    """The log's key."""
    _prepare()
    refuse_credentials("signer", "spendgate signer")
    witnesses = load_witnesses()
    here = place("signer")
    settings = load_signer(here.home.folder)
    require_guards(here.engine)
    from app.processes import signer as process
    from app.witnesses.configured import configured

    def make(key: VerifierKey) -> list[Witness]:
        return configured(witnesses, key)

    files = KeyFolder(settings.folder)
    with sole(here.home, "signer"), files.alone():
        process.run(
            engine=here.engine,
            files=files,
            origin=settings.origin,
            restored=restored,
            witnesses=make,
        )
