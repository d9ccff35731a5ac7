"""CloudEvents in the three modes of their HTTP binding."""

import json
from typing import Any

import pytest

from serving.http.problems import ProblemError
from serving.taking.cloudevents import BATCHED, STRUCTURED, events_of

EVENT = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "order.paid", "data": {"total": 12.5}}
BINARY = {"ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/shop", "ce-type": "order.paid"}


def posted(body: Any, media: str) -> list[Any]:
    return events_of({"content-type": media}, json.dumps(body).encode())


def test_the_three_modes_tell_the_same_event() -> None:
    (structured,) = posted(EVENT, f"{STRUCTURED}; charset=utf-8")
    (batched,) = posted([EVENT], BATCHED)
    (binary,) = events_of({**BINARY, "content-type": "application/json"}, b'{"total": 12.5}')
    assert structured.record == batched.record == EVENT
    assert binary.record == {**EVENT, "datacontenttype": "application/json"}


def test_headers_are_percent_decoded_and_text_stays_text() -> None:
    (event,) = events_of({**BINARY, "ce-subject": "Z%C3%BCrich", "content-type": "text/plain"}, b"hello")
    assert (event.record["subject"], event.record["data"]) == ("Zürich", "hello")


def test_data_in_base64_is_read_as_what_it_is() -> None:
    bare = {key: value for key, value in EVENT.items() if key != "data"}
    (event,) = posted({**bare, "data_base64": "eyJ0b3RhbCI6IDEyLjV9"}, STRUCTURED)
    assert event.record == EVENT
    (bad,) = posted({**bare, "data_base64": "no base64"}, STRUCTURED)
    assert bad.refused is not None and bad.refused.startswith("data_base64")


@pytest.mark.parametrize(
    ("change", "said"), [({"id": ""}, "id:"), ({"source": None}, "source:"), ({"specversion": "0.3"}, "specversion:")]
)
def test_an_event_without_a_required_attribute_is_refused_by_itself(change: dict[str, Any], said: str) -> None:
    good, bad, none = posted([EVENT, {**EVENT, **change}, 5], BATCHED)
    assert (good.refused, none.refused) == (None, "an event is a JSON object")
    assert bad.refused is not None and bad.refused.startswith(said)


def test_what_is_in_none_of_the_modes_is_refused_with_what_they_are() -> None:
    with pytest.raises(ProblemError, match="or the attributes as headers") as refused:
        posted(EVENT, "application/json")
    assert refused.value.kind.name == "unsupported-media"


@pytest.mark.parametrize("data", [5, None, ["e30="], {"a": 1}])
def test_data_in_base64_that_is_no_text_is_refused_by_itself(data: Any) -> None:
    bare = {key: value for key, value in EVENT.items() if key != "data"}
    bad, good = posted([{**bare, "data_base64": data}, EVENT], BATCHED)
    assert bad.refused is not None and bad.refused.startswith("data_base64")
    assert good.refused is None
