"""The HTTP routes: each parses, calls one method of the desk, and formats."""

import logging
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from features.errors import TouchpointError
from features.settings import Settings
from serving.desk import CustomerView, Desk, questions_of
from serving.guard import Guard
from serving.metrics import Metrics, Observed
from serving.openapi import PROBLEM_RESPONSES, describe_requests, request_body
from serving.problems import (
    INTERNAL,
    INVALID_REQUEST,
    METHOD_NOT_ALLOWED,
    UNKNOWN_PATH,
    ProblemError,
    problem_of,
    problem_of_validation,
)
from serving.record import Answer, DecisionRecord, Taken
from serving.wire import (
    PostedInteraction,
    PostedOutcome,
    RecommendManyRequest,
    RecommendRequest,
    parse_json,
    without_nul,
)

LOG = logging.getLogger(__name__)
MOST_IN_WORK = 256

_ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)
_TAKEN: TypeAdapter[Taken | list[Taken]] = TypeAdapter(Taken | list[Taken])
_CUSTOMER: TypeAdapter[CustomerView] = TypeAdapter(CustomerView)


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]
PathId = Annotated[str, Path(min_length=1, max_length=200), AfterValidator(without_nul)]


def create_application(desk: Desk, metrics: Metrics, settings: Settings) -> ASGIApp:
    """The whole application: observed, guarded, routed; one ASGI callable."""
    app = FastAPI(
        title="Next best touchpoint",
        version="1",
        docs_url=None,  # their pages load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
        responses=PROBLEM_RESPONSES,
    )
    _add_exception_handlers(app)
    _add_recommendations(app, desk)
    _add_postings(app, desk)
    _add_views(app, desk, metrics)
    describe_requests(app)
    api_key = settings.api_key.get_secret_value() if settings.api_key else None
    guarded = Guard(app, api_key=api_key, max_body_bytes=settings.max_body_bytes, max_in_work=MOST_IN_WORK)
    return Observed(guarded, metrics)


def _add_recommendations(app: FastAPI, desk: Desk) -> None:
    @app.post(
        "/v1/recommend",
        responses={200: {"model": Answer | list[Answer]}},
        openapi_extra=request_body(RecommendRequest, RecommendManyRequest, list[RecommendRequest]),
    )
    def recommend(body: Body) -> Response:
        """Which touchpoint is best for this customer, now? Ask about one customer, or about up to 1,000."""
        asked = parse_json(body)
        if isinstance(asked, dict) and "customers" in asked:
            asked = questions_of(RecommendManyRequest.model_validate(asked))
        if isinstance(asked, list):
            return _json(_as_list(desk.recommend_many(asked)))
        return _json(_ANSWER.dump_json(desk.recommend(RecommendRequest.model_validate(asked))))


def _add_postings(app: FastAPI, desk: Desk) -> None:
    @app.post(
        "/v1/interactions",
        status_code=202,
        responses={202: {"model": Taken | list[Taken]}},
        openapi_extra=request_body(PostedInteraction, list[PostedInteraction]),
    )
    def post_interactions(body: Body) -> Response:
        """Keep one interaction, or up to 1,000; of a list, each is accepted, duplicate or quarantined by itself."""
        posted = parse_json(body)
        if isinstance(posted, list):
            return _json(_TAKEN.dump_json(desk.take_interactions(posted)), status=202)
        PostedInteraction.model_validate(posted)
        return _json(_TAKEN.dump_json(desk.take_interactions([posted])[0]), status=202)

    @app.post(
        "/v1/outcomes",
        status_code=202,
        responses={202: {"model": Taken}},
        openapi_extra=request_body(PostedOutcome),
    )
    def post_outcome(body: Body) -> Response:
        """Keep what a customer did in answer to a decision; it is not counted as an interaction too."""
        return _json(_TAKEN.dump_json(desk.take_outcome(PostedOutcome.model_validate(parse_json(body)))), status=202)


def _add_views(app: FastAPI, desk: Desk, metrics: Metrics) -> None:
    @app.get("/v1/decisions/{decision_id:path}", responses={200: {"model": DecisionRecord}})
    def decision(decision_id: PathId) -> Response:
        """Give the whole record of a decision."""
        return _json(desk.record_of(decision_id).encode())

    @app.get("/v1/customers/{customer_id:path}", responses={200: {"model": CustomerView}})
    def customer(customer_id: PathId, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
        """Give what is known of a customer: profile, journey and decisions, newest first."""
        return _json(_CUSTOMER.dump_json(desk.customer(customer_id, limit=limit)))

    @app.get("/metrics", include_in_schema=False)
    def exposition() -> Response:
        return Response(metrics.exposition(), media_type=metrics.content_type)


def _add_exception_handlers(app: FastAPI) -> None:
    def of_ours(request: Request, error: Exception) -> Response:
        problem = problem_of(error) if isinstance(error, TouchpointError) else ProblemError(INTERNAL, "see the service's log")
        if problem.kind.status >= 500:
            LOG.error("%s %s: %s", request.method, problem.kind.name, error, exc_info=error)
        return problem.response()

    def of_validation(request: Request, error: Exception) -> Response:
        return problem_of_validation(error).response() if isinstance(error, ValidationError) else of_ours(request, error)

    def of_parameters(request: Request, error: Exception) -> Response:
        parts = error.errors() if isinstance(error, RequestValidationError) else ()
        detail = "; ".join(f"{part['loc'][-1]}: {part['msg']}" for part in parts)
        return ProblemError(INVALID_REQUEST, detail).response()

    def of_routing(request: Request, error: Exception) -> Response:
        wrong_method = isinstance(error, HTTPException) and error.status_code == 405
        kind = METHOD_NOT_ALLOWED if wrong_method else UNKNOWN_PATH
        what = f"{request.method} is not offered at this path" if wrong_method else "there is nothing at this path"
        response = ProblemError(kind, f"{what}; /openapi.json tells what there is").response()
        response.headers.update((isinstance(error, HTTPException) and error.headers) or {})
        return response

    app.add_exception_handler(TouchpointError, of_ours)
    app.add_exception_handler(ValidationError, of_validation)
    app.add_exception_handler(RequestValidationError, of_parameters)
    app.add_exception_handler(HTTPException, of_routing)
    app.add_exception_handler(Exception, of_ours)


def _as_list(answers: Sequence[Answer | ProblemError]) -> bytes:
    parts = [_ANSWER.dump_json(one) if isinstance(one, Answer) else bytes(one.response().body) for one in answers]
    return b"[" + b",".join(parts) + b"]"


def _json(content: bytes, *, status: int = 200) -> Response:
    return Response(content, status_code=status, media_type="application/json")
