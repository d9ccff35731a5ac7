"""The page of findings: everything that somebody should look at, what is at stake first."""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from features.insights import Card, Column, Page, Section, Table, Unit
from features.insights.look import Look
from training.findings.effort import effort
from training.findings.fatigue import fatigue
from training.findings.finding import CASES, Finding, FindingKind, Found, ranked
from training.findings.friction import friction
from training.findings.gaps import gaps
from training.findings.leaving import leaving
from training.findings.messages import messages
from training.findings.neglected import neglected
from training.findings.openings import openings
from training.findings.quiet import quiet
from training.findings.satisfaction import satisfaction
from training.findings.scene import Scene, open_scene
from training.findings.unanswered import unanswered
from training.insights.made import Made

DETECTORS: tuple[Callable[[Scene], Found], ...] = (
    friction,
    leaving,
    satisfaction,
    neglected,
    messages,
    effort,
    unanswered,
    gaps,
    openings,
    quiet,
    fatigue,
)
"""Every kind of finding; to add one is a file, and a line here."""

MOST_SHOWN = 40

_COLUMNS = (
    Column("rank", "Rank", Unit.COUNT),
    Column("finding", "Finding"),
    Column("customers", "Customers", Unit.COUNT, "affected beyond what is usual; nothing where they cannot be counted"),
    Column("money", "At stake", Unit.MONEY, "profit in the period; the findings are ranked by it, then by customers"),
    Column("evidence", "Evidence", link="page"),
    Column("kind", "Kind"),
    Column("more", "More", link="page"),
    Column("confidence", "How sure"),
)


def findings_page(look: Look, before: Sequence[Page]) -> Made:
    """Look for every kind of finding, and rank what is found.

    Parameters
    ----------
    before : the pages made before it; findings lead to those among them, and that of touchpoints says after what customers leave.
    """
    found = find_all(look, before)
    findings = ranked(finding for each in found for finding in each.findings)
    shown, pages = findings[:MOST_SHOWN], {page.name for page in before}
    ranking = Section(
        name="ranking",
        title="What should somebody look at?",
        words=tuple(_words(findings)),
        tables=(_ranking(shown, pages),),
        empty="Nothing stands out beyond chance. What was compared, and what could not be, is below.",
    )
    page = Page(
        name="findings",
        title="Findings",
        lead="What goes wrong, what nobody looks after and what could be sold, with evidence; what chance explains is left out.",
        cards=tuple(_cards(findings)),
        sections=(ranking, *map(_section, shown), _compared(found)),
    )
    return Made(page, people={"cases": pa.concat_tables([CASES.empty_table(), *(case for each in found for case in each.cases)])})


def find_all(look: Look, before: Sequence[Page] = ()) -> tuple[Found, ...]:
    """What every detector found, in the order of `DETECTORS`."""
    with open_scene(look, before) as scene:
        return tuple(detect(scene) for detect in DETECTORS)


def _words(findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        left = f" The first {MOST_SHOWN} are shown." if len(findings) > MOST_SHOWN else ""
        yield f"Findings, ranked by what is at stake: {len(findings)}.{left}"
        yield findings[0].sentence


def _cards(findings: Sequence[Finding]) -> Iterator[Card]:
    """How many there are, and the first of those that can be counted; an opening is no reason for an alarm."""
    counted = [finding for finding in findings if finding.customers is not None]
    urgent = [finding.kind is not FindingKind.OPENING for finding in counted]
    note = f"customers affected can be counted for {len(counted)} of them"
    yield Card(title="Findings", value=len(findings), unit=Unit.COUNT, note=note, link="findings", alarm=any(urgent))
    for finding, alarm in zip(counted[:3], urgent, strict=False):
        money, customers = finding.money, round(finding.customers or 0.0)
        value, unit = (customers, Unit.COUNT) if money is None else (money, Unit.MONEY)
        yield Card(title=finding.title, value=value, unit=unit, note=finding.sentence, link="findings", alarm=alarm)


def _ranking(findings: Sequence[Finding], pages: set[str]) -> Table:
    records = [
        {
            "rank": number,
            "finding": finding.title,
            "kind": finding.kind.heading,
            "customers": None if finding.customers is None else round(finding.customers),
            "money": finding.money,
            "confidence": finding.confidence,
            "evidence": f"findings#{finding.section}",
            "more": finding.page if finding.page in pages else None,
        }
        for number, finding in enumerate(findings, start=1)
    ]
    note = "Customers of several findings may be the same, so the sums at stake do not add up."
    return Table.of("findings", "Findings", _COLUMNS, records, note=note)


def _section(finding: Finding) -> Section:
    evidence = finding.evidence
    table = Table(
        name=finding.section, title=evidence.title, columns=evidence.columns, rows=evidence.rows, note=f"{finding.computed}."
    )
    words = (finding.sentence, f"How sure: {finding.confidence}.", f"What to do: {finding.suggestion}")
    return Section(name=finding.section, title=finding.title, words=words, tables=(table,))


def _compared(found: Sequence[Found]) -> Section:
    columns = (
        Column("what", "What"),
        Column("compared", "Compared", Unit.COUNT, "touchpoints, pairs or sources with enough customers"),
        Column("found", "Found", Unit.COUNT),
        Column("missing", "Not looked at"),
    )
    rows = tuple((each.what, each.compared, len(each.findings), "; ".join(each.notes)) for each in found)
    words = (
        "What has fewer than 30 customers is compared with nothing, and chance is shared among all that is compared. "
        "Conflicting offers and unanswered feedback are counted, not compared, and told from 5 customers on.",
    )
    table = Table(name="compared", title="What was compared", columns=columns, rows=rows)
    return Section(name="compared", title="What was looked at, and what could not be", words=words, tables=(table,))
