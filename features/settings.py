"""Where state lives and how the service behaves: defaults, then `settings.toml` in the home, then the environment."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from features.errors import ConfigurationError


class Settings(BaseSettings):
    """All settings; each can be given as `TOUCHPOINT_<NAME>` in the environment or as `<name>` in `settings.toml`."""

    model_config = SettingsConfigDict(env_prefix="TOUCHPOINT_", extra="forbid", frozen=True)

    home: Path = Field(Path(".touchpoint"), validate_default=True, description="folder that holds all state")
    catalogue: Path | None = Field(None, description="catalogue TOML; default: catalogue.toml in the home")
    journal_url: str | None = Field(None, description="SQLAlchemy URL; default: SQLite in the home")
    tracking_uri: str | None = Field(None, description="MLflow tracking URI; default: SQLite in the home")
    api_key: SecretStr | None = Field(None, description="required from callers when set; needed to bind beyond loopback")
    identifier_key: SecretStr | None = Field(
        None, description="secret under which identifiers are hashed; default: identifier.key in the home, made at first use"
    )
    identifier_key_before: SecretStr | None = Field(None, description="the secret before the last change of it")
    online_store: str | None = Field(
        None, description="redis://host:port[/db] for Feast's online store; default: SQLite in the home"
    )
    features_max_age_seconds: float = Field(14 * 86400.0, gt=0, description="older features count as stale")
    clock_skew_seconds: float = Field(300.0, ge=0, description="how far in the future a record may be dated")
    policy_poll_seconds: float = Field(2.0, gt=0, description="how often the service looks for a promoted policy")
    rank_reward_wait_seconds: float = Field(
        600.0, gt=0, le=30 * 86400.0, description="a reward counts when it comes within this time of its rank call"
    )
    rank_reward_default: float = Field(0.0, ge=-1, le=1, description="reward of a ranked event for which none came")
    rank_reward_aggregation: Literal["earliest", "sum"] = Field("earliest", description="which rewards of one event count")
    shadow: bool = Field(False, description="write into each decision record what the challenger would have done")
    max_body_bytes: int = Field(1_000_000, gt=0, description="largest request body accepted")
    seed: int = Field(20_170_101, ge=0, description="seed of training, evaluation and of draws without a decision_id")

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the home's file."""
        home = Path(init_settings().get("home") or env_settings().get("home") or ".touchpoint")
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, home / "settings.toml")

    @property
    def catalogue_path(self) -> Path:
        """The catalogue file in force."""
        return self.catalogue or self.home / "catalogue.toml"

    @property
    def lake_path(self) -> Path:
        """Folder of the lake's tables."""
        return self.home / "lake"

    @property
    def identity_path(self) -> Path:
        """Folder of what `touchpoint identify` found: which identifier was whose, and when."""
        return self.home / "identity"

    @property
    def feast_path(self) -> Path:
        """Folder of Feast's registry, online store and offline files."""
        return self.home / "feast"

    @property
    def insights_path(self) -> Path:
        """Folder of what `touchpoint report` found out."""
        return self.home / "insights"

    @property
    def effective_journal_url(self) -> str:
        """The journal's database URL."""
        return self.journal_url or f"sqlite:///{self.home / 'journal.db'}"

    @property
    def is_local(self) -> bool:
        """Whether the journal and the online store are files of this machine."""
        return self.online_store is None and self.effective_journal_url.startswith("sqlite")

    @property
    def effective_tracking_uri(self) -> str:
        """The MLflow tracking URI."""
        return self.tracking_uri or f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def artifacts_path(self) -> Path:
        """Folder of MLflow's artifacts when tracking is local."""
        return self.home / "mlartifacts"


def load_settings(**given: Any) -> Settings:
    """Read the settings.

    Raises
    ------
    ConfigurationError
        When a value is not valid; the message names the key and the rule.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"settings: {key}: {first['msg']} (in settings.toml or TOUCHPOINT_{key.upper()})") from None
