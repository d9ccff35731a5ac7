"""Opens what lives in the home folder, each part once: the catalogue, the lake, the journal, the feature store."""

from functools import cached_property

from features.catalogue import Catalogue, load_catalogue
from features.identity.key import identifier_key, identifier_key_before
from features.identity.names import Names
from features.journal import Journal
from features.lake import Lake
from features.privacy.places import Places
from features.settings import Settings
from features.store import FeatureStore


class Workspace:
    """The state behind one `Settings`; parts open when first used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def catalogue(self) -> Catalogue:
        """The catalogue in force."""
        return load_catalogue(self.settings.catalogue_path)

    @cached_property
    def names(self) -> Names:
        """What makes identifiers of addresses, cookies and cards."""
        return Names(
            identifier_key(self.settings),
            self.catalogue.identifier_types,
            region=self.catalogue.phone_region,
            key_before=identifier_key_before(self.settings),
        )

    @cached_property
    def lake(self) -> Lake:
        """The tables of history."""
        return Lake(self.settings.lake_path)

    @cached_property
    def journal(self) -> Journal:
        """What arrived or was decided online."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        journal = Journal(
            self.settings.effective_journal_url,
            types=self.catalogue.identifier_types,
            key=identifier_key(self.settings),
            key_before=identifier_key_before(self.settings),
            first_known=lambda customer_ids: self.store.first_known(customer_ids),
        )
        journal.create()
        return journal

    @cached_property
    def store(self) -> FeatureStore:
        """The feature store."""
        return FeatureStore(self.settings, self.catalogue)

    @property
    def places(self) -> Places:
        """Where a person's records lie."""
        return Places(
            lake=self.lake,
            journal=self.journal,
            store=self.store,
            names=self.names,
            identity=self.settings.identity_path,
            insights=self.settings.insights_path,
        )
