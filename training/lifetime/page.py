"""The page about customer value: what customers will bring, who they are, whether they stay, and what they cost."""

from datetime import UTC

from features.insights import Card, Page, Section, Unit
from features.insights.look import Look
from training.insights.made import Made
from training.lifetime.cost_sections import cohort_section, cost_section, earnings_section
from training.lifetime.segment_sections import journey_section, moves_section, segment_section
from training.lifetime.study import Study, study
from training.lifetime.value_sections import holdout_section, model_section, value_section

_FAR_OFF = 0.2
_NOBODY = (
    "Nobody is known by the end of the period. Capture interactions with `touchpoint ingest` or through the service, "
    "purchases with their value first of all."
)


def value_page(look: Look) -> Made:
    """Page `value`, and in `people["segments"]` what is known and expected of each customer.

    Its columns are customer_id, segment and journey_segment, alive (P(still a customer)), expected_conversions and expected_value
    (profit, discounted) within objective.lifetime_days or a year, recency_days (since the last conversion), frequency (days with
    a conversion), spent (value, refunds taken off) and first_at (of the first conversion). This is about whole customers, for
    people to read; `training.sides.lifetime` is a model inside the policy.

    Raises
    ------
    PeriodError
        When the period begins after all that is known.
    """
    found = study(look)
    page = Page(
        name="value",
        title="Customer value",
        lead=f"What customers bring, who they are and whether they stay, as of {look.period.until.astimezone(UTC):%Y-%m-%d}.",
        cards=_cards(look, found) if found.customers else (),
        sections=_sections(look, found) if found.customers else (_nobody(),),
    )
    return Made(page, people={"segments": found.people})


def _nobody() -> Section:
    return Section(name="customers", title="What are customers worth?", empty=_NOBODY)


def _sections(look: Look, found: Study) -> tuple[Section, ...]:
    return (
        value_section(look, found),
        segment_section(look, found),
        moves_section(found),
        journey_section(look, found),
        cohort_section(look, found),
        earnings_section(look, found),
        cost_section(look, found),
        holdout_section(found),
        model_section(found),
    )


def _cards(look: Look, found: Study) -> tuple[Card, ...]:
    churn = f"{look.catalogue.objective.churn_days:g}"
    week = found.weeks[-1] if found.weeks else None
    arpu = week.arpu if week else None
    return (
        Card(title="Customers", value=found.customers, unit=Unit.COUNT, note=f"{found.converted:,} of them have converted"),
        Card(
            title="Active customers",
            value=found.active,
            unit=Unit.COUNT,
            note=f"converted within the last {churn} days; {found.active_before:,} at the start of the period",
        ),
        Card(
            title="Value per active customer (ARPU)",
            value=arpu.value if arpu else None,
            unit=Unit.MONEY,
            note=f"in 30 days; 95 %: {_ends(arpu.low, arpu.high, '.2f')}" if arpu else "the period has no whole week",
        ),
        _expected_card(found),
        _cost_card("Acquisition cost", found.acquisition.each.value, found.acquisition.each.low, found.acquisition.each.high),
        _cost_card("Retention cost", found.retention.each.value, found.retention.each.low, found.retention.each.high),
    )


def _expected_card(found: Study) -> Card:
    title = f"Expected value, next {found.ahead:g} days"
    total, check = found.value, found.holdout
    if total is None:
        return Card(title=title, value=None, unit=Unit.MONEY, note=found.valuation.reason or "no conversion had a value")
    note = f"profit, discounted; 95 %: {_ends(total.low, total.high, ',.0f')}"
    return Card(
        title=title,
        value=total.value,
        unit=Unit.MONEY,
        note=note if check is None else f"{note}; last foretold {check.error:+.0%} off",
        alarm=check is not None and abs(check.error) > _FAR_OFF,
    )


def _cost_card(title: str, value: float | None, low: float | None, high: float | None) -> Card:
    note = "no contact with a cost, or no result" if value is None else f"contacts only; 95 %: {_ends(low, high, '.2f')}"
    return Card(title=title, value=value, unit=Unit.MONEY, note=note)


def _ends(low: float | None, high: float | None, how: str) -> str:
    return "not known" if low is None or high is None else f"{low:{how}} to {high:{how}}"
