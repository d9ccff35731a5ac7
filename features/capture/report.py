"""What became of the records of files: for whoever ran `ingest`, and for the lake's table of arrivals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

KEEP_NO_MORE_REASONS = 50


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of the records.

    Attributes
    ----------
    accepted, duplicate, quarantined : numbers by table; lines that could not be read at all count as `lines`.
    reasons : the most frequent reasons of the quarantine, with their numbers.
    erased : records left out because who they are of was erased since they happened.
    unusable_identifiers : identifiers that accepted records were taken without, being no e-mail address, say.
    """

    accepted: Mapping[str, int]
    duplicate: Mapping[str, int]
    quarantined: Mapping[str, int]
    reasons: Mapping[str, int]
    erased: Mapping[str, int] = field(default_factory=dict)
    unusable_identifiers: int = 0


def total(reports: Sequence[IngestReport]) -> IngestReport:
    """The reports as one."""
    reasons = Counter(_added(report.reasons for report in reports))
    return IngestReport(
        accepted=_added(report.accepted for report in reports),
        duplicate=_added(report.duplicate for report in reports),
        quarantined=_added(report.quarantined for report in reports),
        reasons=dict(reasons.most_common(KEEP_NO_MORE_REASONS)),
        erased=_added(report.erased for report in reports),
        unusable_identifiers=sum(report.unusable_identifiers for report in reports),
    )


def _added(numbers: Iterable[Mapping[str, int]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for each in numbers:
        sums.update(each)
    return dict(sums)
