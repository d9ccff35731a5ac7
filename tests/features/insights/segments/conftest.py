"""Small histories, told as (customer, day, what): a contact, a purchase of so much money, or any other kind at a touchpoint."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.catalogue import Catalogue
from features.insights.history import open_history
from features.instants import microseconds
from features.lake import SCHEMAS, Lake

START = datetime(2026, 1, 1, tzinfo=UTC)
CATALOGUE = Catalogue.model_validate(
    {
        "objective": {"churn_days": 30, "margin": 0.5},
        "touchpoints": [
            {"name": "store.checkout", "stage": "purchase", "message_class": "transactional"},
            {"name": "mail.offer", "stage": "retention", "recommendable": True, "cost": 2.0},
        ],
    }
)


def moment(day):
    """Microseconds since 1970 of so many days after the start."""
    return microseconds(START + timedelta(days=day))


def rows_of(told):
    """(customer, day, kind or value, touchpoint) as rows of the lake; a number is a purchase of so much."""
    rows = []
    for number, (customer, day, what, *place) in enumerate(told):
        bought = not isinstance(what, str)
        kind, _, money = ("purchase", "", what) if bought else what.partition(" ")
        touchpoint = place[0] if place else {"purchase": "store.checkout", "contact": "mail.offer"}.get(kind, "web.product_page")
        at = START + timedelta(days=day)
        known = {"message_id": f"m{number}", "customer_id": customer, "touchpoint": touchpoint, "kind": kind}
        known |= {"channel": touchpoint.split(".")[0], "at": at, "received_at": at, "source": "test"}
        rows.append(known | {"value": float(money) if money != "" and money is not None else None})
    return pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"])


@pytest.fixture
def history(tmp_path):
    """Opens a told history."""
    with ExitStack() as stack:

        def opened(told, *, members=None):
            lake = Lake(tmp_path / "lake")
            if told:
                lake.append("interactions", rows_of(told))
            given = {} if members is None else {"members": members}
            return stack.enter_context(open_history(lake, CATALOGUE, **given))

        yield opened


@pytest.fixture
def at():
    """Microseconds since 1970 of so many days after the start of told histories."""
    return moment
