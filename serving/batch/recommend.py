"""The run over everybody: customers in batches, each read, decided for and written before the next."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute

from features.domain import NONE
from features.journal import Identity
from features.workspace import Workspace
from serving.assembly import Assembly, assemble
from serving.batch.asked import Asked
from serving.batch.budgets import Purse
from serving.batch.customers import Everybody, everybody, names_in
from serving.batch.file import written
from serving.batch.known import Known, Reader
from serving.batch.recording import Recording
from serving.batch.rows import Rows
from serving.batch.scoring import Decisions, InForce, Scoring, joined
from serving.deciding.decide import prior_policy
from serving.deciding.live import LoadedPolicy
from serving.door import Door
from training.policy.eligibility import Situation, eligibility

_AT_ONCE = 2_000  # customers; times all touchpoints and features they are what has to fit into memory


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What a run did.

    Attributes
    ----------
    customers : rows of the file.
    contacts : those of them for whom something is better than nothing.
    recorded : decisions in the journal by now; 0 of a run that keeps nothing.
    left_out : customers of whom more is known than there can be by now, as their interactions are dated in the future.
    """

    file: str
    run: str
    at: datetime
    customers: int
    contacts: int
    recorded: int
    left_out: int


def recommend_home(workspace: Workspace, file: Path, asked: Asked, **given: Any) -> BatchReport:
    """As `recommend_all`, by the policy in force in a home."""
    assembly = assemble(workspace)
    assembly.live.refresh()
    with collect_seldom():
        return recommend_all(assembly, file, asked, **given)


def recommend_all(
    assembly: Assembly,
    file: Path,
    asked: Asked,
    *,
    now: datetime,
    customers: Path | None = None,
    probabilities: bool = False,
    on_progress: Callable[[str], None],
) -> BatchReport:
    """Write what is best for every customer as of now, or for those in a file, one row each.

    Without `asked.recorded` nothing is kept. With it every decision is durable before its row is written, and a run that was
    interrupted goes on when it is started again by the same name: who was decided for keeps that answer.

    Parameters
    ----------
    probabilities : add the probability of every touchpoint.

    Raises
    ------
    RequestError
        When the question names unknown touchpoints, or the file of customers what is no identifier.
    DecisionConflictError
        When the run was recorded with other options.
    ConfigurationError
        When the file of customers cannot be read, or the other one is not called `.parquet`.
    StoreError
        When journal, lake or store cannot answer, or the file cannot be written.
    """
    workspace = assembly.workspace
    eligibility(workspace.catalogue, Situation(at=now, candidates=asked.candidates, exclude=asked.exclude))
    only = None if customers is None else names_in(customers, lambda text: Door(workspace.names).names_of(text)[0])
    run = Run(assembly, asked, at=now, probabilities=probabilities)
    about = {"run": asked.run, "at": now.isoformat(), "catalogue_version": workspace.catalogue.version}
    with everybody(workspace, only=only) as found, written(file, run.rows.schema, about=about) as groups:
        for batch in run.batches(found, on_progress):
            groups.write(batch)
    return run.report(file)


