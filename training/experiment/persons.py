"""What every customer did in the period of an experiment, by the arm that they were assigned to.

Everybody counts with whom the service had to do in the period, that is, for whom a decision was recorded: those of the holdout
too, for whom the decision is always for `none`. They count in the arm that they were assigned to, whatever they got (intention to
treat). Customers whom nobody asked about can have been changed by nothing, and would but dilute what is looked for.

What a customer did counts from their first decision in the period on. What they did before the first decision ever, which no
touchpoint can have changed, is what the comparison is corrected by.
"""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.experiment import arm_of, chances, drawing
from features.identified import NOBODY_LINKED, identified
from features.instants import DAY, microseconds
from features.lake import Lake
from training.experiment.measures import Measure
from training.join import Floats, Ints, Strings, floats, ints, strings


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonOutcomes:
    """n customers.

    Attributes
    ----------
    customer_id : who they are today.
    arm : shape (n,), of `Arm`.
    weight : shape (n,), 1 over the chance that this customer had to be in that arm: who has several customer_ids is likelier to
        be in a strict one. Within an arm all are equal where everybody has one.
    names : shape (n,), how many identifiers drew.
    decisions : shape (n,), in the period.
    days : shape (n,), from the first of these to the period's end.
    during : shape (n, 4), what each did since then, a column per `Measure`: profit; the others 0 or 1.
    before : shape (n, 4), the same of as many days before their first decision ever.
    crossed : shape (n,), whether some decision in the period was taken for another arm than today's, as before a merge.
    """

    customer_id: Strings
    arm: Strings
    weight: Floats
    names: Ints
    decisions: Ints
    days: Floats
    during: Floats
    before: Floats
    crossed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.arm)

    def where(self, rows: NDArray[np.bool_]) -> "PersonOutcomes":
        """The customers of a mask."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def of(self, measure: Measure) -> tuple[Floats, Floats]:
        """Shape (n,) both: a measure in the period, and before."""
        column = list(Measure).index(measure)
        return self.during[:, column], self.before[:, column]


def persons(
    lake: Lake, catalogue: Catalogue, *, since: datetime, until: datetime, members: str = NOBODY_LINKED
) -> PersonOutcomes:
    """Everybody for whom a decision was recorded in [since, until), and what they did up to `until`.

    Profit is value x margin of what they bought, less the cost of contacts carried out, less what a purchase within the outcome
    window of a contact was given by the last one before it, less the cost of unsubscribing. What is lost later on is not in it.

    Parameters
    ----------
    members : DuckDB SQL of (identifier, customer_id) as of today; an identifier that is not in it is its own customer.
    """
    objective = catalogue.objective
    parameters = {
        "since": microseconds(since),
        "until": microseconds(until),
        "window": round(objective.window_days * DAY),
        "kinds": [str(kind) for kind in objective.conversion],
    }
    with identified(lake, members) as connection:
        connection.register("prices", _prices(catalogue))
        rows = connection.sql(_PERSONS, params=parameters).to_arrow_table()
    return _assigned(rows, catalogue, days=(until - since).total_seconds() / 86_400)


def first_decision(lake: Lake) -> datetime | None:
    """When the service's first recorded decision was taken; before it, nothing can have changed who comes."""
    with identified(lake) as connection:
        found: datetime | None = connection.sql('select min("at") from decisions where record is not null').fetchall()[0][0]
        return found


def recorded_after(lake: Lake, until: datetime) -> str:
    """How many decisions the service recorded from `until` on, and what makes them count; empty where there are none."""
    with identified(lake) as connection:
        query = 'select count(*) from decisions where record is not null and epoch_us("at") >= $until'
        count: int = connection.sql(query, params={"until": microseconds(until)}).fetchall()[0][0]
    if not count:
        return ""
    said = f"{count:,} decisions were recorded after" if count > 1 else "1 decision was recorded after"
    return f"{said} {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC, up to which history is known; run 'touchpoint materialize'"


def _assigned(rows: pa.Table, catalogue: Catalogue, *, days: float) -> PersonOutcomes:
    types = catalogue.identifier_types
    identifiers = rows["identifiers"].to_pylist()
    arms = [arm_of(each, catalogue) for each in identifiers]
    names = [len(drawing(each, types)) for each in identifiers]
    likely = {count: chances(count, catalogue) for count in set(names)}
    told = rows["arms"].to_pylist()
    return PersonOutcomes(
        customer_id=strings(rows, "customer_id"),
        arm=np.array(arms, dtype=object),
        weight=np.array([1.0 / likely[count][arm] for count, arm in zip(names, arms, strict=True)]),
        names=np.array(names, dtype=np.int64),
        decisions=ints(rows, "decisions"),
        days=ints(rows, "exposed") / DAY,
        during=_figures(rows, "during", catalogue, days=days),
        before=_figures(rows, "before", catalogue, days=days),
        crossed=np.array([any(one != arm for one in each) for each, arm in zip(told, arms, strict=True)], dtype=bool),
    )


