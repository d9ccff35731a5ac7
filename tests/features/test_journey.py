"""A journey is one, however the customer was called and however it arrived."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from features.compaction import compact
from features.domain import Interaction, Kind
from features.journal import Journal
from features.journey import journey_of
from features.lake import SCHEMAS, Lake

AT = datetime(2026, 3, 1, tzinfo=UTC)


def interaction(message_id: str, customer_id: str, *, day: float) -> Interaction:
    at = AT + timedelta(days=day)
    return Interaction(
        message_id=message_id,
        customer_id=customer_id,
        touchpoint="web.page",
        kind=Kind.VIEW,
        at=at,
        received_at=at,
        source="shop",
        identifiers=("email:" + 32 * "0",),
        traits={"a": "1"},
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    same = {"touchpoint": "web.page", "channel": "web", "kind": "view", "received_at": AT, "source": "file"}
    rows = [
        same | {"message_id": name, "customer_id": who, "at": AT + timedelta(days=day)}
        for name, who, day in (("f1", "ann", 1), ("f2", "cookie", 4), ("f3", "bob", 5))
    ]
    lake.append("interactions", pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"]))
    return lake


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_all_identifiers_and_both_ways_make_one_journey_newest_first(lake: Lake, journal: Journal) -> None:
    journal.append_interactions(
        [interaction("p1", "ann", day=3), interaction("p2", "cookie", day=2), interaction("p3", "bob", day=6)]
    )

    def journey(*identifiers: str, limit: int = 10) -> list[str]:
        return [each.message_id for each in journey_of(identifiers, lake=lake, journal=journal, limit=limit)]

    assert journey("ann", "cookie") == ["f2", "p1", "p2", "f1"]
    compact(journal, lake, batch=10)
    assert journey("ann", "cookie") == ["f2", "p1", "p2", "f1"]
    assert (journey("ann"), journey("ann", "cookie", limit=2), journey("eve")) == (["p1", "f1"], ["f2", "p1"], [])


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_went_through_the_lake_is_what_was_posted(lake: Lake, journal: Journal, tmp_path: Path) -> None:
    posted = interaction("p1", "ann", day=3)
    journal.append_interactions([posted])
    compact(journal, lake, batch=10)
    empty = Journal(f"sqlite:///{tmp_path / 'empty.db'}")
    empty.create()
    assert journey_of(["ann"], lake=lake, journal=empty, limit=1) == (posted,)
    empty.close()
