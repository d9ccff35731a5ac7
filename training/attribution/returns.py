"""What touchpoints cost, and what comes back by each model: (money credited x margin - cost) / cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from features.catalogue import Catalogue
from training.attribution.happened import Happened
from training.attribution.lift import Lift
from training.attribution.models import SHOWN, Attributed

RANDOMIZED = "randomized"
"""Stands where a model stands, for what was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """Of one touchpoint by one model; money of the period, with 95 % intervals where these are known.

    Attributes
    ----------
    value : money credited, or really added.
    """

    touchpoint: str
    model: str
    contacts: float
    cost: float
    value: float
    value_low: float | None
    value_high: float | None
    margin: float

    @property
    def rate(self) -> float | None:
        """What comes back for one unit of money beyond that unit; None where nothing was paid."""
        return self.of(self.value)

    def of(self, value: float | None) -> float | None:
        """The rate if the money were another."""
        return (value * self.margin - self.cost) / self.cost if value is not None and self.cost > 0.0 else None


def contacts_of(past: Happened) -> dict[str, float]:
    """Contacts of the period, by touchpoint."""
    rows = past.connection.execute(_CONTACTS, {"since": past.since, "until": past.until}).fetchall()
    return {name: count / past.share for name, count in rows}


_CONTACTS = """
select touchpoint, count(*) from touches where kind = 'contact' and moment >= $since and moment < $until
group by touchpoint order by touchpoint
"""


def returns(
    attributed: Sequence[Attributed],
    names: Sequence[str],
    lifts: Sequence[Lift],
    contacts: Mapping[str, float],
    catalogue: Catalogue,
) -> tuple[Return, ...]:
    """By touchpoint with contacts, the dearest first: what every model of the figures credits, and what was measured."""
    rows = []
    for name, count in contacts.items():
        touchpoint = catalogue.touchpoint(name)
        cost = count * (touchpoint.cost if touchpoint else 0.0)
        found = [*_credited(name, attributed, names), *_measured(name, count, lifts)]
        rows += [
            Return(
                touchpoint=name,
                model=model,
                contacts=count,
                cost=cost,
                value=value,
                value_low=low,
                value_high=high,
                margin=catalogue.objective.margin,
            )
            for model, value, low, high in found
        ]
    return tuple(sorted(rows, key=lambda each: (-each.cost, each.touchpoint)))


_Valued = tuple[str, float, float | None, float | None]


def _credited(name: str, attributed: Sequence[Attributed], names: Sequence[str]) -> Iterator[_Valued]:
    if name not in names:
        return
    place = list(names).index(name)
    for each in attributed:
        if each.credit.model in SHOWN:
            ends = (None, None) if each.interval is None else (each.interval.value_low[place], each.interval.value_high[place])
            low, high = (None if end is None else float(end) for end in ends)
            yield each.credit.model, float(each.credit.values[place]), low, high


def _measured(name: str, contacts: float, lifts: Sequence[Lift]) -> Iterator[_Valued]:
    for lift in lifts:
        if lift.touchpoint == name:
            value = lift.value
            yield RANDOMIZED, value.value * contacts, value.low * contacts, value.high * contacts
