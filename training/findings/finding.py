"""What a finding is: something that somebody should look at, with its numbers, its evidence, and what to do."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import pyarrow as pa

from features.insights import Table

CASES = pa.schema(
    [
        ("customer_id", pa.string()),
        ("finding", pa.string()),
        ("kind", pa.string()),
        ("touchpoint", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("words", pa.string()),
    ]
)
"""Which customers a finding is about: at most one row for each of them, at the last time when it was so."""


class FindingKind(StrEnum):
    """What is the matter."""

    FRICTION = "friction"  # customers leave, or do the same again and again, more than at like touchpoints
    LEAVING = "losing_customers"  # customers leave after it more than customers alike
    NEGLECTED = "neglected"  # a touchpoint that nobody looks after
    MESSAGES = "inconsistent_messages"  # different offers to one customer within days
    EFFORT = "effort"  # customers need too much effort, or too many attempts
    UNANSWERED = "unanswered"  # feedback that nobody answered
    GAP = "gap"  # a stage without a touchpoint, or after which customers hear nothing and leave
    OPENING = "opening"  # what alike customers buy and some do not
    QUIET = "quiet_source"  # a source of records from which nothing comes any more
    FATIGUE = "contact_fatigue"  # customers who are contacted on and on, and do not answer

    @property
    def heading(self) -> str:
        """For people."""
        return _TITLES[self]


_TITLES = {
    FindingKind.FRICTION: "Friction",
    FindingKind.LEAVING: "Losing customers",
    FindingKind.NEGLECTED: "Neglected touchpoint",
    FindingKind.MESSAGES: "Inconsistent messages",
    FindingKind.EFFORT: "Too much effort",
    FindingKind.UNANSWERED: "Feedback nobody answered",
    FindingKind.GAP: "Gap in the journey",
    FindingKind.OPENING: "Upsell or cross-sell opening",
    FindingKind.QUIET: "Source gone quiet",
    FindingKind.FATIGUE: "Contact fatigue",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that somebody should look at; what cannot be told from chance is none.

    Attributes
    ----------
    subject : what it is about, as `web.cart drop_off`; with the kind it names the finding, in every look alike.
    sentence : what is so, with its numbers.
    customers : how many customers it affects, beyond what would be usual; None where they cannot be counted.
    money : profit at stake in the period, in the catalogue's currency; None where it is not known what a customer is worth.
    computed : how customers and money were computed.
    confidence : the interval, or why there is none.
    page : the page that has more.
    suggestion : what to do.
    """

    kind: FindingKind
    subject: str
    title: str
    sentence: str
    customers: float | None
    money: float | None
    computed: str
    confidence: str
    evidence: Table
    page: str
    suggestion: str

    @property
    def id(self) -> str:
        """Names the finding, as long as it is about the same thing.

        >>> finding_id(FindingKind.FRICTION, "web.cart drop_off")
        'friction:web.cart drop_off'
        """
        return finding_id(self.kind, self.subject)

    @property
    def section(self) -> str:
        """Name of its section on the page: letters, digits and `_`, and different for different findings."""
        words = re.sub(r"[^a-z0-9]+", "_", self.id.lower()).strip("_")[:48]
        return f"{words}_{sha256(self.id.encode()).hexdigest()[:6]}"

    @property
    def score(self) -> tuple[float, float]:
        """Findings are ranked by it: money at stake, then customers; what can be counted in neither comes last."""
        return (self.money or 0.0, self.customers or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one detector found.

    Attributes
    ----------
    what : what it looked at, in a few words.
    compared : how many were looked at, such as touchpoints or pairs; chance is shared among as many.
    cases : of single customers, with the columns of `CASES`.
    notes : what could not be looked at, and what to do so that it can be.
    """

    what: str
    findings: tuple[Finding, ...] = ()
    compared: int = 0
    cases: tuple[pa.Table, ...] = ()
    notes: tuple[str, ...] = ()


def finding_id(kind: FindingKind, subject: str) -> str:
    """The id of a finding before there is one, for its cases."""
    return f"{kind}:{subject}"


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most urgent first; equal ones in the order of their ids."""
    return tuple(sorted(findings, key=lambda each: (-each.score[0], -each.score[1], each.id)))
