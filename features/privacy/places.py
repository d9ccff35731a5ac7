"""Where a person's records lie."""

from dataclasses import dataclass
from pathlib import Path

from features.identity import Names
from features.journal import Journal
from features.lake import Lake
from features.store import FeatureStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """All that has to be asked, and emptied.

    Attributes
    ----------
    names : makes identifiers, to find out whom a refused record names.
    identity : folder of what `touchpoint identify` found.
    insights : folder of what `touchpoint report` found.
    """

    lake: Lake
    journal: Journal
    store: FeatureStore
    names: Names
    identity: Path
    insights: Path
