"""The witness over HTTP: `POST /add-checkpoint`, and of our own `GET /checkpoint/ORIGIN`, what it cosigned last."""

import asyncio
import logging
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from app.witnesses.judge import PLAIN, Answer, Judge
from app.witnesses.submission import MOST_BYTES

logger = logging.getLogger(__name__)
BODY_SECONDS = 10.0


def web(judge: Judge) -> FastAPI:
    """The two addresses. No request is authenticated but by the signature of its checkpoint, as the standard has it."""
    api = FastAPI(title="Spendgate witness", docs_url=None, redoc_url=None, openapi_url=None)

    @api.post("/add-checkpoint")
    async def add_checkpoint(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return _answer(Answer(HTTPStatus.BAD_REQUEST, f"A body has at most {MOST_BYTES} bytes, all at once.\n"))
        try:
            return _answer(await asyncio.to_thread(judge.add, body))
        except OSError as error:
            logger.error("a checkpoint could not be kept and was not cosigned: %s", error)
            return _answer(Answer(HTTPStatus.INTERNAL_SERVER_ERROR, "It could not be kept; nothing was cosigned.\n"))

    @api.get("/checkpoint/{origin:path}")
    def checkpoint(origin: str) -> Response:
        found = judge.newest(origin)
        if found is None:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return _answer(Answer(HTTPStatus.OK, found))

    return api


async def _body(request: Request) -> bytes | None:
    """The body, if it comes soon and is not too long."""
    found = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                found += part
                if len(found) > MOST_BYTES:
                    return None
    except (TimeoutError, ClientDisconnect):
        return None
    return bytes(found)


def _answer(answer: Answer) -> Response:
    response = Response(answer.body, status_code=answer.status)
    response.headers["content-type"] = answer.kind or PLAIN
    return response
