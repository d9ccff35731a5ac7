"""All measures of a grouping as tables: one row per group to compare, and one row per group and measure with its interval."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.insights.intervals import wilson
from features.insights.table import Column, Table, Unit, Value
from features.insights.touchpoints.estimates import Estimate, estimates
from features.insights.touchpoints.measure import Measure
from features.insights.touchpoints.measuring import Measured

TITLES = {"touchpoint": "Touchpoint", "channel": "Channel", "stage": "Stage", "segment": "Segment", "week": "Week from"}
MOST_ROWS = 5_000
"""Of a table; larger ones keep the groups with the most interactions, and say so."""

_COUNTS = (
    Column(
        "volume", "Interactions", Unit.COUNT, "All interactions in the period, but those of kind profile, which only tell traits."
    ),
    Column("contacts", "Contacts", Unit.COUNT, "Interactions of kind contact: the brand reached out."),
    Column(
        "customers", "Customers", Unit.COUNT, "Different customers with any interaction here in the period, contacts included."
    ),
    Column("reach", "Reach", Unit.SHARE, "Customers here over all customers with any interaction in the period."),
    Column("reach_low", "Reach, low", Unit.SHARE, "Lower end of the 95 % interval (Wilson)."),
    Column("reach_high", "Reach, high", Unit.SHARE, "Upper end of the 95 % interval (Wilson)."),
)
_MONEY = (
    Column(
        "cost", "Cost of contacts", Unit.MONEY, "Contacts in the period x the catalogue's cost; without incentives and discounts."
    ),
    Column(
        "booked", "Value booked here", Unit.MONEY, "Value of the conversions that happened here in the period; refunds stay in."
    ),
)
_DETAILS = (
    Column("measure", "Measure"),
    Column("n", "Out of", Unit.COUNT, "What the value is out of, in what the next column counts."),
    Column("counted", "Counted"),
)


@dataclass(frozen=True, slots=True)
class Board:
    """A grouping's measures.

    Attributes
    ----------
    estimates : by the name of the measure, one per group.
    """

    measured: Measured
    measures: tuple[Measure, ...]
    estimates: Mapping[str, tuple[Estimate, ...]]
    active: int

    @classmethod
    def of(cls, measured: Measured, measures: Sequence[Measure], *, active: int, small_count: int) -> "Board":
        """Estimate everything; groups of two columns are alike where the first one is.

        Parameters
        ----------
        active : customers with any interaction in the period.
        """
        like = [key[0] for key in measured.keys] if len(measured.grouping.columns) > 1 else None
        found = {
            each.name: estimates(each, measured.sums[each.name], small_count=small_count, like=like)
            for each in measures
            if each.name in measured.sums
        }
        return cls(measured, tuple(each for each in measures if each.name in found), found, active)

    def measure(self, name: str) -> Measure | None:
        """The measure of that name; None where nothing is known of it."""
        return next((each for each in self.measures if each.name == name), None)

    def detail(self, measure: Measure) -> Table:
        """A row per group of which the measure is known, with its interval."""
        columns = [*self._keys, Column("n", measure.counted.capitalize(), Unit.COUNT, "What the value is out of.")]
        columns += interval_columns("value", measure.title, measure.unit, measure.explains)
        records = (key | _told(estimate) for key, estimate in zip(self._records(), self.estimates[measure.name], strict=True))
        known = [record for record in records if record["value"] is not None]
        name, title = f"{measure.name}_by_{self.measured.grouping.name}", f"{measure.title} by {self._title}"
        return _cut(Table.of(name, title, columns, known, note=SHRUNK_NOTE))

    @property
    def overview(self) -> Table:
        """A row per group, a column per measure."""
        columns = [
            *self._keys,
            *_COUNTS,
            *(Column(each.name, each.title, each.unit, each.explains) for each in self.measures),
            *_MONEY,
        ]
        measured, active = self.measured, float(max(self.active, 1))
        reach = measured.customers / active
        shares = {
            "reach": reach,
            **dict(zip(("reach_low", "reach_high"), wilson(reach, np.full(len(reach), active)), strict=True)),
        }
        records = self._records()
        for row, record in enumerate(records):
            record |= {name: int(getattr(measured, name)[row]) for name in ("volume", "contacts", "customers")}
            record |= {name: float(values[row]) for name, values in shares.items()}
            record |= {name: float(getattr(measured, name)[row]) for name in ("cost", "booked")}
            record |= {each.name: self.estimates[each.name][row].value for each in self.measures}
        note = "Intervals, counts and unshrunk values of the measures are in the tables of shares and of means."
        return _cut(Table.of(f"by_{measured.grouping.name}", f"By {self._title}", columns, records, note=note))

    @property
    def shares(self) -> Table:
        """A row per group and measure that is a share."""
        return self._details("shares", Unit.SHARE, [each for each in self.measures if each.is_share])

    @property
    def means(self) -> Table:
        """A row per group and measure that is no share."""
        return self._details("means", Unit.NUMBER, [each for each in self.measures if not each.is_share])

    @property
    def tables(self) -> tuple[Table, ...]:
        """All that have rows."""
        return tuple(table for table in (self.overview, self.shares, self.means) if table.rows)

    def _details(self, kind: str, unit: Unit, measures: Sequence[Measure]) -> Table:
        columns = [*self._keys, *_DETAILS, *interval_columns("value", "Value", unit)]
        name, title = f"{kind}_by_{self.measured.grouping.name}", f"{kind.capitalize()} by {self._title}, with intervals"
        return _cut(Table.of(name, title, columns, self._detail_records(measures), note=SHRUNK_NOTE))

    def _detail_records(self, measures: Sequence[Measure]) -> Iterator[dict[str, Value]]:
        keys = self._records()
        for measure in measures:
            about: dict[str, Value] = {"measure": measure.title, "counted": measure.counted}
            for key, estimate in zip(keys, self.estimates[measure.name], strict=True):
                if estimate.value is not None:
                    yield key | about | _told(estimate)

    def _records(self) -> list[dict[str, Value]]:
        columns = self.measured.grouping.columns
        return [dict(zip(columns, key, strict=True)) for key in self.measured.keys]

    @property
    def _keys(self) -> list[Column]:
        return [Column(name, TITLES[name]) for name in self.measured.grouping.columns]

    @property
    def _title(self) -> str:
        return self.measured.grouping.name.replace("_", " ")


SHRUNK_NOTE = (
    "Intervals are 95 %. Where fewer are counted than the catalogue's insights.small_count, value and interval are drawn to the "
    "mean of their like (empirical Bayes); 'unshrunk' has the plain value."
)


def interval_columns(name: str, title: str, unit: Unit, explains: str = "") -> tuple[Column, ...]:
    """The columns of a value with its interval, its plain value and whether it is shrunk, but not of its count."""
    return (
        Column(name, title, unit, explains),
        Column(f"{name}_low", f"{title}, low", unit, "Lower end of the 95 % interval."),
        Column(f"{name}_high", f"{title}, high", unit, "Upper end of the 95 % interval."),
        Column(f"{name}_raw", f"{title}, unshrunk", unit, "Before small counts were drawn to the mean of their like."),
        Column(
            f"{name}_shrunk",
            "Shrunk",
            Unit.YES_NO,
            "Whether so few were counted that the value is drawn to the mean of its like.",
        ),
    )


def _told(estimate: Estimate) -> dict[str, Value]:
    ends: dict[str, Value] = {"value": estimate.value, "value_low": estimate.low, "value_high": estimate.high}
    return ends | {"value_raw": estimate.raw, "value_shrunk": estimate.shrunk, "n": estimate.n}


def _cut(table: Table) -> Table:
    if len(table.rows) <= MOST_ROWS:
        return table
    note = f"Only the first {MOST_ROWS:,} of {len(table.rows):,} rows. {table.note}"
    return Table(name=table.name, title=table.title, columns=table.columns, rows=table.rows[:MOST_ROWS], note=note)
