"""A catalogue of every channel and class that rules tell apart, and customers in any situation."""

from datetime import UTC, datetime, timedelta

import pytest

from features.catalogue import parse_catalogue
from features.domain import Consent, ConsentStatus, Contact, Kind
from training.policy import Situation, eligibility

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOUCHPOINTS = (
    {"name": "mail.offer", "cost": 0.5},
    {"name": "email.offer", "cost": 0.05},
    {"name": "email.news", "cost": 0.05},
    {"name": "email.receipt", "message_class": "transactional"},
    {"name": "call.adviser", "message_class": "service", "cost": 8.0},
)
ARMS = tuple(touchpoint["name"] for touchpoint in TOUCHPOINTS)


class Rules:
    """What is eligible under some tables of a catalogue; contacts and answers are (touchpoint, days ago)."""

    at = AT
    arms = ARMS

    def catalogue(self, **tables):
        changed = tables.pop("touchpoints", {})
        listed = [{**each, "stage": "purchase", "recommendable": True, **changed.get(each["name"], {})} for each in TOUCHPOINTS]
        return parse_catalogue({"touchpoints": [*listed, {"name": "web.cart", "stage": "purchase"}], **tables})

    def situation(self, *, contacts=(), answers=(), **given):
        return Situation(
            at=given.pop("at", AT),
            contacts=tuple(Contact(name, AT - timedelta(days=days)) for name, days in contacts),
            answers=tuple(Contact(name, AT - timedelta(days=days), Kind.OPEN) for name, days in answers),
            **given,
        )

    def found(self, tables, **given):
        return {each.touchpoint: each for each in eligibility(self.catalogue(**tables), self.situation(**given))}

    def eligible(self, tables, **given):
        return [name for name, each in self.found(tables, **given).items() if each.eligible]

    def dropped(self, tables, touchpoint, **given):
        """The stage and the rule that dropped a touchpoint, and until when."""
        candidate = self.found(tables, **given)[touchpoint]
        return candidate.stage, candidate.rule, candidate.until

    def consent(self, status, *, channel=None, purpose=None, days=1.0, customer_id="c1"):
        said = AT - timedelta(days=days)
        return Consent(
            message_id=f"{customer_id}{status}{channel}{purpose}{days}",
            customer_id=customer_id,
            status=ConsentStatus(status),
            at=said,
            received_at=said,
            source="crm",
            channel=channel,
            purpose=purpose,
        )


@pytest.fixture(scope="session")
def rules():
    return Rules()
