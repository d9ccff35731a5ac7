"""How a refusal looks to clients of Azure Personalizer: `{"error": {"code", "message", "target"}}`."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import JSONResponse

from serving.http.problems import ProblemError

PREFIX = "/personalizer/"

_CODES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "invalid-json": (400, "BadRequest"),
        "unauthorized": (401, "401"),  # the gateway in front of their service gave the status for a code
        "unknown-path": (404, "ResourceNotFound"),
        "method-not-allowed": (405, "BadRequest"),
        "decision-conflict": (409, "Conflict"),  # theirs knows no such code: it never looked whether an id was used before
        "body-too-large": (400, "PayloadSizeExceeded"),
        "unsupported-media": (415, "BadRequest"),
        "overloaded": (429, "429"),
        "unavailable": (503, "OperationNotAllowed"),
        "timed-out": (503, "OperationNotAllowed"),
        "internal": (500, "InternalServerError"),
    }
)


def is_personalizer(path: str) -> bool:
    """Whether a path belongs to these calls."""
    return path.startswith(PREFIX)


def refusal(problem: ProblemError, path: str) -> JSONResponse:
    """The answer to a call of these that is refused; its status is the one that theirs has for the code."""
    status, code = _CODES.get(problem.kind.name, (400, _code_of(path)))
    error = {"code": code, "message": str(problem)}
    if problem.errors and problem.errors[0].pointer:
        error["target"] = problem.errors[0].pointer
    headers = {name: value for name, value in problem.response().headers.items() if name in ("retry-after", "www-authenticate")}
    return JSONResponse({"error": error}, status_code=status, headers=headers)


def _code_of(path: str) -> str:
    if path.endswith("/reward"):
        return "InvalidRewardRequest"
    return "InvalidEventIdToActivate" if path.endswith("/activate") else "InvalidRankRequest"
