"""Brings everything up to date with everything that arrived, in order; every step can be killed and repeated.

1. Erasures that were interrupted are finished.
2. `compact`: what arrived online goes to the lake.
3. `apply_retention`: what the catalogue's sources keep no longer goes.
4. `identify`: the links of the lake say who is whose, today and at every time before.
5. The journal, which the service asks, learns of what came in files: links and customers, consents, contacts.
6. The feature store follows the lake.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.compaction import CompactionReport, compact
from features.contacts import bring_contacts, looks_back
from features.domain import EARLIEST
from features.identity.batch import IdentifyReport
from features.identity.batch import identify as identify_customers
from features.links import bring_links
from features.privacy.erase import erase_customer, unfinished_erasures
from features.privacy.retention import RetentionReport, apply_retention
from features.privacy.subscriptions import bring_consents
from features.store import MaterializeReport
from features.workspace import Workspace

Say = Callable[[str], None]

_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class Identified:
    """What links said.

    Attributes
    ----------
    compacted : what the lake got from the journal first.
    """

    compacted: CompactionReport
    identified: IdentifyReport


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What reached the lake, the journal and the feature store.

    Attributes
    ----------
    expired : what was deleted because its time had come.
    consents, contacts : of files, brought to the journal.
    """

    compacted: CompactionReport
    expired: RetentionReport
    identified: IdentifyReport
    consents: int
    contacts: int
    materialized: MaterializeReport


def bring_journal_to_lake(workspace: Workspace, *, on_progress: Say) -> CompactionReport:
    """Copy what arrived online to the lake, each record once."""
    on_progress("bring the journal into the lake")
    return compact(workspace.journal, workspace.lake, batch=_BATCH)


def identify(workspace: Workspace, *, now: datetime, on_progress: Say) -> Identified:
    """Bring the journal's links to the lake, make customers of all links, and tell the journal who is whose."""
    compacted = bring_journal_to_lake(workspace, on_progress=on_progress)
    return Identified(compacted, _identify(workspace, now=now, on_progress=on_progress))


def refresh(workspace: Workspace, *, now: datetime, on_progress: Say, spark: Any = None) -> Refreshed:
    """Do all steps; with a session of `spark`, that makes the states."""
    lake, journal = workspace.lake, workspace.journal
    for identifier in unfinished_erasures(workspace.places):
        erase_customer(identifier, workspace.places, now=now, on_progress=on_progress)
    compacted = bring_journal_to_lake(workspace, on_progress=on_progress)
    expired = apply_retention(lake, journal, workspace.store, catalogue=workspace.catalogue, now=now, on_progress=on_progress)
    identified = _identify(workspace, now=now, on_progress=on_progress)
    consents, contacts = tell_journal(workspace, now=now)
    on_progress("bring the lake into the feature store")
    # What came by file as well was pushed online as one more, until compaction found that out.
    again = journal.superseded()
    materialized = workspace.store.materialize(lake, until=now, on_progress=on_progress, again=again, spark=spark)
    return Refreshed(compacted, expired, identified, consents, contacts, materialized)


def tell_journal(workspace: Workspace, *, now: datetime) -> tuple[int, int]:
    """Tell the journal what files said about consent and whom they say was contacted; give the numbers of both.

    To be done after every ingest, so that who unsubscribed in a file is left alone at once.
    """
    consents = bring_consents(workspace.lake, workspace.journal, since=EARLIEST)
    since, members = now - looks_back(workspace.catalogue), workspace.store.members()
    return consents, bring_contacts(workspace.lake, workspace.journal, since=since, members=members)


def _identify(workspace: Workspace, *, now: datetime, on_progress: Say) -> IdentifyReport:
    folder = workspace.settings.identity_path
    report = identify_customers(
        workspace.lake, types=workspace.catalogue.identifier_types, folder=folder, now=now, on_progress=on_progress
    )
    bring_links(workspace.lake, workspace.journal, folder)
    return report
