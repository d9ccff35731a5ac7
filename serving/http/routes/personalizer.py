"""The calls of Azure Personalizer, under the paths that its clients call."""

from typing import Annotated, Any

from fastapi import FastAPI, Path, Response
from pydantic import AfterValidator

from serving.http.bodies import Body, json_response
from serving.http.openapi import request_body
from serving.http.values import parse_json
from serving.personalizer import PersonalizerDesk, RankRequest, RankResponse, RewardRequest
from serving.personalizer.wire import LONGEST_EVENT_ID, names_nobody

ROOTS = ("/personalizer/v1.1-preview.3", "/personalizer/v1.0", "/personalizer")
"""The last one is of clients that name the version as a parameter, `api-version`."""

_TEXT = {"type": "string"}
_ERROR = {"type": "object", "required": ["code", "message"], "properties": {"code": _TEXT, "message": _TEXT, "target": _TEXT}}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Any refusal, as Azure Personalizer has it.",
        "content": {"application/json": {"schema": {"type": "object", "properties": {"error": _ERROR}}}},
    }
}

EventId = Annotated[str, Path(min_length=1, max_length=LONGEST_EVENT_ID), AfterValidator(names_nobody)]


def add_personalizer(app: FastAPI, desk: PersonalizerDesk) -> None:
    """Add rank, reward and activate, under each version's paths."""
    for root in ROOTS:
        _add(app, desk, root)


def _add(app: FastAPI, desk: PersonalizerDesk, root: str) -> None:
    @app.post(
        f"{root}/rank",
        status_code=201,
        responses={201: {"model": RankResponse}, **_REFUSALS},
        openapi_extra=request_body(RankRequest),
    )
    def rank(body: Body) -> Response:
        """Which of these actions, in this context? As Azure Personalizer answered."""
        answer = desk.rank(RankRequest.model_validate(parse_json(body)))
        return json_response(answer.model_dump_json(by_alias=True).encode(), status=201)

    @app.post(
        f"{root}/events/{{event_id:path}}/reward", status_code=204, responses=_REFUSALS, openapi_extra=request_body(RewardRequest)
    )
    def reward(event_id: EventId, body: Body) -> Response:
        """Say what showing the chosen action was worth, from -1 to 1."""
        desk.reward(event_id, RewardRequest.model_validate(parse_json(body)).value)
        return Response(status_code=204)

    @app.post(f"{root}/events/{{event_id:path}}/activate", status_code=204, responses=_REFUSALS)
    def activate(event_id: EventId) -> Response:
        """Say that the chosen action of a deferred event was shown."""
        desk.activate(event_id)
        return Response(status_code=204)
