"""How much work it is for customers to get something done, beside what they say of it (CES)."""

from features.insights.table import Unit
from features.insights.touchpoints.measure import Measure

REPEAT_DAYS = 7.0
"""The field's usual window for first contact resolution."""

REPEAT_CONTACT = Measure(
    name="repeat_contact",
    title="Repeat contacts",
    explains="Calls and complaints that the customer had to repeat at the same touchpoint within 7 days, over all calls and "
    "complaints after which 7 days are over. That it is the same matter is assumed.",
    numerator="count(*) filter (request and repeat_closed and repeated)",
    denominator="count(*) filter (request and repeat_closed)",
    unit=Unit.SHARE,
    counted="calls and complaints",
)
UNTIL_RESOLUTION = Measure(
    name="until_resolution",
    title="Requests until resolved",
    explains="Calls and complaints over the resolutions that ended them: at the same touchpoint, within journey_gap_days. "
    "What was never resolved is not in it.",
    numerator="count(*) filter (resolved)",
    denominator="count(*) filter (resolved and last_request)",
    unit=Unit.NUMBER,
    counted="resolutions",
    least=1.0,
)
