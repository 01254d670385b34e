"""Who asks over HTTP: tokens checked against the database at every request, and a bench for each."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken as Admitted
from sqlalchemy import Engine

from agent.ports import Seat, Toolbox
from app.access import Bearer, bearer_of
from app.database import reading
from app.mcp.bench import Bench, NotHereError

MOST_BENCHES = 200
READ, PROPOSE = "read", "propose"


class Bearers:
    """Knows the benches of those who came with a token; the oldest goes when there are too many."""

    def __init__(self, engine: Engine, sit: Callable[[Seat], Toolbox]) -> None:
        self._engine, self._sit = engine, sit
        self._benches: OrderedDict[str, Bench] = OrderedDict()

    async def verify_token(self, token: str) -> Admitted | None:
        """For the protocol's middleware: None is answered with 401. The text of the token goes no further."""
        bearer = await asyncio.to_thread(self._bearer, token)
        if bearer is None:
            return None
        scopes = [READ, PROPOSE] if bearer.may_propose else [READ]
        return Admitted(token="", client_id=bearer.person, scopes=scopes, subject=bearer.token)

    def bench(self, _context: Any = None) -> Bench:
        """The bench of whoever makes this request. Raises NotHereError outside one."""
        admitted = get_access_token()
        if admitted is None or admitted.subject is None:
            raise NotHereError("This request carries no token.")
        found = self._benches.pop(admitted.subject, None) or Bench(
            self._engine, self._sit, person=admitted.client_id, may_propose=PROPOSE in admitted.scopes
        )
        self._benches[admitted.subject] = found
        while len(self._benches) > MOST_BENCHES:
            self._benches.popitem(last=False)
        return found

    def _bearer(self, text: str) -> Bearer | None:
        with reading(self._engine) as (session, now):
            return bearer_of(session, text, now)
