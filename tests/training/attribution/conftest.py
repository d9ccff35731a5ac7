import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.insights.look import Look
from features.insights.period import Period
from features.lake import SCHEMAS, Lake

START = datetime(2024, 3, 4, tzinfo=UTC)


class Story:
    """A lake that tests fill day by day; the period is day 0 to day 30, and what happened is known up to day 40."""

    def __init__(self, path):
        self.lake = Lake(path)
        self.number = 0

    @staticmethod
    def catalogue(**given):
        mail = {"name": "mail.offer", "stage": "purchase", "recommendable": True, "cost": 2.0}
        email = {"name": "email.news", "stage": "consideration", "recommendable": True, "cost": 0.5}
        page = {"name": "web.page", "stage": "consideration"}
        insights = {"attribution_days": 10, "half_life_days": 7}
        objective = {"window_days": 7, "margin": 0.5}
        return parse_catalogue({"touchpoints": [mail, email, page], "insights": insights, "objective": objective} | given)

    def look(self, **given):
        period = Period(self.day(0), self.day(30))
        told = {"catalogue": self.catalogue(), "period": period, "now": self.day(40), "known_until": self.day(40)}
        return Look(lake=self.lake, **(told | given))

    @staticmethod
    def day(number):
        return START + timedelta(days=number)

    def add(self, table, *rows):
        filled = [{**dict.fromkeys(SCHEMAS[table].names), "source": "test", **row} for row in rows]
        self.lake.append(table, pa.Table.from_pylist(filled, schema=SCHEMAS[table]))

    def event(self, customer, day, touchpoint="web.page", kind="view", value=None, **given):
        self.number += 1
        at = self.day(day)
        told = {"customer_id": customer, "touchpoint": touchpoint, "kind": kind, "at": at, "received_at": at, "value": value}
        return {"message_id": f"m{self.number}", **told, **given}

    def purchase(self, customer, day, value=10.0, **given):
        return self.event(customer, day, "store.checkout", "purchase", value, **given)

    def decision(self, name, customer, day, touchpoint, *, chances=None, probability=None, candidates=None, **record):
        """With `chances` the service's own, which has a record; else an imported one."""
        at = self.day(day)
        told = None
        if chances is not None:
            told = json.dumps({"candidates": [{"touchpoint": n, "probability": p} for n, p in chances.items()], **record})
        row = {"decision_id": name, "customer_id": customer, "touchpoint": touchpoint, "at": at, "received_at": at}
        return {**row, "probability": probability, "candidates": candidates, "record": told}

    def outcome(self, decision_id, day, kind="purchase", value=None):
        self.number += 1
        at = self.day(day)
        told = {"decision_id": decision_id, "kind": kind, "at": at, "received_at": at, "value": value}
        return {"message_id": f"m{self.number}", **told}


@pytest.fixture
def story(tmp_path):
    return Story(tmp_path / "lake")
