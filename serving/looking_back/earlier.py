"""What records of decisions do not tell, because no rule asked for it then: older contacts, and what was used of new budgets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from features.catalogue import Catalogue
from features.contacts import looks_back
from features.domain import Contact
from features.journal import Journal
from training.policy import Situation, allowances

_QUARTER = timedelta(minutes=15)  # the step in which the journal keeps volumes
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Earlier:
    """Completes situations out of the journal.

    Parameters
    ----------
    wanted : how far back the rules look that are to be tried.
    """

    def __init__(self, journal: Journal, *, wanted: timedelta) -> None:
        self._journal = journal
        self._wanted = wanted
        self._looked_back: dict[str, timedelta | None] = {}
        self._used: dict[tuple[str, datetime, datetime], float] = {}

    def completed(self, situation: Situation, *, catalogue_version: str) -> Situation:
        """With contacts and answers that are older than the catalogue of then looked back.

        Where that catalogue cannot be read any more, the situation stays as it is.
        """
        if catalogue_version not in self._looked_back:
            self._looked_back[catalogue_version] = self._horizon(catalogue_version)
        horizon = self._looked_back[catalogue_version]
        if horizon is None or self._wanted <= horizon:
            return situation
        found = self._journal.contacts_of(situation.identifiers, since=situation.at - self._wanted)
        oldest = situation.at - horizon

        def older(those: tuple[Contact, ...]) -> tuple[Contact, ...]:
            return tuple(each for each in those if each.at < oldest)

        return replace(
            situation,
            contacts=(*older(found.contacts), *situation.contacts),
            answers=(*older(found.answers), *situation.answers),
        )

    def with_budgets(self, situation: Situation, catalogue: Catalogue) -> Situation:
        """With what was used of the catalogue's budgets that the record does not know, up to the last full quarter of an hour."""
        used = {**situation.used}
        until = situation.at - (situation.at - _EPOCH) % _QUARTER
        for each in allowances(catalogue, situation.at):
            if each.budget.name not in used:
                key = each.budget.name, each.since, until
                if key not in self._used:
                    self._used[key] = self._journal.volume(each.weights, each.since, until)
                used[each.budget.name] = self._used[key]
        return replace(situation, used=used)

    def _horizon(self, version: str) -> timedelta | None:
        content = self._journal.catalogue(version)
        try:
            return None if content is None else looks_back(Catalogue.model_validate_json(content))
        except ValidationError:
            return None
