"""The receiver's HTTP interface.

`POST /<source>` takes a JSON object, or an array of them, and answers 200 `{"received": n}` once the
disk has every one. Anything else is `{"error": reason}`, and then nothing is promised:

| status | when |
|---|---|
| 400 | the body is no JSON object and no array of them |
| 401 | signature or token is missing or wrong, or the signed time too far from now |
| 404, 405 | there is no such source; not a POST |
| 408, 413, 415 | the body is too slow, too large, or of another type |
| 503 | try again later: the disk is full or failing, or the source has no secret or a faulty declaration |

Whatever is not the sender's fault is a 503 with `Retry-After`, a full disk too: of all such statuses it is
the one that senders take for a request to come again. `GET /health` is 200 while the process answers.
"""

import errno
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from feedback_pipeline.ingestion.source import Source, SourceError
from feedback_pipeline.receiving.authenticity import NoSecretError, authenticate
from feedback_pipeline.receiving.body_lines import BodyError, lines_of
from feedback_pipeline.receiving.group_commit import GroupCommit
from feedback_pipeline.receiving.journal import Journal, utc_now
from feedback_pipeline.receiving.request_body import read_body
from feedback_pipeline.receiving.settings import ReceiveSettings
from feedback_pipeline.receiving.signatures import AuthenticityError, Delivery
from feedback_pipeline.receiving.sources import Sources, UnknownSourceError

logger = logging.getLogger(__name__)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RETRY = {"Retry-After": "30"}


def create_app(landing_zone: Path, settings: ReceiveSettings, clock: Callable[[], datetime] = utc_now) -> Starlette:
    """An ASGI application that receives for the sources of a landing zone; `clock` tells the time in UTC."""
    receiver = _Receiver(landing_zone, settings, clock)
    return Starlette(
        routes=[
            Route("/health", _health, methods=["GET"]),
            Route("/{source}", receiver.receive, methods=["POST"]),
        ],
        lifespan=receiver.running,
        exception_handlers={HTTPException: _error, ClientDisconnect: _nobody_there},
    )


class _Receiver:
    def __init__(self, landing_zone: Path, settings: ReceiveSettings, clock: Callable[[], datetime]) -> None:
        self._settings, self._clock = settings, clock
        self._sources = Sources(landing_zone)
        self._commit = GroupCommit(Journal(landing_zone, clock))

    @asynccontextmanager
    async def running(self, _: Starlette) -> AsyncIterator[None]:
        async with self._commit:
            yield

    async def receive(self, request: Request) -> Response:
        source = self._source(request.path_params["source"])
        body = await read_body(request, self._settings.max_bytes)
        self._authenticate(request, body, source)
        try:
            lines = lines_of(body)
        except BodyError as error:
            raise HTTPException(400, str(error)) from None
        if lines:
            await self._keep(source.name, lines)
        return JSONResponse({"received": len(lines)})

    def _source(self, name: str) -> Source:
        try:
            return self._sources.get(name)
        except UnknownSourceError:
            raise HTTPException(404, "there is no such source") from None
        except SourceError as error:
            logger.error("%s", error)
            raise HTTPException(503, "the source's declaration cannot be read", _RETRY) from None

    def _authenticate(self, request: Request, body: bytes, source: Source) -> None:
        delivery = Delivery(request.headers, body, self._clock(), self._settings.max_age)
        try:
            authenticate(delivery, source, self._settings)
        except AuthenticityError as error:
            logger.warning("refused a delivery for %s: %s", source.name, error)
            raise HTTPException(401, str(error), {"WWW-Authenticate": "Bearer"}) from None
        except NoSecretError as error:
            logger.error("refused a delivery for %s: %s", source.name, error)
            raise HTTPException(503, str(error), _RETRY) from None

    async def _keep(self, source: str, lines: list[bytes]) -> None:
        try:
            await self._commit.keep(source, b"".join(lines))
        except Exception as error:
            logger.error("could not keep a delivery for %s: %r", source, error)
            reason = "there is no room left" if getattr(error, "errno", None) in _FULL else "it could not be written"
            raise HTTPException(503, f"nothing was kept: {reason}", _RETRY) from None


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    # Who is refused may still be sending; what else comes on this connection is not waited for.
    return JSONResponse({"error": error.detail}, error.status_code, {**(error.headers or {}), "Connection": "close"})


async def _nobody_there(_: Request, __: Exception) -> Response:
    """The client is gone: no one reads this, and it is no failure of ours to be logged."""
    return Response(status_code=400)
