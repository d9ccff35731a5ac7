"""Whether contacts are answered, and how long customers stay."""

from features.insights.table import Unit
from features.insights.touchpoints.measure import Measure

# Only where answers are recorded: elsewhere nobody knows whether a contact was answered
_CONTACTS = "count(*) filter (kind = 'contact' and closed and {known})"

ENGAGEMENT = Measure(
    name="engagement",
    title="Engagement rate",
    explains="Contacts that the customer answered (open, click or redemption at the same touchpoint, within the outcome window "
    "and before the next contact there) over all contacts whose window is over, at touchpoints where any answer was seen.",
    numerator="count(*) filter (kind = 'contact' and closed and answered)",
    denominator=_CONTACTS.format(known="answers_known"),
    unit=Unit.SHARE,
    counted="contacts",
    needs_one=True,
)
CLICK_THROUGH = Measure(
    name="click_through",
    title="Click-through rate",
    explains="Contacts that the customer clicked (at the same touchpoint, within the outcome window and before the next contact "
    "there) over all contacts whose window is over, at touchpoints where any click was seen.",
    numerator="count(*) filter (kind = 'contact' and closed and clicked)",
    denominator=_CONTACTS.format(known="clicks_known"),
    unit=Unit.SHARE,
    counted="contacts",
    needs_one=True,
)
SECONDS = Measure(
    name="seconds",
    title="Time spent, seconds",
    explains="Mean length of the interactions that tell one, as property seconds, duration_seconds, milliseconds or minutes; "
    "longer ones than a day are left out.",
    numerator="coalesce(sum(seconds), 0)",
    denominator="count(seconds)",
    unit=Unit.NUMBER,
    counted="interactions",
    least=0.0,
)
