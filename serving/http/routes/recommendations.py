"""Questions, and the records of what was answered."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool

from serving.deciding.answer import Answer
from serving.deciding.record import DecisionRecord
from serving.desk import Desk, questions_of
from serving.http.bodies import BareRoute, Body, PathId, body_of, json_response
from serving.http.openapi import request_body
from serving.http.problems import ProblemError
from serving.http.turns import Turns
from serving.http.values import parse_json
from serving.http.wire import RecommendManyRequest, RecommendRequest, ReplayRequest
from serving.looking_back.explain import Explanation
from serving.looking_back.replay import Replayed

RECOMMEND = "/v1/recommend"

_ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)
_EXPLANATION: TypeAdapter[Explanation] = TypeAdapter(Explanation)
_REPLAYED: TypeAdapter[Replayed] = TypeAdapter(Replayed)
_TAKES_LONGER = frozenset({"customers", "interactions", "slots", "placements"})
"""With one of these a question is not answered on the event loop, where all others would wait."""


def add_recommendations(app: FastAPI, desk: Desk, turns: Turns) -> None:
    """Add /v1/recommend and /v1/decisions."""

    async def recommend(request: Request) -> Response:
        """Which touchpoint is best for this customer, now? Ask about one customer, or about up to 1,000."""
        asked = parse_json(await body_of(request))
        if not desk.is_local or not _is_soon_answered(asked):
            return await run_in_threadpool(_answered, asked, desk)
        question = RecommendRequest.model_validate(asked)
        async with turns:
            return json_response(_ANSWER.dump_json(await desk.recommend_soon(question)))

    app.router.add_api_route(
        RECOMMEND,
        recommend,
        methods=["POST"],
        responses={200: {"model": Answer | list[Answer]}},
        openapi_extra=request_body(RecommendRequest, RecommendManyRequest, list[RecommendRequest]),
        route_class_override=BareRoute,
    )
    _add_looking_back(app, desk)


def _add_looking_back(app: FastAPI, desk: Desk) -> None:
    """Add what is asked of decisions taken before; their ids may hold slashes, so paths that end in a word come first."""

    @app.post("/v1/decisions/{decision_id:path}/activate", status_code=204)
    def activate(decision_id: PathId) -> Response:
        """Count the contact of a deferred decision, now that it was carried out; safe to repeat."""
        desk.activate(decision_id)
        return Response(status_code=204)

    @app.get("/v1/decisions/{decision_id:path}/explanation", responses={200: {"model": Explanation}})
    def explanation(decision_id: PathId) -> Response:
        """Why this touchpoint, why not each other one, and what would have to change for it."""
        return json_response(_EXPLANATION.dump_json(desk.decisions.explanation(decision_id)))

    @app.post(
        "/v1/decisions/{decision_id:path}/replay",
        responses={200: {"model": Replayed}},
        openapi_extra=request_body(ReplayRequest),
    )
    def replay(decision_id: PathId, body: Body) -> Response:
        """Take the decision again on paper, as it was or with changes; nothing is written."""
        asked = ReplayRequest.model_validate(parse_json(body) if body.strip() else {})
        return json_response(_REPLAYED.dump_json(desk.decisions.replayed(decision_id, asked.changes)))

    @app.get("/v1/decisions/{decision_id:path}", responses={200: {"model": DecisionRecord}})
    def decision(decision_id: PathId) -> Response:
        """Give the whole record of a decision."""
        return json_response(desk.decisions.text(decision_id).encode())


def _is_soon_answered(asked: Any) -> bool:
    """Whether it is one question about one touchpoint with which nothing is to be written down first."""
    return isinstance(asked, dict) and asked.keys().isdisjoint(_TAKES_LONGER)


def _answered(asked: Any, desk: Desk) -> Response:
    if isinstance(asked, dict) and "customers" in asked:
        asked = questions_of(RecommendManyRequest.model_validate(asked))
    if isinstance(asked, list):
        return json_response(_as_list(desk.recommend_many(asked)))
    return json_response(_ANSWER.dump_json(desk.recommend(RecommendRequest.model_validate(asked))))


def _as_list(answers: Sequence[Answer | ProblemError]) -> bytes:
    parts = [_ANSWER.dump_json(one) if isinstance(one, Answer) else bytes(one.response().body) for one in answers]
    return b"[" + b",".join(parts) + b"]"
