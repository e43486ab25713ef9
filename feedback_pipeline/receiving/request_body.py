"""A request's body, as far as it is one that can be taken."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request

# Longer than any sender waits for an answer.
_PATIENCE_SECONDS = 30


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The whole body. Raises `HTTPException`: 415 by what the headers say, 413 and 408 while it comes."""
    _check_type(request)
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
    except TimeoutError:
        raise HTTPException(408, f"the body did not come within {_PATIENCE_SECONDS} seconds") from None
    return bytes(body)


def _check_type(request: Request) -> None:
    # Whatever charset is named, JSON is UTF-8; a body that is not will be found out.
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise HTTPException(415, f"Content-Type is {kind[:80] or 'missing'}: application/json is needed")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise HTTPException(415, f"Content-Encoding is {encoding[:80]}: none is understood")


def _too_large(max_bytes: int) -> HTTPException:
    return HTTPException(413, f"the body is over the limit of {max_bytes} bytes")
