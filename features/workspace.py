"""Opens what lives in the home folder, each part once: the catalogue, the lake, the journal, the feature store."""

from functools import cached_property

from features.catalogue import Catalogue, load_catalogue
from features.journal import Journal
from features.lake import Lake
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
    def lake(self) -> Lake:
        """The tables of history."""
        return Lake(self.settings.lake_path)

    @cached_property
    def journal(self) -> Journal:
        """What arrived or was decided online."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        journal = Journal(self.settings.effective_journal_url)
        journal.create()
        return journal

    @cached_property
    def store(self) -> FeatureStore:
        """The feature store."""
        return FeatureStore(self.settings, self.catalogue)
