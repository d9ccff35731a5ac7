"""All pages, in the order in which they are shown; to add one is one function, one line here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from features.insights import Page
from features.insights.look import Look
from features.workspace import Workspace
from training.insights.made import Made

Maker = Callable[[Look, Workspace, Sequence[Page]], Made]
"""Makes a page from a look, the home, and the pages that were made before it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page is about.

    Attributes
    ----------
    name, title : of its page, also where it could not be made.
    shown_at : its place among the pages; they are made in the order of the list.
    """

    name: str
    title: str
    shown_at: int
    make: Maker


def _value(look: Look, workspace: Workspace, before: Sequence[Page]) -> Made:
    from training.lifetime.page import value_page

    return value_page(look)


def _touchpoints(look: Look, workspace: Workspace, before: Sequence[Page]) -> Made:
    from features.insights.touchpoints.page import touchpoints_page

    return Made(touchpoints_page(look))


def _journeys(look: Look, workspace: Workspace, before: Sequence[Page]) -> Made:
    from features.insights.journeys.page import journeys_page

    return Made(journeys_page(look))


def _attribution(look: Look, workspace: Workspace, before: Sequence[Page]) -> Made:
    from training.attribution.page import attribution_page

    return Made(attribution_page(look))


def _changes(look: Look, workspace: Workspace, before: Sequence[Page]) -> Made:
    from features.insights.changes.page import changes_page

    return Made(changes_page(look))


def _policy(look: Look, workspace: Workspace, before: Sequence[Page]) -> Made:
    from training.insights.policy import policy_page

    return Made(policy_page(look, workspace))


def _quality(look: Look, workspace: Workspace, before: Sequence[Page]) -> Made:
    from training.insights.quality import quality_page

    return Made(quality_page(look, workspace))


def _findings(look: Look, workspace: Workspace, before: Sequence[Page]) -> Made:
    from training.findings.page import findings_page

    return findings_page(look, before)


def _overview(look: Look, workspace: Workspace, before: Sequence[Page]) -> Made:
    from training.insights.overview import overview_page

    return Made(overview_page(look, before))


SUBJECTS = (
    Subject("value", "Customer value", 5, _value),  # first, because it puts customers into the segments that others use
    Subject("touchpoints", "Touchpoints", 1, _touchpoints),
    Subject("journeys", "Journeys", 2, _journeys),
    Subject("attribution", "Attribution", 3, _attribution),
    Subject("changes", "What is changing", 4, _changes),
    Subject("policy", "Policy", 7, _policy),
    Subject("quality", "Data quality", 8, _quality),
    Subject("findings", "Findings", 6, _findings),
    Subject("overview", "Overview", 0, _overview),
)
"""In the order in which they are made: a page knows those before it."""
