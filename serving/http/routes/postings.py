"""What callers tell: interactions, outcomes, links and consents, each durable before it is acknowledged."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Response
from pydantic import TypeAdapter

from serving.deciding.record import Taken
from serving.http.bodies import Body, json_response
from serving.http.openapi import request_body
from serving.http.values import parse_json
from serving.http.wire import PostedConsent, PostedInteraction, PostedLink, PostedOutcome
from serving.taking.facts import TakenLink
from serving.taking.posting import Posting

_TAKEN: TypeAdapter[Taken | list[Taken]] = TypeAdapter(Taken | list[Taken])
_LINKS: TypeAdapter[TakenLink | list[TakenLink]] = TypeAdapter(TakenLink | list[TakenLink])


def add_postings(app: FastAPI, posting: Posting) -> None:
    """Add /v1/interactions, /v1/outcomes, /v1/links and /v1/consents."""
    _add_interactions(app, posting)
    _add_facts(app, posting)


def _add_interactions(app: FastAPI, posting: Posting) -> None:
    @app.post(
        "/v1/interactions",
        status_code=202,
        responses={202: {"model": Taken | list[Taken]}},
        openapi_extra=request_body(PostedInteraction, list[PostedInteraction]),
    )
    def post_interactions(body: Body) -> Response:
        """Keep one interaction, or up to 1,000; of a list, each is accepted, duplicate or quarantined by itself."""
        return _one_or_many(
            body,
            check=lambda one: posting.check_person(PostedInteraction.model_validate(one)),
            take=posting.interactions,
            answer=_TAKEN,
        )

    @app.post(
        "/v1/outcomes",
        status_code=202,
        responses={202: {"model": Taken}},
        openapi_extra=request_body(PostedOutcome),
    )
    def post_outcome(body: Body) -> Response:
        """Keep what a customer did in answer to a decision; it is not counted as an interaction too."""
        taken = posting.outcome(PostedOutcome.model_validate(parse_json(body)))
        return json_response(_TAKEN.dump_json(taken), status=202)


def _add_facts(app: FastAPI, posting: Posting) -> None:
    @app.post(
        "/v1/links",
        status_code=202,
        responses={202: {"model": TakenLink | list[TakenLink]}},
        openapi_extra=request_body(PostedLink, list[PostedLink]),
    )
    def post_links(body: Body) -> Response:
        """Say that two identifiers are of one customer, that they are not, or that they never are; one, or up to 1,000."""
        return _one_or_many(
            body, check=lambda one: posting.check_link(PostedLink.model_validate(one)), take=posting.links, answer=_LINKS
        )

    @app.post(
        "/v1/consents",
        status_code=202,
        responses={202: {"model": Taken | list[Taken]}},
        openapi_extra=request_body(PostedConsent, list[PostedConsent]),
    )
    def post_consents(body: Body) -> Response:
        """Keep what a customer said about being contacted; one, or up to 1,000."""
        return _one_or_many(
            body, check=lambda one: posting.check_person(PostedConsent.model_validate(one)), take=posting.consents, answer=_TAKEN
        )


def _one_or_many(
    body: bytes, *, check: Callable[[Any], None], take: Callable[[list[Any]], Any], answer: TypeAdapter[Any]
) -> Response:
    """Of a list, each is judged by itself; one alone is refused at once if it is no such thing."""
    posted = parse_json(body)
    if isinstance(posted, list):
        return json_response(answer.dump_json(take(posted)), status=202)
    check(posted)
    return json_response(answer.dump_json(take([posted])[0]), status=202)
