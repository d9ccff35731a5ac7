"""The console's pages, and where they are; a new page of `training/insights/pages.py` gets a line here."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation; `name` is that of its page."""

    name: str
    title: str

    @property
    def href(self) -> str:
        """Its address."""
        return "/console" if self.name == "overview" else f"/console/{self.name}"


NAVIGATION: Mapping[str, tuple[Entry, ...]] = {
    "All customers": (
        Entry("overview", "Overview"),
        Entry("touchpoints", "Touchpoints"),
        Entry("journeys", "Journeys"),
        Entry("attribution", "Attribution"),
        Entry("changes", "What is changing"),
        Entry("value", "Customer value"),
        Entry("findings", "Findings"),
    ),
    "One by one": (Entry("customers", "Customers"), Entry("decisions", "Decisions")),
    "Behind it": (Entry("policy", "Policy"), Entry("quality", "Data quality")),
}
"""The pages by what they are about, in order."""

TITLES: Mapping[str, str] = {entry.name: entry.title for entries in NAVIGATION.values() for entry in entries}
"""Of every page, by name."""
