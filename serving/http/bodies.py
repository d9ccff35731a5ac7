"""What routes share: bodies read whole and inflated within the limit, ids in paths, JSON out."""

import zlib
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator

from features.domain import LONGEST_ID
from serving.http.problems import BODY_TOO_LARGE, INVALID_REQUEST, UNSUPPORTED_MEDIA, ProblemError
from serving.http.values import without_nul

_GZIP = 16 + zlib.MAX_WBITS


async def body_of(request: Request) -> bytes:
    """The whole body, inflated.

    Raises
    ------
    ProblemError
        As `inflated`, or `unsupported-media` when it is compressed in another way.
    """
    content = await request.body()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "gzip":
        return inflated(content, most_bytes=request.app.state.max_body_bytes)
    if encoding in ("", "identity"):
        return content
    raise ProblemError(UNSUPPORTED_MEDIA, "Content-Encoding: only gzip is understood; send the body so, or as it is")


def inflated(content: bytes, *, most_bytes: int) -> bytes:
    """What was compressed with gzip; no more of it is unpacked than may be.

    Raises
    ------
    ProblemError
        `body-too-large`, or `invalid-request` when it is not gzip or not whole.
    """
    inflate = zlib.decompressobj(_GZIP)
    try:
        plain = inflate.decompress(content, most_bytes + 1)
    except zlib.error:
        raise ProblemError(INVALID_REQUEST, "the body is not gzip, as Content-Encoding says") from None
    if len(plain) > most_bytes:
        raise ProblemError(
            BODY_TOO_LARGE, f"the body is larger than {most_bytes:,} bytes when unpacked; send fewer items at a time"
        )
    if not inflate.eof or inflate.unused_data:
        raise ProblemError(INVALID_REQUEST, "the gzip body is not whole, or has something behind its end")
    return plain


class BareRoute(APIRoute):
    """A route that is documented like any other, and hands the request as it is to its function: no parameter is looked for."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The function itself, which must be async and take the request."""
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


Body = Annotated[bytes, Depends(body_of)]
PathId = Annotated[str, Path(min_length=1, max_length=LONGEST_ID), AfterValidator(without_nul)]


def json_response(content: bytes, *, status: int = 200) -> Response:
    """A response that is JSON already."""
    return Response(content, status_code=status, media_type="application/json")
