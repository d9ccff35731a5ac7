"""Every way in which a request is refused: RFC 9457 problem documents with stable types.

References
----------
Nottingham, Wilde, Dalal (2023). RFC 9457: Problem Details for HTTP APIs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.responses import JSONResponse

from features.errors import (
    ContentionError,
    DecisionConflictError,
    NotReplayableError,
    RequestError,
    StoreError,
    TouchpointError,
    UnknownCustomerError,
    UnknownDecisionError,
)
from serving.door import without_addresses


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of refusal; its `uri` never changes, its words may."""

    name: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """The stable `type` of the problem document."""
        return f"/problems/{self.name}"


INVALID_JSON = ProblemType("invalid-json", 400, "The body is not JSON")
INVALID_REQUEST = ProblemType("invalid-request", 422, "The request has a field that is missing, unknown or out of range")
UNAUTHORIZED = ProblemType("unauthorized", 401, "The API key is missing or wrong")
UNKNOWN_PATH = ProblemType("unknown-path", 404, "There is nothing at this path")
UNKNOWN_DECISION = ProblemType("unknown-decision", 404, "No decision has this id")
UNKNOWN_CUSTOMER = ProblemType("unknown-customer", 404, "Nothing is known of this customer")
UNKNOWN_SOURCE = ProblemType("unknown-source", 404, "No source mapping has this name")
UNKNOWN_INSIGHT = ProblemType("unknown-insight", 404, "Nothing of this name was found out")
METHOD_NOT_ALLOWED = ProblemType("method-not-allowed", 405, "This path does not take this method")
DECISION_CONFLICT = ProblemType("decision-conflict", 409, "The decision id was used for another question")
NOT_REPLAYABLE = ProblemType("not-replayable", 409, "What the decision was taken with is not to be had any more")
BODY_TOO_LARGE = ProblemType("body-too-large", 413, "The body is larger than this service accepts")
UNSUPPORTED_MEDIA = ProblemType("unsupported-media", 415, "The body is of a type, or compressed in a way, not understood here")
OVERLOADED = ProblemType("overloaded", 503, "Too many requests are in work; try again in a moment")
INTERNAL = ProblemType("internal", 500, "The service failed; its log says why")
UNUSABLE_SOURCE = ProblemType(
    "unusable-source", 503, "The source's mapping does not fit the catalogue; who runs the service can mend it"
)
UNAVAILABLE = ProblemType("unavailable", 503, "A part that this answer needs does not respond; try again")
TIMED_OUT = ProblemType("timed-out", 504, "No answer began in time; what was asked may still be done")

PROBLEM_TYPES: Mapping[str, ProblemType] = {
    kind.name: kind
    for kind in (
        INVALID_JSON,
        INVALID_REQUEST,
        UNAUTHORIZED,
        UNKNOWN_PATH,
        UNKNOWN_DECISION,
        UNKNOWN_CUSTOMER,
        UNKNOWN_SOURCE,
        UNKNOWN_INSIGHT,
        METHOD_NOT_ALLOWED,
        DECISION_CONFLICT,
        NOT_REPLAYABLE,
        BODY_TOO_LARGE,
        UNSUPPORTED_MEDIA,
        OVERLOADED,
        INTERNAL,
        UNUSABLE_SOURCE,
        UNAVAILABLE,
        TIMED_OUT,
    )
}
"""All of them, by name; the README documents each."""

_OF_ERRORS: tuple[tuple[type[TouchpointError], ProblemType], ...] = (
    (UnknownDecisionError, UNKNOWN_DECISION),
    (UnknownCustomerError, UNKNOWN_CUSTOMER),
    (DecisionConflictError, DECISION_CONFLICT),
    (NotReplayableError, NOT_REPLAYABLE),
    (ContentionError, UNAVAILABLE),
    (StoreError, UNAVAILABLE),
)


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field; `pointer` is a JSON pointer into the body."""

    pointer: str
    detail: str


class ProblemError(TouchpointError):
    """A refusal that knows how it looks on the wire."""

    def __init__(self, kind: ProblemType, detail: str, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.kind = kind
        self.errors = tuple(errors)

    def document(self) -> dict[str, Any]:
        """The problem document."""
        kind = self.kind
        document: dict[str, Any] = {"type": kind.uri, "title": kind.title, "status": kind.status, "detail": str(self)}
        if self.errors:
            document["errors"] = [{"pointer": error.pointer, "detail": error.detail} for error in self.errors]
        return document

    def response(self) -> JSONResponse:
        """The HTTP response."""
        headers = {"Retry-After": "1"} if self.kind.status == 503 else {}
        if self.kind is UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.document(), status_code=self.kind.status, headers=headers, media_type="application/problem+json")


def problem_of(error: TouchpointError) -> ProblemError:
    """The problem that an error of ours is to a caller; what a caller cannot mend is `internal`, without details."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RequestError):
        return ProblemError(INVALID_REQUEST, str(error), errors=[FieldError(error.field, str(error))])
    for cls, kind in _OF_ERRORS:
        if isinstance(error, cls):
            return ProblemError(kind, str(error))
    return ProblemError(INTERNAL, "the service failed while it answered; see its log")


def problem_of_validation(error: ValidationError) -> ProblemError:
    """A body that does not fit its model, field by field; values are not repeated, they may be personal."""
    parts = error.errors(include_url=False, include_input=False)
    errors = [FieldError(pointer(_public(part["loc"])), rule(part)) for part in parts]
    shown = "; ".join(f"{field.pointer or '(body)'}: {field.detail}" for field in errors[:3])
    return ProblemError(INVALID_REQUEST, shown, errors=errors[:100])


def _public(location: Sequence[str | int]) -> Sequence[str | int]:
    """The place without a key that is wrong itself, and without addresses: one may stand in the place of a type or a name."""
    public = location[:-2] if location and location[-1] == "[key]" else location
    return [without_addresses(part) if isinstance(part, str) else part for part in public]


def pointer(location: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901).

    >>> pointer(("interactions", 0, "a/b"))
    '/interactions/0/a~1b'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def rule(part: Mapping[str, Any]) -> str:
    """The rule that was broken, in words."""
    if part["type"] == "extra_forbidden":
        return "unknown field; remove it"
    return str(part["msg"]).removeprefix("Value error, ")
