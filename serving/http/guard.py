"""Stands before the application: who asks, how large the body is, how many requests are in work."""

import base64
import binascii
import hmac
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.console.site import is_console
from serving.http.problems import BODY_TOO_LARGE, OVERLOADED, UNAUTHORIZED, ProblemError
from serving.personalizer.refusals import is_personalizer, refusal

OPEN_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
SUBSCRIPTION_KEY = "Ocp-Apim-Subscription-Key"


class Guard:
    """An ASGI middleware that lets through what the service should work on.

    Parameters
    ----------
    api_key : required from callers, as `Authorization: Bearer`, as `X-API-Key`, or as the user name of HTTP Basic, which is how
        Segment's SDKs send their write key, or for Azure Personalizer's calls as its clients send it; None lets everyone in.
    max_in_work : requests above this number are turned away at once, which keeps the others fast.
    is_full : whether a path takes no more requests for now; asked before anything is read, so that turning away costs little.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        api_key: str | None,
        max_body_bytes: int,
        max_in_work: int,
        is_full: Callable[[str], bool] = lambda path: False,
    ) -> None:
        self.app = app
        self._api_key = None if api_key is None else api_key.encode()
        self._max_body_bytes = max_body_bytes
        self._max_in_work = max_in_work
        self._in_work = 0
        self._is_full = is_full
        self._overloaded = ProblemError(OVERLOADED, "more requests are in work than can be answered soon; try again in a moment")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with a body that is counted as it arrives."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        problem = self._refusal(Headers(scope=scope), scope["path"])
        if problem is not None:
            await response_of(problem, scope["path"])(scope, receive, send)
            return
        self._in_work += 1
        try:
            await self.app(scope, self._counted(receive), send)
        finally:
            self._in_work -= 1

    def _refusal(self, headers: Headers, path: str) -> ProblemError | None:
        if not self._is_known(headers, path):
            also = f", or '{SUBSCRIPTION_KEY}: …'" if is_personalizer(path) else ""
            return ProblemError(UNAUTHORIZED, f"send the API key as 'Authorization: Bearer …' or 'X-API-Key: …'{also}")
        if _is_sent_by_another_site(headers):
            return ProblemError(UNAUTHORIZED, "a key that a browser remembers does not count for pages of other sites")
        if self._in_work >= self._max_in_work or self._is_full(path):
            return self._overloaded
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._max_body_bytes:
            return self._too_large()
        return None

    def _is_known(self, headers: Headers, path: str) -> bool:
        if self._api_key is None:
            return True
        if is_personalizer(path) and SUBSCRIPTION_KEY in headers:
            return hmac.compare_digest(headers[SUBSCRIPTION_KEY].encode("latin-1"), self._api_key)
        return hmac.compare_digest(_key_given(headers), self._api_key)

    def _counted(self, receive: Receive) -> Receive:
        """A `receive` that stops a body too large even when it comes in chunks and declares no length."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise self._too_large()
            return message

        return counted

    def _too_large(self) -> ProblemError:
        limit = self._max_body_bytes
        return ProblemError(BODY_TOO_LARGE, f"the body is larger than {limit:,} bytes; send fewer items at a time")


def response_of(problem: ProblemError, path: str) -> Response:
    """A refusal as whoever calls a path expects it."""
    if is_personalizer(path):
        return refusal(problem, path)
    response = problem.response()
    if is_console(path) and problem.kind is UNAUTHORIZED:  # a browser asks for the key, which is the user name
        response.headers["WWW-Authenticate"] = 'Basic realm="touchpoint", charset="UTF-8"'
    return response


def _is_sent_by_another_site(headers: Headers) -> bool:
    """Whether a page of another site made a browser send this, with the key that it remembers from the console.

    Without this, such a page could post interactions in the name of whoever has the console open.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    remembered = headers.get("authorization", "").lower().startswith("basic ")
    if not remembered or origin is None:
        return False
    return site != "same-origin" if site else origin.partition("://")[2] != headers.get("host")


def _key_given(headers: Headers) -> bytes:
    # header bytes arrive read as Latin-1; encoded back, they are what was sent
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(token.strip(), validate=True).partition(b":")[0]
        except (binascii.Error, ValueError):
            return b""
    return headers.get("x-api-key", "").encode("latin-1")
