"""Keeps a look in MLflow beside the trainings: the report, every table, and the numbers that are compared over time."""

import json
import re
from collections.abc import Mapping
from datetime import datetime

from features.insights import Page, Unit
from features.insights.snapshot import Snapshot
from training.registry import Registry

RUN = "touchpoint-report"


def keep_report(
    registry: Registry, files: Mapping[str, str], *, at: datetime, metrics: Mapping[str, float], parent: str | None = None
) -> str:
    """Keep files and numbers as a run of MLflow; give its id.

    Parameters
    ----------
    files : their text, by path within the run.
    parent : the run that this one belongs to, such as that of a retraining.
    """
    with registry.run(RUN, parent=parent) as run_id:
        registry.log_parameters(run_id, {"at": at.isoformat()})
        registry.log_values(run_id, metrics)
        for path, text in files.items():
            registry.log_text(run_id, path, text)
    return run_id


def files_of(snapshot: Snapshot) -> dict[str, str]:
    """Every page as JSON, and every table as CSV, by path."""
    files = {}
    for page in _pages(snapshot):
        files[f"pages/{page.name}.json"] = json.dumps(page.as_json(), ensure_ascii=False)
        files |= {f"tables/{page.name}/{table.name}.csv": table.csv() for table in page.tables}
    return files


def metrics_of(snapshot: Snapshot) -> dict[str, float]:
    """The numbers of all cards, as `<page>.<title of the card>`."""
    return {
        f"{page.name}.{_named(card.title)}": float(card.value)
        for page in _pages(snapshot)
        for card in page.cards
        if isinstance(card.value, int | float) and card.unit != Unit.YES_NO
    }


def _pages(snapshot: Snapshot) -> list[Page]:
    return [page for page in map(snapshot.page, snapshot.names) if page is not None]


def _named(title: str) -> str:
    """A title as MLflow takes names.

    >>> _named("Lift against holdout (95 %)")
    'lift_against_holdout_95'
    """
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
