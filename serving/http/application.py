"""The whole application: routes, refusals as problem documents, and around them guard and metrics."""

import logging
from traceback import format_tb

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from features.errors import TouchpointError
from features.settings import Settings
from serving.console import Console, is_console
from serving.desk import Desk
from serving.http.deadline import Deadline
from serving.http.guard import Guard
from serving.http.metrics import Metrics, Observed
from serving.http.openapi import PROBLEM_RESPONSES, describe_requests
from serving.http.problems import (
    INTERNAL,
    INVALID_REQUEST,
    METHOD_NOT_ALLOWED,
    UNKNOWN_PATH,
    ProblemError,
    problem_of,
    problem_of_validation,
)
from serving.http.routes import (
    RECOMMEND,
    add_console,
    add_customers,
    add_insights,
    add_personalizer,
    add_postings,
    add_recommendations,
    add_search,
    add_sources,
)
from serving.http.turns import Turns
from serving.personalizer import is_personalizer, refusal

LOG = logging.getLogger(__name__)
MOST_IN_WORK = 256
SECONDS_TO_ANSWER = 60.0


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
    app.state.max_body_bytes = settings.max_body_bytes
    app.state.console = console = Console(settings.insights_path, currency=desk.currency)
    _add_exception_handlers(app)
    turns = Turns()
    add_recommendations(app, desk, turns)
    add_search(app, desk.decisions, desk.customers)
    add_postings(app, desk.posting)
    add_sources(app, desk.posting)
    add_customers(app, desk.customers)
    add_personalizer(app, desk.personalizer)
    add_insights(app, console.found)
    add_console(app, console, desk)
    _add_exposition(app, metrics)
    describe_requests(app)
    api_key = settings.api_key.get_secret_value() if settings.api_key else None
    guarded = Guard(
        Deadline(app, seconds=SECONDS_TO_ANSWER),
        api_key=api_key,
        max_body_bytes=settings.max_body_bytes,
        max_in_work=MOST_IN_WORK,
        is_full=lambda path: path == RECOMMEND and turns.are_taken(),
    )
    return Observed(guarded, metrics)


def _add_exposition(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/metrics", include_in_schema=False)
    def exposition() -> Response:
        return Response(metrics.exposition(), media_type=metrics.content_type)


def _add_exception_handlers(app: FastAPI) -> None:
    def of_ours(request: Request, error: Exception) -> Response:
        problem = problem_of(error) if isinstance(error, TouchpointError) else ProblemError(INTERNAL, "see the service's log")
        if problem.kind.status >= 500:
            # where, and of which kind: messages of databases and files may name people
            where = "".join(format_tb(error.__traceback__)).rstrip()
            LOG.error("%s %s: %s at\n%s", request.method, problem.kind.name, type(error).__name__, where)
        return _as_expected(request, problem)

    def of_validation(request: Request, error: Exception) -> Response:
        if not isinstance(error, ValidationError):
            return of_ours(request, error)
        return _as_expected(request, problem_of_validation(error))

    def of_parameters(request: Request, error: Exception) -> Response:
        parts = error.errors() if isinstance(error, RequestValidationError) else ()
        detail = "; ".join(f"{part['loc'][-1]}: {part['msg']}" for part in parts)
        return _as_expected(request, ProblemError(INVALID_REQUEST, detail))

    def of_routing(request: Request, error: Exception) -> Response:
        wrong_method = isinstance(error, HTTPException) and error.status_code == 405
        kind = METHOD_NOT_ALLOWED if wrong_method else UNKNOWN_PATH
        what = f"{request.method} is not offered at this path" if wrong_method else "there is nothing at this path"
        response = _as_expected(request, ProblemError(kind, f"{what}; /openapi.json tells what there is"))
        response.headers.update((isinstance(error, HTTPException) and error.headers) or {})
        return response

    app.add_exception_handler(TouchpointError, of_ours)
    app.add_exception_handler(ValidationError, of_validation)
    app.add_exception_handler(RequestValidationError, of_parameters)
    app.add_exception_handler(HTTPException, of_routing)
    app.add_exception_handler(Exception, of_ours)


def _as_expected(request: Request, problem: ProblemError) -> Response:
    """The problem as whoever calls this path expects it."""
    path = request.url.path
    if is_console(path):
        console: Console = request.app.state.console
        return console.refused(problem)
    return refusal(problem, path) if is_personalizer(path) else problem.response()
