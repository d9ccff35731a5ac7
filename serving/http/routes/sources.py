"""Other systems' records: the Segment API, CloudEvents, and any source that has a mapping."""

from dataclasses import dataclass

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request, Response
from pydantic import TypeAdapter

from serving.deciding.record import Taken
from serving.http.bodies import Body, PathId, json_response
from serving.http.openapi import any_json
from serving.http.values import parse_json
from serving.taking import cloudevents, segment
from serving.taking.incoming import raw_record
from serving.taking.posting import Posting, check_number


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentAnswer:
    """Segment's own answer, and what became of each event, in order."""

    success: bool
    results: tuple[Taken, ...]


MOST_AT_ONCE = 64
"""Calls that wait for their records to be mapped; they have threads of their own, so that questions need not wait for them."""

_SEGMENT: TypeAdapter[SegmentAnswer] = TypeAdapter(SegmentAnswer)
_TAKEN: TypeAdapter[list[Taken]] = TypeAdapter(list[Taken])


def add_sources(app: FastAPI, posting: Posting) -> None:
    """Add the calls of Segment, /v1/cloudevents and /v1/sources."""
    aside = CapacityLimiter(MOST_AT_ONCE)
    for call in segment.CALLS:
        _add_segment_call(app, posting, call, aside)
    _add_segment_batch(app, posting, aside)
    _add_cloudevents(app, posting, aside)
    _add_sources(app, posting, aside)


def _add_segment_call(app: FastAPI, posting: Posting, call: str, aside: CapacityLimiter) -> None:
    @app.post(f"/v1/{call}", name=f"segment_{call}", responses={200: {"model": SegmentAnswer}}, openapi_extra=any_json())
    async def segment_call(body: Body) -> Response:
        """Take an event as Segment's SDKs send it, through the preset `segment`."""
        event = segment.event_of_call(call, parse_json(body), received_at=posting.now().now)
        return _segment_answer(await to_thread.run_sync(posting.records, segment.SOURCE, [event], limiter=aside))


def _add_segment_batch(app: FastAPI, posting: Posting, aside: CapacityLimiter) -> None:
    @app.post("/v1/batch", name="segment_batch", responses={200: {"model": SegmentAnswer}}, openapi_extra=any_json())
    async def segment_batch(body: Body) -> Response:
        """Take up to 2,500 events as Segment's SDKs send them, through the preset `segment`."""
        events = segment.events_of_batch(parse_json(body), size=len(body), received_at=posting.now().now)
        return _segment_answer(await to_thread.run_sync(posting.records, segment.SOURCE, events, limiter=aside))


def _add_cloudevents(app: FastAPI, posting: Posting, aside: CapacityLimiter) -> None:
    @app.post(
        "/v1/cloudevents",
        status_code=202,
        responses={202: {"model": list[Taken]}},
        openapi_extra=any_json(cloudevents.STRUCTURED, cloudevents.BATCHED, "application/json"),
    )
    async def post_cloudevents(request: Request, body: Body) -> Response:
        """Take CloudEvents 1.0, structured, batched or in binary mode, through the preset `cloudevents`."""
        events = cloudevents.events_of(request.headers, body)
        check_number(events)
        taken = await to_thread.run_sync(posting.records, cloudevents.SOURCE, events, limiter=aside)
        return json_response(_TAKEN.dump_json(taken), status=202)


def _add_sources(app: FastAPI, posting: Posting, aside: CapacityLimiter) -> None:
    @app.post(
        "/v1/sources/{name}",
        status_code=202,
        responses={202: {"model": list[Taken]}},
        openapi_extra=any_json(),
    )
    async def post_records(name: PathId, body: Body) -> Response:
        """Take one record of a source, or up to 1,000, through its mapping: sources/{name}.toml in the home, or the preset."""
        posted = parse_json(body)
        records = posted if isinstance(posted, list) else [posted]
        check_number(records)
        incoming = [raw_record(record) for record in records]
        return json_response(
            _TAKEN.dump_json(await to_thread.run_sync(posting.records, name, incoming, limiter=aside)), status=202
        )


def _segment_answer(taken: list[Taken]) -> Response:
    return json_response(_SEGMENT.dump_json(SegmentAnswer(success=True, results=tuple(taken))))
