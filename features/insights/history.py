"""Opens the lake for analysis: every row under whoever its customer is today, with what the catalogue says of its touchpoint."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from features.catalogue import Catalogue
from features.identified import NOBODY_LINKED, identified
from features.lake import Lake

_HISTORY = """
create temp view history as
select rows.* exclude (stage), coalesce(rows.stage, said.stage) as stage, epoch_us("at") as moment,
       list_contains({converting}, rows.kind) as converts,
       case when rows.kind = 'contact' then coalesce(said.cost, 0.0) else 0.0 end as cost
from interactions as rows left join touchpoints as said using (touchpoint)
"""


@contextmanager
def open_history(lake: Lake, catalogue: Catalogue, *, members: str = NOBODY_LINKED) -> Iterator[Any]:
    """A DuckDB connection with the views of `identified` and with `history` and `touchpoints`.

    `history` is the interactions with, beside the lake's columns, `stage` (the interaction's own, else its touchpoint's),
    `moment` (microseconds since 1970), `converts` (whether its kind is one of the objective's) and `cost` (money, of contacts).
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
        connection.execute(_HISTORY.format(converting=converting))
        yield connection


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
