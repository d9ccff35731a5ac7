"""Records of calls that come at once are mapped in one go, and every caller gets their own."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from features.capture.made import Mapped, Refused
from features.errors import CaptureError
from serving.taking.together import Together


class Mapper:
    """Refuses every record with its own name, slowly; a record that is bad spoils the whole run."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, records: Sequence[Mapping[str, Any]]) -> Mapped:
        self.sizes.append(len(records))
        time.sleep(0.05)
        if any(record.get("bad") for record in records):
            raise CaptureError("bad")
        return Mapped(refused=tuple(Refused(place, record["name"], "") for place, record in enumerate(records)))


def call(together: Together, mapper: Mapper, number: int) -> list[tuple[int, str]]:
    mapped = together.map([{"name": f"{number}-{nth}", "bad": number == 13} for nth in range(3)], mapper)
    return [(each.index, each.reason) for each in mapped.refused]


def test_calls_that_wait_are_served_together_each_with_its_own() -> None:
    together, mapper = Together(), Mapper()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: call(together, mapper, number), range(8)))
    assert answers == [[(nth, f"{number}-{nth}") for nth in range(3)] for number in range(8)]
    assert sum(mapper.sizes) == 24 and len(mapper.sizes) < 8


def test_no_more_records_are_served_together_than_may_be() -> None:
    together, mapper = Together(most_records=6), Mapper()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: call(together, mapper, number), range(8)))
    assert max(mapper.sizes) <= 6


def test_what_fails_for_one_call_fails_for_no_other() -> None:
    together, mapper = Together(), Mapper()
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(call, together, mapper, number) for number in (1, 13, 2, 3)]
    with pytest.raises(CaptureError):
        running[1].result()
    assert [running[nth].result()[0][1] for nth in (0, 2, 3)] == ["1-0", "2-0", "3-0"]
