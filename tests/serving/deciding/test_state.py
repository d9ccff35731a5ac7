"""What is known of a customer, when the feature store is there and when it is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from features.settings import load_settings
from features.store import FeatureStore
from serving.assembly import assemble
from serving.deciding.compose import Question

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_while_the_feature_store_does_not_answer_customers_count_as_unknown(bench: Any, tmp_path: Path, catalogue: Any) -> None:
    assert bench.assembly.is_store_loaded()
    bench.workspace.store = FeatureStore(load_settings(home=tmp_path / "empty"), catalogue)
    assembly = assemble(bench.workspace)
    assembly.live.current = bench.assembly.live.current
    assert not assembly.is_store_loaded()
    record = assembly.decider.decide(Question(decision_id="d1", customer_id="ann"), now=NOW)
    assert (record.fallback, record.features.status, record.policy.version) == ("features_unavailable", "missing", "1")


def test_values_are_told_however_old_they_are(bench: Any) -> None:
    known = bench.assembly.reader.values(["ann"], at=NOW + timedelta(days=900))
    assert known is not None and known["kind_purchase_lifetime_count"] == 2
    assert bench.assembly.reader.values(["nobody"], at=NOW) is None
