import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.lake import SCHEMAS, Lake

MONDAY = datetime(2024, 3, 4, 12, tzinfo=UTC)


class Shop:
    """A lake that tests fill with what a service would have recorded."""

    start = MONDAY

    def __init__(self, path):
        self.lake = Lake(path)

    @staticmethod
    def catalogue(*, holdout=0.5, objective=None, guardrails=None, **experiment):
        mail = {"name": "mail.offer", "stage": "purchase", "recommendable": True, "cost": 1.0}
        coupon = {"name": "email.coupon", "stage": "purchase", "recommendable": True, "incentive": 2.0, "discount": 0.1}
        given = {"touchpoints": [mail, coupon], "holdout": {"share": holdout}, "experiment": experiment}
        given |= {} if guardrails is None else {"guardrails": guardrails}
        return parse_catalogue(given | {"objective": {"window_days": 10, "margin": 0.5} | (objective or {})})

    @staticmethod
    def day(number):
        return MONDAY + timedelta(days=number)

    def add(self, table, *rows):
        filled = [{**dict.fromkeys(SCHEMAS[table].names), "source": "test", **row} for row in rows]
        self.lake.append(table, pa.Table.from_pylist(filled, schema=SCHEMAS[table]))

    def decision(self, name, customer, day, touchpoint="none", *, arm="treatment", version="1", **record):
        told = {"arm": arm, "deferred": False, "policy": {"name": "p", "version": version}} | record
        at = self.day(day)
        return {
            "decision_id": name,
            "customer_id": customer,
            "touchpoint": touchpoint,
            "at": at,
            "received_at": at,
            "record": json.dumps(told),
        }

    def event(self, customer, day, kind="purchase", value=None, **given):
        at = self.day(day)
        name = f"{customer}/{kind}/{day}"
        row = {"message_id": name, "customer_id": customer, "touchpoint": "web.cart", "kind": kind, "at": at, "received_at": at}
        return {**row, "value": value, **given}

    def outcome(self, decision_id, day, kind="purchase", value=None):
        at = self.day(day)
        name = f"{decision_id}/{kind}/{day}"
        return {"message_id": name, "decision_id": decision_id, "kind": kind, "at": at, "received_at": at, "value": value}


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path / "lake")
