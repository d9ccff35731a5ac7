"""Items that are sent again, while time goes on: as networks fail, callers do so with everything that was not answered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
BOUGHT = {"message_id": "m1", "customer_id": "ann", "touchpoint": "store.checkout", "kind": "purchase", "value": 50}


def post_while_time_goes_on(client: Any, path: str, *items: dict[str, Any]) -> list[str]:
    statuses = []
    for item in items:
        statuses.append(client.post(path, item).json()["status"])
        client.bench.clock.now += timedelta(minutes=2)
    return statuses


@pytest.mark.parametrize("at", [None, "2026-01-31T12:01:00Z", "2026-01-31T11:00:00Z"])
def test_an_interaction_sent_again_later_is_a_duplicate_with_or_without_a_time(client: Any, at: str | None) -> None:
    item = BOUGHT if at is None else {**BOUGHT, "at": at}
    assert post_while_time_goes_on(client, "/v1/interactions", item, item, item) == ["accepted", "duplicate", "duplicate"]
    ((_, kept),) = client.bench.workspace.journal.interactions_after("ann", 0)
    assert kept.at == min(NOW, NOW if at is None else datetime.fromisoformat(at))


def test_an_interaction_sent_again_with_another_time_is_another_one(client: Any) -> None:
    items = [BOUGHT, {**BOUGHT, "at": "2026-01-31T11:00:00Z"}, {**BOUGHT, "at": "2026-01-31T11:30:00Z"}]
    assert post_while_time_goes_on(client, "/v1/interactions", *items) == ["accepted", "quarantined", "quarantined"]


def test_a_time_written_in_another_zone_is_the_same_time(client: Any) -> None:
    items = [{**BOUGHT, "at": at} for at in ("2026-01-31T11:00:00Z", "2026-01-31T12:00:00+01:00")]
    assert post_while_time_goes_on(client, "/v1/interactions", *items) == ["accepted", "duplicate"]


def test_another_record_of_a_taken_id_that_is_sent_again_is_kept_once(client: Any) -> None:
    other = {**BOUGHT, "value": 51}
    statuses = post_while_time_goes_on(client, "/v1/interactions", BOUGHT, other, other)
    assert statuses == ["accepted", "quarantined", "quarantined"]
    assert len(client.bench.workspace.journal.rows_after("quarantine", 0, 10)) == 1


def test_an_interaction_is_the_same_posted_alone_or_with_a_question(client: Any) -> None:
    client.post("/v1/interactions", BOUGHT)
    client.bench.clock.now += timedelta(minutes=2)
    own = {name: value for name, value in BOUGHT.items() if name != "customer_id"}
    decision_id = client.post("/v1/recommend", {"customer_id": "ann", "interactions": [own]}).json()["decision_id"]
    (taken,) = client.get(f"/v1/decisions/{decision_id}").json()["interactions"]
    assert taken["status"] == "duplicate"


@pytest.mark.parametrize("at", [None, "2026-01-31T12:01:00Z"])
def test_an_outcome_sent_again_later_is_a_duplicate_with_or_without_a_time(client: Any, at: str | None) -> None:
    decision_id = client.post("/v1/recommend", {"customer_id": "ann"}).json()["decision_id"]
    item = {"decision_id": decision_id, "kind": "purchase", "message_id": "o1"} | ({} if at is None else {"at": at})
    assert post_while_time_goes_on(client, "/v1/outcomes", item, item) == ["accepted", "duplicate"]
    assert post_while_time_goes_on(client, "/v1/outcomes", {**item, "value": 1}) == ["quarantined"]
