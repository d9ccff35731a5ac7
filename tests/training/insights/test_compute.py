"""Who is erased while the pages are made is in no file about single customers afterwards."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.lake import SCHEMAS
from features.privacy.erase import erase_customer
from features.settings import load_settings
from features.workspace import Workspace
from training.insights import look_at

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
CATALOGUE = """
currency = "EUR"
[[touchpoints]]
name = "store.checkout"
stage = "purchase"
"""


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "catalogue.toml").write_text(CATALOGUE, encoding="utf-8")
    made = Workspace(load_settings(home=tmp_path))
    rows = [
        {
            "message_id": f"{customer}{day}",
            "customer_id": customer,
            "touchpoint": "store.checkout",
            "channel": "store",
            "kind": "purchase",
            "at": NOW - timedelta(days=day),
            "received_at": NOW - timedelta(days=day),
            "value": 10.0,
            "source": "shop",
            "position": day,
        }
        for customer in ("ann", "bob")
        for day in (1, 8, 40)
    ]
    made.lake.append("interactions", pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"]))
    yield made
    made.journal.close()


def test_who_is_erased_while_the_pages_are_made_is_in_no_file(workspace):
    def erase_ann(message):
        if message.endswith("overview"):  # the last page: ann's segment is known by now
            erase_customer("ann", workspace.places, now=NOW, on_progress=lambda message: None)

    kept = look_at(workspace, now=NOW, on_progress=erase_ann)
    assert kept.of_customer("segments", "bob")
    assert kept.of_customer("segments", "ann") == []
