"""What followed a decision is told by files and online, each record once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from features.domain import Interaction, Kind, Outcome
from features.journal import Journal
from features.lake import SCHEMAS, Lake
from features.reactions import outcomes_of, reactions_to

AT = datetime(2026, 3, 1, tzinfo=UTC)


def outcome(message_id: str, hours: float, decision_id: str = "d/2") -> Outcome:
    at = AT + timedelta(hours=hours)
    return Outcome(message_id=message_id, decision_id=decision_id, kind=Kind.CLICK, at=at, received_at=at, source="shop")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    rows = [outcome("m1", 3), outcome("m2", 1), outcome("m9", 2, "other")]
    told = [{name: getattr(row, name) for name in ("message_id", "decision_id", "at", "received_at", "source")} for row in rows]
    lake.append("outcomes", pa.Table.from_pylist([each | {"kind": "click"} for each in told], schema=SCHEMAS["outcomes"]))
    return lake


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_outcomes_of_files_and_of_calls_come_oldest_first_and_each_once(lake: Lake, journal: Journal) -> None:
    journal.append_outcomes([outcome("m1", 3), outcome("m3", 2)])
    assert [each.message_id for each in outcomes_of(["d/2"], lake=lake, journal=journal)] == ["m2", "m3", "m1"]
    assert [each.message_id for each in outcomes_of(["d/2", "other"], lake=lake, journal=journal)] == ["m2", "m3", "m9", "m1"]
    assert outcomes_of([], lake=lake, journal=journal) == outcomes_of(["none"], lake=lake, journal=journal) == ()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_interactions_that_name_the_decision_stand_among_its_outcomes(lake: Lake, journal: Journal) -> None:
    def visit(message_id: str, hours: float, decision_id: str | None) -> Interaction:
        at = AT + timedelta(hours=hours)
        given = {"customer_id": "ann", "touchpoint": "mail.a", "kind": Kind.OPEN, "source": "shop"}
        return Interaction(message_id=message_id, at=at, received_at=at, decision_id=decision_id, **given)  # type: ignore[arg-type]

    journal.append_interactions([visit("i1", 2, "d/2"), visit("i2", 2, None), visit("i3", 2, "other")])
    found = reactions_to("d/2", ["ann"], lake=lake, journal=journal)
    assert [each.message_id for each in found] == ["m2", "i1", "m1"]