def _figures(rows: pa.Table, when: str, catalogue: Catalogue, *, days: float) -> Floats:
    """A column per `Measure`; the cap on a window's value grows with the number of windows."""
    objective = catalogue.objective
    spent, unsubscribed = floats(rows, f"spent_{when}"), floats(rows, f"unsubscribed_{when}")
    if objective.value_cap is not None:
        spent = np.minimum(spent, objective.value_cap * max(days / objective.window_days, 1.0))
    costs = floats(rows, "contact_costs") + floats(rows, "given") if when == "during" else np.zeros(len(spent))
    profit = objective.margin * spent - costs - objective.unsubscribe_cost * unsubscribed
    return np.column_stack([profit, floats(rows, f"converted_{when}"), unsubscribed, floats(rows, f"complained_{when}")])


def _prices(catalogue: Catalogue) -> pa.Table:
    priced = catalogue.recommendable
    columns = {name: [float(getattr(each, name)) for each in priced] for name in ("cost", "incentive", "discount")}
    return pa.table({"touchpoint": pa.array([each.name for each in priced], pa.string())} | columns)


_PERSONS = """
with made as (
    select decision_id, customer_id, moment, touchpoint, told.arm as arm, coalesce(told.deferred, false) as deferred
    from (select *, epoch_us("at") as moment, from_json(record, '{"arm": "VARCHAR", "deferred": "BOOLEAN"}') as told
          from decisions where record is not null)
    where moment < $until
), entered as (
    select customer_id, min(moment) as first_ever, min(moment) filter (moment >= $since) as first_here,
           count(*) filter (moment >= $since) as decisions,
           coalesce(list_distinct(list(arm) filter (moment >= $since)), []) as arms
    from made group by customer_id having first_here is not null
), done as (
    select customer_id, 'seen' as way, epoch_us("at") as moment, kind, value from interactions
    union all
    select customer_id, 'told' as way, epoch_us(outcomes."at") as moment, kind, value from outcomes join made using (decision_id)
    union all
    select customer_id, 'seen' as way, epoch_us("at") as moment, 'unsubscribe' as kind, null as value from consents
    where status in ('denied', 'withdrawn')
), phased as (
    select customer_id, way, done.moment, list_contains($kinds, kind) as converts, kind, coalesce(value, 0) as value,
           done.moment > first_here as here
    from done join entered using (customer_id)
    where (list_contains($kinds, kind) or kind in ('unsubscribe', 'complaint'))
          and (done.moment > first_here and done.moment <= $until
               or done.moment <= first_ever and done.moment > first_ever - ($until - first_here))
), sums as (
    select customer_id, way, here, sum(value) filter (converts) as spent, bool_or(converts) as converted,
           bool_or(kind = 'unsubscribe') as unsubscribed, bool_or(kind = 'complaint') as complained
    from phased group by all
), figures as (  -- a purchase may arrive both ways, so the larger of the two sums counts, never both
    select customer_id, here, max(coalesce(spent, 0)) as spent, bool_or(converted) as converted,
           bool_or(unsubscribed) as unsubscribed, bool_or(complained) as complained,
           arg_max(way, (coalesce(spent, 0), way)) as way
    from sums group by customer_id, here
), carried as (
    select decision_id from interactions where kind = 'contact' union select decision_id from outcomes where kind = 'contact'
), contacts as (
    select made.customer_id, moment, cost, incentive, discount
    from made join prices using (touchpoint) left join carried using (decision_id)
    where not deferred or carried.decision_id is not null
), costs as (
    select customer_id, sum(cost) as contact_costs from contacts where moment >= $since group by customer_id
), purchases as (  -- what is bought at one moment is one purchase, however many rows tell of it
    select customer_id, way, here, moment, sum(value) as value from phased where here and converts group by all
), bought as (  -- every purchase with the last contact before it
    select purchases.customer_id, arg_max(incentive + discount * value, contacts.moment) as given
    from purchases join figures using (customer_id, here, way) join contacts using (customer_id)
    where contacts.moment < purchases.moment and contacts.moment >= purchases.moment - $window
    group by purchases.customer_id, purchases.moment
), gifts as (
    select customer_id, sum(given) as given from bought group by customer_id
), named as (
    select entered.customer_id, list_sort(list_distinct(list(members.identifier) || [entered.customer_id])) as identifiers
    from entered left join members using (customer_id) group by entered.customer_id
)
select entered.customer_id, list_filter(identifiers, lambda each: each is not null) as identifiers, decisions, arms,
       $until - first_here as exposed,
       coalesce(during.spent, 0) as spent_during, coalesce(before.spent, 0) as spent_before,
       coalesce(during.converted, false) as converted_during, coalesce(before.converted, false) as converted_before,
       coalesce(during.unsubscribed, false) as unsubscribed_during, coalesce(before.unsubscribed, false) as unsubscribed_before,
       coalesce(during.complained, false) as complained_during, coalesce(before.complained, false) as complained_before,
       coalesce(contact_costs, 0) as contact_costs, coalesce(given, 0) as given
from entered join named using (customer_id)
left join (from figures where here) as during using (customer_id)
left join (from figures where not here) as before using (customer_id)
left join costs using (customer_id) left join gifts using (customer_id)
order by entered.customer_id
"""
