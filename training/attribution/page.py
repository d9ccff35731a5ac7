"""The page: who gets the credit, and whether that is what touchpoints really bring."""

from collections.abc import Iterator

from features.insights import Card, Page, Unit
from features.insights.look import Look
from training.attribution.credit_sections import credit_section, places_section, return_section
from training.attribution.known import Known, learn
from training.attribution.lift_sections import against_section
from training.attribution.path_sections import paths_section, transitions_section

_TITLE = "Attribution"


def attribution_page(look: Look) -> Page:
    """Credit by every model beside the lift of randomized decisions.

    Raises
    ------
    TrainingError
        When no touch was followed by a conversion in the period.
    """
    known = learn(look)
    return Page(
        name="attribution",
        title=_TITLE,
        lead="Which touchpoints get the credit for conversions, by which model, and which of these models misleads.",
        cards=tuple(_cards(known)),
        sections=(
            credit_section(known, days=look.catalogue.insights.attribution_days),
            against_section(known),
            return_section(known),
            places_section(known),
            transitions_section(known),
            paths_section(known),
        ),
    )


def _cards(known: Known) -> Iterator[Card]:
    after = float(known.journeys.paths.conversions.sum())
    note = f"{after:,.0f} of {known.journeys.conversions:,.0f}"
    yield Card(title="Conversions after a touch", value=after / known.journeys.conversions, unit=Unit.SHARE, note=note)
    chain = known.of("markov 1")
    if chain is not None:
        most = int(chain.credit.conversions.argmax())
        share = f"{chain.credit.shares[most]:.0%} of it, by a Markov chain of order 1"
        yield Card(title="Most credit", value=known.names[most], unit=Unit.TEXT, note=share)
    yield _brought(known)
    if known.judged:
        best, worst = known.judged[0], known.judged[-1]
        yield Card(title="Closest to the lift", value=best.model, unit=Unit.TEXT, note=f"off by {best.error:.2g} per contact")
        note = f"off by {worst.error:.2g} per contact"
        yield Card(title="Misleads most", value=worst.model, unit=Unit.TEXT, note=note)


def _brought(known: Known) -> Card:
    title = "Conversions brought by contacts"
    if not known.lifts:
        return Card(title=title, value=None, unit=Unit.NUMBER, note="not known: no decisions drawn by chance")
    brought = sum(lift.conversions.value * known.contacts.get(lift.touchpoint, 0.0) for lift in known.lifts)
    return Card(title=title, value=brought, unit=Unit.NUMBER, note="as randomized decisions say, all touchpoints together")
