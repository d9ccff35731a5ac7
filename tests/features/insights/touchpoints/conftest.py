from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.insights.history import open_history
from features.insights.look import NO_SEGMENTS, Look
from features.insights.period import Period
from features.insights.touchpoints.estimates import estimates
from features.insights.touchpoints.events import create_events
from features.insights.touchpoints.measures import MEASURES
from features.insights.touchpoints.measuring import EVERYTHING, measured
from features.lake import SCHEMAS, Lake

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


class Brand:
    """A lake that tests fill; day 0 is a Monday."""

    def __init__(self, path):
        self.lake = Lake(path)
        self.count, self.kept = 0, {}

    @staticmethod
    def catalogue(*, objective=None, **insights):
        touchpoints = [
            {"name": "ads.banner", "stage": "awareness"},
            {"name": "web.page", "stage": "consideration"},
            {"name": "store.checkout", "stage": "purchase"},
            {"name": "mail.offer", "stage": "retention", "recommendable": True, "cost": 1.0},
            {"name": "email.coupon", "stage": "retention", "recommendable": True, "cost": 0.5, "incentive": 2.0, "discount": 0.1},
            {"name": "call.service", "stage": "retention"},
        ]
        objective = {"window_days": 10, "margin": 0.5, "churn_days": 28} | (objective or {})
        return parse_catalogue({"touchpoints": touchpoints, "objective": objective, "insights": {"small_count": 0} | insights})

    @staticmethod
    def day(number):
        return MONDAY + timedelta(days=number)

    def event(self, customer, touchpoint, kind, day, **given):
        self.count += 1
        row = {"message_id": f"m{self.count}", "customer_id": customer, "touchpoint": touchpoint, "kind": kind}
        row |= {"channel": touchpoint.partition(".")[0], "at": self.day(day), "received_at": self.day(day), "source": "test"}
        return row | given

    def add(self, *rows):
        filled = [dict.fromkeys(SCHEMAS["interactions"].names) | row for row in rows]
        self.lake.append("interactions", pa.Table.from_pylist(filled, schema=SCHEMAS["interactions"]))

    def look(self, *, days=60, since=0, known=200, catalogue=None, segments=NO_SEGMENTS, **given):
        return Look(
            lake=self.lake,
            catalogue=catalogue or self.catalogue(),
            period=Period(self.day(since), self.day(since + days)),
            now=self.day(known),
            known_until=self.day(known),
            segments=segments,
            **given,
        )

    def measured(self, grouping=EVERYTHING, **given):
        """What is measured by a grouping, with `known` and the like; kept as long as the lake stays as it is."""
        asked = (self.lake.version("interactions"), grouping, repr(given))
        if asked not in self.kept:
            look = self.look(**given)
            with open_history(look.lake, look.catalogue, members=look.members) as connection:
                create_events(connection, look)
                self.kept[asked] = measured(connection, grouping, MEASURES, look.period)
        return self.kept[asked]

    def estimates(self, name, grouping=EVERYTHING, **given):
        """Key -> estimate of one measure."""
        found = self.measured(grouping, **given)
        measure = next(each for each in MEASURES if each.name == name)
        return dict(zip(found.keys, estimates(measure, found.sums[name], small_count=0), strict=True))

    def estimate(self, name, **given):
        """The estimate of one measure over everything."""
        return self.estimates(name, **given)[()]


@pytest.fixture
def brand(tmp_path):
    return Brand(tmp_path / "lake")


@pytest.fixture(scope="module")
def kept_brand(tmp_path_factory):
    """One for several tests, which only read it."""
    return Brand(tmp_path_factory.mktemp("brand") / "lake")
