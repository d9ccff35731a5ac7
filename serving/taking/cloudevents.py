"""CloudEvents over HTTP, in structured, batched and binary mode, as records of the preset `cloudevents`.

References
----------
CNCF (2019). CloudEvents 1.0; HTTP Protocol Binding for CloudEvents 1.0; JSON Event Format for CloudEvents 1.0.
"""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from serving.http.problems import UNSUPPORTED_MEDIA, ProblemError
from serving.http.values import parse_json
from serving.taking.incoming import Incoming, refused

SOURCE = "cloudevents"
STRUCTURED, BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"

_REQUIRED = ("id", "source", "type")
_PREFIX = "ce-"


def events_of(headers: Mapping[str, str], body: bytes) -> list[Incoming]:
    """The events of a request; each can be refused by itself.

    Parameters
    ----------
    headers : by their names in lower case.

    Raises
    ------
    ProblemError
        When the request is in none of the three modes, or its body is not JSON.
    """
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == BATCHED:
        events = parse_json(body)
        return [_event(event) for event in (events if isinstance(events, list) else [events])]
    if media == STRUCTURED:
        return [_event(parse_json(body))]
    if f"{_PREFIX}specversion" in headers:
        return [_event(_of_binary_mode(headers, media, body))]
    detail = f"send {STRUCTURED}, {BATCHED}, or the attributes as headers such as ce-specversion, ce-id and ce-type"
    raise ProblemError(UNSUPPORTED_MEDIA, detail)


def _of_binary_mode(headers: Mapping[str, str], media: str, body: bytes) -> dict[str, Any]:
    event: dict[str, Any] = {
        name.removeprefix(_PREFIX): unquote(text) for name, text in headers.items() if name.startswith(_PREFIX)
    }
    if media:
        event["datacontenttype"] = media
    if body:
        event["data"] = parse_json(body) if _is_json(media) else body.decode("utf-8", "replace")
    return event


def _event(event: Any) -> Incoming:
    if not isinstance(event, dict):
        return refused(event, "an event is a JSON object")
    for name in _REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            return refused(event, f"{name}: every event has this attribute, a text", message_id=event.get("id"))
    if event.get("specversion") != "1.0":
        return refused(event, "specversion: only 1.0 is understood", message_id=event["id"])
    try:
        return Incoming(record=_with_data(event), message_id=event["id"])
    except (TypeError, ValueError, ProblemError):
        return refused(event, "data_base64: not base64 of what datacontenttype says", message_id=event["id"])


def _with_data(event: dict[str, Any]) -> dict[str, Any]:
    if "data_base64" not in event:
        return event
    data = base64.b64decode(event["data_base64"], validate=True)
    event = {name: value for name, value in event.items() if name != "data_base64"}
    return event | {"data": parse_json(data) if _is_json(event.get("datacontenttype", "")) else data.decode("utf-8", "replace")}


def _is_json(media: str) -> bool:
    media = str(media).partition(";")[0].strip().lower()
    return media in ("", "application/json", "text/json") or media.endswith("+json")
