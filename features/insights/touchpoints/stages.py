"""Whether customers go on from a touchpoint: to the next stage, to a conversion, or not at all."""

from features.insights.table import Unit
from features.insights.touchpoints.measure import Measure

# The customer's first interaction here; of several at the same time, the one at the earliest stage
FIRST = "moment * 8 + coalesce(stage_rank, 0)"
_ON = "closed and moved_on is not null"

CONVERSION = Measure(
    name="conversion",
    title="Conversion",
    explains="Customers with a conversion within the outcome window after their first interaction here in the period, over all "
    "customers whose window is over. The interaction itself is no conversion after it.",
    numerator=f"coalesce(arg_min((conversions_later > 0)::int, {FIRST}) filter (closed), 0)",
    denominator="max(closed::int)",
    unit=Unit.SHARE,
    counted="customers",
)
NEXT_STAGE = Measure(
    name="next_stage",
    title="To the next stage",
    explains="Customers who, within the outcome window after their first interaction here in the period, did something at a "
    "touchpoint of a later stage, over all customers whose window is over. Being contacted there does not count.",
    numerator=f"coalesce(arg_min(moved_on::int, {FIRST}) filter ({_ON}), 0)",
    denominator=f"coalesce(max(1) filter ({_ON}), 0)",
    unit=Unit.SHARE,
    counted="customers",
)
DROP_OFF = Measure(
    name="drop_off",
    title="Drop-off",
    explains="Customers who were silent for journey_gap_days after an interaction here, without a conversion in as many days "
    "before, over all customers with an interaction here after which so many days are over.",
    numerator="coalesce(max(dropped::int) filter (gap_closed), 0)",
    denominator="max(gap_closed::int)",
    unit=Unit.SHARE,
    counted="customers",
)
