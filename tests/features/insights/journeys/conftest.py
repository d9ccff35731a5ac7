from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.identified import NOBODY_LINKED
from features.insights.history import open_history
from features.insights.journeys.flows import CURRENT
from features.insights.journeys.steps import cut_into_steps, gather_journeys
from features.insights.journeys.window import JourneyWindow
from features.insights.look import NO_SEGMENTS, Look
from features.insights.period import Period
from features.lake import SCHEMAS, Lake

START = datetime(2024, 3, 4, 12, tzinfo=UTC)
TOUCHPOINTS = {
    "ads.banner": "awareness",
    "web.home": "consideration",
    "web.product": "consideration",
    "web.help": "consideration",
    "web.cart": "purchase",
    "store.checkout": "purchase",
    "email.news": "retention",
    "email.offer": "retention",
}


class Lived:
    """A lake that tests fill with what customers lived through: `lived.by("ann", (0, "web.home", "view"), …)`, days and all."""

    day = timedelta(days=1)

    def __init__(self, path):
        self.lake = Lake(path)
        self._count, self._rows = 0, []

    def by(self, customer, *events):
        """Each event is (day, touchpoint, kind) or (day, touchpoint, kind, {column: value})."""
        for event in events:
            days, touchpoint, kind, *more = event
            self._count += 1
            at = START + days * self.day
            row = dict.fromkeys(SCHEMAS["interactions"].names) | {
                "message_id": f"m{self._count:06}", "customer_id": customer, "touchpoint": touchpoint, "kind": kind,
                "at": at, "received_at": at, "source": "test",
            }  # fmt: skip
            self._rows.append(row | (more[0] if more else {}))
        return self

    def kept(self):
        if self._rows:
            self.lake.append("interactions", pa.Table.from_pylist(self._rows, schema=SCHEMAS["interactions"]))
            self._rows.clear()
        return self.lake

    def look(self, *, days=100.0, until=100.0, known=None, gap=30.0, back=90.0, small_count=0, **given):
        """By default of days 0 to 100, with everything known that happened until day 200."""
        touchpoints = [{"name": name, "stage": stage} for name, stage in TOUCHPOINTS.items()]
        insights = {"journey_gap_days": gap, "attribution_days": back, "small_count": small_count}
        end = START + until * self.day
        return Look(
            lake=self.kept(),
            catalogue=parse_catalogue({"touchpoints": touchpoints, "insights": insights}),
            period=Period(end - days * self.day, end),
            now=end,
            known_until=START + (200.0 if known is None else known) * self.day,
            **({"members": NOBODY_LINKED, "segments": NO_SEGMENTS} | given),
        )

    @contextmanager
    def journeys(self, **given):
        """A connection with the tables of journeys."""
        look = self.look(**given)
        with open_history(look.lake, look.catalogue, members=look.members) as connection:
            cut_into_steps(connection, JourneyWindow.of(look))
            gather_journeys(connection)
            yield connection

    def told(self, **given):
        """The journeys of the period as (steps in words, converted), by when they began; steps as `web.home view` or `… x3`."""
        with self.journeys(**given) as connection:
            rows = connection.execute(f"""
                select list(touchpoint || ' ' || kind || case when times > 1 then ' x' || times else '' end order by number desc),
                       any_value(steps.converted)
                from steps join places using (place) where {CURRENT} group by journey order by min(arrived), journey
            """).fetchall()
        return [(tuple(steps), converted) for steps, converted in rows]


@pytest.fixture
def lived(tmp_path):
    return Lived(tmp_path / "lake")


@pytest.fixture(scope="session")
def new_life(tmp_path_factory):
    """Makes another such lake, as often as it is called."""
    return lambda: Lived(tmp_path_factory.mktemp("life") / "lake")
