"""`spendgate worker`: the only process with hands. It seals, claims, executes once, reads back, lets expire.

What is due it finds in rows, so it may be killed and started again at any moment: a request whose answer was lost is
read back, never sent again.
"""

import json
import logging
import secrets
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from app.database import beginner, reading, writing
from app.home import Home
from app.processes.cloud import cloud
from app.seen import EVERY, last_seen, sign_of_life
from app.worker_settings import WorkerSettings
from approvals.claim import claim
from approvals.due import due
from approvals.execute import execute
from approvals.executors.port import Executor
from approvals.executors.router import Router
from approvals.expire import expire
from approvals.inspectors.port import Inspector
from approvals.lease import Claim, LostClaim
from approvals.proceed import proceed
from approvals.reconcile import reconcile
from approvals.recover import recover
from approvals.resend import resend
from approvals.review import fall_due
from approvals.seal import seal
from approvals.settling import LOOK_AGAIN
from approvals.states import State
from approvals.timer import prune, slot_of, take
from audit.transaction import Begin

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.3
MOST_PAUSE_SECONDS = 30.0
EXPIRE_EVERY = timedelta(seconds=1)
FORGET_EVERY = timedelta(hours=1)
EXPIRING, READING, FORGETTING = "expire", "read back", "forget slots"


class Worker:
    """One worker: its name, its hands, and one round of what is due."""

    def __init__(
        self,
        engine: Engine,
        *,
        inspector: Inspector,
        executor: Executor | Router,
        settle_seconds: int,
        name: str | None = None,
    ) -> None:
        self.engine = engine
        self.begin: Begin = beginner(engine)
        self.inspector, self.executor = inspector, executor
        self.settle = timedelta(seconds=settle_seconds)
        self.name = name or f"worker-{secrets.token_hex(4)}"

    def round(self) -> bool:
        """Does all that is due now; True if there was anything. One proposal's fault does not hold up the others."""
        with reading(self.engine) as (session, now):
            work = due(session, now=now)
            seen = last_seen(session, "worker")
        if seen is None or now - seen > EVERY:
            with writing(self.engine) as (session, now):
                sign_of_life(session, process="worker", now=now)
        if work.to_expire:
            self._expire()
        if work.to_review:
            with writing(self.engine) as (session, now):
                fall_due(session, now=now, worker=self.name)
        if work.to_recover:
            recover(self.begin, worker=self.name)
        self._each("sealing", work.to_seal, self._seal)
        self._each("carrying out", work.to_claim, self._carry_out)
        self._each("going on with", work.to_proceed, self._proceed)
        self._each("reading back", work.to_reconcile, self._read)
        return work.anything()

    def _each(self, what: str, proposals: list[str], do: Callable[[str], None]) -> None:
        for proposal in proposals:
            self._one(what, proposal, do)

    def _one(self, what: str, proposal: str, do: Callable[[str], None]) -> None:
        try:
            do(proposal)
        except Exception as error:  # noqa: BLE001 (the row still says that it is due: the next round tries again)
            logger.warning("%s of %s did not work: %s: %s", what, proposal, type(error).__name__, error)

    def _seal(self, proposal: str) -> None:
        seal(self.begin, draft_id=proposal, inspector=self.inspector, worker=self.name)

    def _carry_out(self, proposal: str) -> None:
        got = claim(self.begin, proposal_id=proposal, worker=self.name, inspector=self.inspector)
        if not isinstance(got, Claim):
            logger.info("%s is not carried out: %s", proposal, got.verdict.reason)
            return
        try:
            execute(self.begin, claim=got, executor=self.executor)
        except LostClaim as error:
            logger.warning("%s was taken over: %s", proposal, error)

    def _expire(self) -> None:
        """In the transaction of its timer: a death leaves neither, and the next worker does it."""
        with writing(self.engine) as (session, now):
            if take(session, name=EXPIRING, slot=slot_of(now, EXPIRE_EVERY), by=self.name, now=now):
                expire(session, now=now, worker=self.name)
            self._forget(session, now)

    def _forget(self, session: Session, now: datetime) -> None:
        if take(session, name=FORGETTING, slot=slot_of(now, FORGET_EVERY), by=self.name, now=now):
            for name in (EXPIRING, READING, FORGETTING):
                prune(session, name=name, before=now - FORGET_EVERY)

    def _proceed(self, proposal: str) -> None:
        try:
            proceed(
                self.begin, proposal_id=proposal, worker=self.name, inspector=self.inspector, executor=self.executor,
                settle=self.settle,
            )  # fmt: skip
        except LostClaim as error:
            logger.warning("%s was taken over: %s", proposal, error)

    def _read(self, proposal: str) -> None:
        """One worker takes each look. If it dies in it, the next look is another's; nothing but time is lost."""
        with writing(self.engine) as (session, now):
            slot = f"{proposal} {slot_of(now, LOOK_AGAIN)}"
            if not take(session, name=READING, slot=slot, by=self.name, now=now):
                return
            self._forget(session, now)
        state = reconcile(
            self.begin, proposal_id=proposal, inspector=self.inspector, worker=self.name, settle=self.settle
        )
        if state == State.RECONCILING:
            resend(self.begin, proposal_id=proposal, worker=self.name, executor=self.executor, settle=self.settle)


def run(*, engine: Engine, home: Home, settings: WorkerSettings) -> None:
    """Works until it is told to stop."""
    name = f"worker-{secrets.token_hex(4)}"
    inspector, executor = cloud(settings, beginner(engine), name)
    worker = Worker(engine, inspector=inspector, executor=executor, settle_seconds=settings.settle_seconds, name=name)
    ready = {"ready": "worker", "name": worker.name, "executor": executor.name}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    pause = POLL_SECONDS
    stopped = threading.Event()
    while not stopped.wait(pause):
        try:
            worker.round()
            pause = POLL_SECONDS
        except Exception as error:  # noqa: BLE001 (a busy or full database passes; nothing is lost by waiting)
            pause = min(pause * 2, MOST_PAUSE_SECONDS)
            logger.warning("a round did not work (%s: %s); trying again in %.1f s", type(error).__name__, error, pause)
