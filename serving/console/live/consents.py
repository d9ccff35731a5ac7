"""Whether a customer may be contacted, by channel and purpose, and all that they said about it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from features.catalogue import Catalogue
from features.domain import Consent
from features.insights import Column, Section, Table, Unit
from features.insights.table import Value
from features.privacy import consent_against, consent_basis

_STANDING = (
    Column("channel", "Channel"),
    Column("purpose", "Purpose"),
    Column("allowed", "May be contacted", Unit.YES_NO, "By the rules of the catalogue, over all identifiers of the customer."),
    Column("ground", "On what ground"),
    Column("touchpoints", "Touchpoints"),
)
_SAID = (
    Column("at", "When", Unit.TIME),
    Column("status", "Status"),
    Column("channel", "Channel"),
    Column("purpose", "Purpose"),
    Column("customer_id", "Said of", explains="The identifier under which it was said."),
    Column("source", "Source"),
    Column("received_at", "Received", Unit.TIME),
)


def consents_section(consents: Sequence[Consent], catalogue: Catalogue, *, at: datetime) -> Section:
    """What may be sent where, and the statements behind that, newest first."""
    standing = list(_standing(consents, catalogue, at))
    said = [_statement(each) for each in sorted(consents, key=lambda each: each.at, reverse=True)]
    forbidden = sum(not row["allowed"] for row in standing)
    words = [f"{len(said)} statements are on record." if said else "The customer said nothing about being contacted."]
    if standing:
        words.append(f"{forbidden} of {len(standing)} combinations of channel and purpose are forbidden.")
    tables = (
        Table.of("consent", "What may be sent", _STANDING, standing),
        Table.of("consents_said", "Everything that was said", _SAID, said),
    )
    empty = "The catalogue has no touchpoint that the brand can start: mark some as recommendable = true."
    return Section(name="consent", title="Consent", words=tuple(words), tables=tables, empty=empty)


def _standing(consents: Sequence[Consent], catalogue: Catalogue, at: datetime) -> Iterator[dict[str, Value]]:
    kinds = dict.fromkeys((each.channel, each.message_class) for each in catalogue.recommendable)
    for channel, purpose in kinds:
        covered = [each for each in catalogue.recommendable if (each.channel, each.message_class) == (channel, purpose)]
        against = consent_against(covered[0], consents, catalogue.consent, at=at)
        yield {
            "channel": channel.value,
            "purpose": purpose,
            "allowed": against is None,
            "ground": against or consent_basis(covered[0], consents, catalogue.consent, at=at),
            "touchpoints": ", ".join(each.name for each in covered),
        }


def _statement(consent: Consent) -> dict[str, Value]:
    return {
        "at": consent.at.isoformat(),
        "status": consent.status.value,
        "channel": consent.channel or "every channel",
        "purpose": consent.purpose or "every purpose",
        "customer_id": consent.customer_id,
        "source": consent.source,
        "received_at": consent.received_at.isoformat(),
    }
