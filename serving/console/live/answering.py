"""What the live pages' routes share: ids as they may be, forms, refusals as pages, and the names that addresses may have."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl, quote

from starlette.responses import RedirectResponse, Response

from features.domain import LONGEST_ID
from features.errors import NotReplayableError, RequestError, UnknownCustomerError, UnknownDecisionError
from serving.console.live.supposing import Supposed
from serving.console.site import HEADERS, Console
from serving.desk import Desk
from serving.http.problems import ProblemError

_Page = TypeVar("_Page")
_MOST_FIELDS = 30
_EMAIL = "email"

CANNOT_BE = (RequestError, ProblemError, NotReplayableError)
"""What a page refuses, saying why, where somebody asks for what cannot be."""


def answered(make: Callable[[], Response], console: Console, *, active: str) -> Response:
    """What is made; a bad request, or an id that nobody has, as a page that says so."""
    try:
        return make()
    except CANNOT_BE as error:
        status, title, detail = 400, "This cannot be shown", said(error)
    except UnknownCustomerError:
        status, title, detail = 404, "Nobody by that name", "Nothing is known of a customer with this identifier."
    except UnknownDecisionError:
        status, title, detail = 404, "No such decision", "No decision with this id was taken here, or its customer was erased."
    return console.show("live/refused.html", active=active, title=title, status=status, detail=detail, code=status)


def with_supposed(make: Callable[[Supposed], _Page], supposed: Supposed) -> tuple[_Page, str]:
    """A page with what is supposed, and nothing; where that cannot be, the page without it, and why."""
    try:
        return make(supposed), ""
    except CANNOT_BE as error:
        if not supposed.is_anything:
            raise
        return make(Supposed()), said(error)


def said(error: Exception) -> str:
    """A refusal for people: with the name of a field instead of a pointer into a body.

    >>> said(RequestError("/changes/at: that is no time", field="/changes/at"))
    'at: that is no time'
    """
    where, colon, rest = str(error).partition(": ")
    return f"{where.rpartition('/')[2]}: {rest}" if colon and where.startswith("/") else str(error)


def checked_id(text: str) -> str:
    """An id as it may be.

    Raises
    ------
    RequestError
        When it is empty, too long, or has a NUL.
    """
    if not text or len(text) > LONGEST_ID or "\x00" in text:
        raise RequestError(f"/id: it has 1 to {LONGEST_ID} characters, and no NUL; look it up again", field="/id")
    return text


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a form that was sent; none where it is no form."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


def hashed_name(text: str, desk: Desk) -> str:
    """The name of a customer as an address may have it: hashed, where a type stands before it or it is an e-mail address.

    An e-mail address that is a customer_id stays as it is.

    Raises
    ------
    RequestError
        When it can be nobody's.
    """
    door = desk.posting.door
    if "@" in text and "=" not in text and _EMAIL in desk.catalogue.identifier_types and not _is_known(text, desk):
        return door.names_of(f"{_EMAIL}={text}")[0]
    return door.names_of(checked_id(text))[0]


def address(kind: str, name: str) -> str:
    """The address of a page about one, whatever its name holds.

    >>> address("decisions", "a/2?#")
    '/console/decisions/a%2F2%3F%23'
    """
    return f"/console/{kind}/{quote(name, safe='')}"


def see_other(place: str) -> Response:
    """Leads on to another page."""
    return RedirectResponse(place, status_code=303, headers=dict(HEADERS))


def _is_known(customer_id: str, desk: Desk) -> bool:
    try:
        desk.customers.view(customer_id, limit=1)
    except UnknownCustomerError:
        return False
    return True
