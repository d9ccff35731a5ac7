"""Questions, and the records of what was answered."""

from collections.abc import Sequence

from fastapi import FastAPI, Response
from pydantic import TypeAdapter

from serving.desk import Desk, questions_of
from serving.openapi import request_body
from serving.problems import ProblemError
from serving.record import Answer, DecisionRecord
from serving.routes.bodies import Body, PathId, json_response
from serving.values import parse_json
from serving.wire import RecommendManyRequest, RecommendRequest

_ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)


def add_recommendations(app: FastAPI, desk: Desk) -> None:
    """Add /v1/recommend and /v1/decisions."""

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
            return json_response(_as_list(desk.recommend_many(asked)))
        return json_response(_ANSWER.dump_json(desk.recommend(RecommendRequest.model_validate(asked))))

    @app.get("/v1/decisions/{decision_id:path}", responses={200: {"model": DecisionRecord}})
    def decision(decision_id: PathId) -> Response:
        """Give the whole record of a decision."""
        return json_response(desk.record_of(decision_id).encode())


def _as_list(answers: Sequence[Answer | ProblemError]) -> bytes:
    parts = [_ANSWER.dump_json(one) if isinstance(one, Answer) else bytes(one.response().body) for one in answers]
    return b"[" + b",".join(parts) + b"]"