class Run:
    """One run.

    Attributes
    ----------
    rows : what makes the file's rows.
    reader : what reads customers.
    """

    def __init__(self, assembly: Assembly, asked: Asked, *, at: datetime, probabilities: bool) -> None:
        workspace, live = assembly.workspace, assembly.live
        catalogue, journal, settings = workspace.catalogue, workspace.journal, workspace.settings
        self.rows = Rows(catalogue.arms, limit=asked.limit, probabilities=probabilities)
        self._asked, self._at, self._arms = asked, at, catalogue.arms
        self._in_force = InForce(
            champion=live.current,
            challenger=live.challenger,
            priors=LoadedPolicy(prior_policy(catalogue)),
            is_shadowed=settings.shadow,
        )
        self.reader = Reader(catalogue, workspace.store, journal, settings)
        self._scoring = Scoring(catalogue, asked, self._in_force, seed=settings.seed)
        self._purse = Purse(catalogue, journal, at=at)
        self._recording = Recording(asked, assembly.decider, assembly.reader, journal, self._scoring, self._in_force)
        self._customers = self._contacts = self._left_out = 0

    def batches(self, found: Everybody, on_progress: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """The rows of everybody; where budgets may not be enough for all, of those first who are worth most."""
        is_rationed = not self._asked.deferred and not self._purse.is_enough(found.count)
        if is_rationed:
            for done, identities in _counted(found.batches(_AT_ONCE)):
                self._weigh(found, identities)
                on_progress(f"weighed: {done:,} of {found.count:,} customers")
        ordered = found.by_worth(_AT_ONCE) if is_rationed else found.batches(_AT_ONCE)
        for done, identities in _counted(ordered):
            batch = self._recorded(identities) if self._asked.recorded else self._decided(identities)
            self._customers += batch.num_rows
            self._contacts += compute.sum(compute.not_equal(batch["touchpoint"], NONE)).as_py() or 0
            self._left_out += len(identities) - batch.num_rows
            yield batch
            on_progress(f"decided: {done:,} of {found.count:,} customers")

    def report(self, file: Path) -> BatchReport:
        """What was done so far."""
        recorded = self._customers if self._asked.recorded else 0
        return BatchReport(str(file), self._asked.run, self._at, self._customers, self._contacts, recorded, self._left_out)

    def _weigh(self, found: Everybody, identities: list[Identity]) -> None:
        """What the best touchpoint is worth to each, as long as there is enough of every budget."""
        known = self.reader.known(identities, at=self._at)
        decisions = self._scoring.decided(
            known, self._scoring.scored(known), np.arange(len(known.identities)), at=self._at, used=self._purse.used
        )
        self._left_out += len(identities) - len(known.identities)
        best = decisions.net_values[np.arange(len(decisions.order)), decisions.order[:, 0]]
        found.weigh(known.identities, best.tolist())

    def _decided(self, identities: list[Identity]) -> pa.RecordBatch:
        known = self.reader.known(identities, at=self._at)
        if not known.identities:
            return self.rows.recorded([])
        decisions = self._in_order(known)
        ids = [self._asked.decision_id(each.customer_id) for each in known.identities]
        return self.rows.decided(known, decisions, self._in_force, decision_ids=ids, at=self._at)

    def _in_order(self, known: Known) -> Decisions:
        """Decisions one after the other, each with what those before it left of the budgets."""
        scored, rows = self._scoring.scored(known), np.arange(len(known.identities))
        parts: list[Decisions] = []
        while len(rows):
            part = self._scoring.decided(known, scored, rows, at=self._at, used=self._purse.used)
            chosen: list[str] = [self._arms[arm] for arm in part.chosen]
            count = len(rows) if self._asked.deferred else self._purse.take(chosen)
            parts.append(part.of(np.arange(count)))
            rows = rows[count:]
        return joined(parts)

    def _recorded(self, identities: list[Identity]) -> pa.RecordBatch:
        self._purse.look()
        records = self._recording.earlier([each.customer_id for each in identities])
        known = self.reader.known([each for each in identities if each.customer_id not in records], at=self._at)
        records |= {each.customer_id: each for each in self._recording.recorded(known, self._purse, now=self._at)}
        return self.rows.recorded([records[each.customer_id] for each in identities if each.customer_id in records])


@contextmanager
def collect_seldom() -> Iterator[None]:
    """Let what was imported and loaded alone, which Python otherwise looks through for garbage again and again.

    What a batch leaves behind goes at once in any case, since nothing of it leads back to itself.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _counted(batches: Iterator[list[Identity]]) -> Iterator[tuple[int, list[Identity]]]:
    done = 0
    for batch in batches:
        done += len(batch)
        yield done, batch
