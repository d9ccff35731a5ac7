"""Opens the lake for analysis: what happened, under whoever its customer is today, with what the catalogue says of the place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from features.catalogue import Catalogue
from features.domain import NONE, UNKNOWN_TOUCHPOINT
from features.identified import NOBODY_LINKED, identified
from features.lake import Lake

_HISTORY = """
create temp view history as
select rows.* exclude (stage), coalesce(rows.stage, said.stage) as stage, epoch_us("at") as moment,
       list_contains({converting}, rows.kind) as converts,
       case when rows.kind = 'contact' then coalesce(said.cost, 0.0) else 0.0 end as cost
from (
    select *, 'seen' as way from interactions
    union all by name from made
    union all by name from told
) as rows left join touchpoints as said using (touchpoint)
"""

_MADE = """
create temp table made as
select 'decision:' || decision_id as message_id, customer_id, touchpoint, split_part(touchpoint, '.', 1) as channel,
       'contact' as kind, "at", received_at, decision_id, source, 'decided' as way
from decisions anti join (select decision_id from interactions where kind = 'contact') as carried_out using (decision_id)
where record is not null and touchpoint <> '{none}' and not coalesce((record ->> '$.deferred')::boolean, false)
"""

_TOLD = """
create temp table told as
select outcomes.message_id, decided.customer_id, touchpoint, split_part(touchpoint, '.', 1) as channel, outcomes.kind,
       outcomes."at", outcomes.received_at, outcomes.value, decision_id, outcomes.source, 'told' as way
from outcomes join (
    select decision_id, customer_id, case when touchpoint = '{none}' then '{unknown}' else touchpoint end as touchpoint
    from decisions
) as decided using (decision_id)
anti join interactions as same on same.message_id = outcomes.message_id
anti join interactions as answer on answer.decision_id = outcomes.decision_id and answer.kind = outcomes.kind
anti join interactions as seen
          on seen.customer_id = decided.customer_id and seen.kind = outcomes.kind and seen."at" = outcomes."at"
anti join made on made.decision_id = outcomes.decision_id and made.kind = outcomes.kind
"""

_NOTHING = "create temp table {table} as select * exclude (position), 'seen' as way from interactions limit 0"


@contextmanager
def open_history(lake: Lake, catalogue: Catalogue, *, members: str = NOBODY_LINKED) -> Iterator[Any]:
    """A DuckDB connection with the views of `identified` and with `history` and `touchpoints`.

    `history` is the interactions, the contacts that the service's decisions made at once, and the outcomes that were told of
    decisions, each once. `way` is `seen`, `decided` or `told`; the place of an outcome is that of its decision. Beside the lake's
    columns there are `stage` (the interaction's own, else its touchpoint's), `moment` (microseconds since 1970), `converts`
    (whether its kind is one of the objective's) and `cost` (money, of contacts).
    `touchpoints` is the catalogue: touchpoint, channel, stage, cost, message_class, recommendable, owner.

    Parameters
    ----------
    members : DuckDB SQL of (identifier, customer_id) as of today; an identifier that is not in it is its own customer.
    """
    with identified(lake, members) as connection:
        known = pa.table(_touchpoints(catalogue), schema=_TOUCHPOINTS)
        connection.register("catalogued", known)
        connection.execute("create temp table touchpoints as from catalogued")
        converting = "[" + ", ".join(f"'{kind.value}'" for kind in catalogue.objective.conversion) + "]"
        _add_what_decisions_tell(connection)
        connection.execute(_HISTORY.format(converting=converting))
        yield connection


def _add_what_decisions_tell(connection: Any) -> None:
    """Tables, and only where there are decisions: to find what is known twice, every interaction has to be looked at."""
    names = {"none": NONE, "unknown": UNKNOWN_TOUCHPOINT}
    for table, rows, query in (("made", "decisions", _MADE), ("told", "outcomes", _TOLD)):
        known = connection.execute(f"select 1 from {rows} limit 1").fetchall()
        connection.execute(query.format(**names) if known else _NOTHING.format(table=table))


_TOUCHPOINTS = pa.schema(
    [
        ("touchpoint", pa.string()),
        ("touchpoint_channel", pa.string()),
        ("stage", pa.string()),
        ("cost", pa.float64()),
        ("message_class", pa.string()),
        ("recommendable", pa.bool_()),
        ("owner", pa.string()),
    ]
)


def _touchpoints(catalogue: Catalogue) -> dict[str, list[Any]]:
    touchpoints = catalogue.touchpoints
    return {
        "touchpoint": [each.name for each in touchpoints],
        "touchpoint_channel": [each.channel.value for each in touchpoints],
        "stage": [each.stage.value for each in touchpoints],
        "cost": [each.cost for each in touchpoints],
        "message_class": [each.message_class for each in touchpoints],
        "recommendable": [each.recommendable for each in touchpoints],
        "owner": [each.owner for each in touchpoints],
    }
