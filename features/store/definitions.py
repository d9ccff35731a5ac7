"""What Feast registers, made of the feature list, and how it is opened."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from string import Template
from typing import Any

import duckdb
import pyarrow as pa

from features.errors import StoreError
from features.tables import Feature, all_columns

VIEW, SERVICE, PUSH = "customer_state", "customer_state_service", "customer_state_push"
TABLE = f"touchpoint_{VIEW}"
"""Under which name the online store keeps the rows of the view; the project's name is in feature_repo."""

_CONFIGURATION = Path(__file__).parents[2] / "feature_repo" / "feature_store.yaml"
_TEXT = 2  # Feast's number of the type
_KEY_START = struct.pack("<3I11s", 1, _TEXT, 11, b"customer_id") + struct.pack("<I", _TEXT)


def history_path(folder: Path) -> Path:
    """The file of all states that ever were, Feast's offline source."""
    return folder / "history.parquet"


def definitions(features: Sequence[Feature], folder: Path) -> tuple[Any, Any, Any, Any, Any]:
    """Entity, source, push source, view and service, made of the feature list."""
    from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
    from feast.types import Float64, Int64, String

    types = {"float": Float64, "int": Int64, "text": String}
    fields = [Field(name=column.name, dtype=types[column.dtype], description=column.meaning) for column in all_columns(features)]
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    history = FileSource(name="customer_history", path=str(history_path(folder)), timestamp_field="visible_at")
    push = PushSource(name=PUSH, batch_source=history)
    view = FeatureView(name=VIEW, entities=[customer], schema=fields, source=push, ttl=timedelta(0), online=True)
    return customer, history, push, view, FeatureService(name=SERVICE, features=[view])


def open_feast(home: Path, online_store: Mapping[str, Any]) -> Any:
    """Feast as `feature_repo` configures it for a home, with another online store where one is given."""
    import feast
    import yaml  # type: ignore[import-untyped]

    configuration = yaml.safe_load(Template(_CONFIGURATION.read_text(encoding="utf-8")).substitute(TOUCHPOINT_HOME=home))
    if online_store:
        configuration["online_store"] = dict(online_store)
    return feast.FeatureStore(config=feast.RepoConfig(**configuration))


def entity_key(identifier: str) -> bytes:
    """The bytes by which Feast names a row, in version 3 of its keys; importing Feast for them would take seconds."""
    name = identifier.encode()
    return _KEY_START + len(name).to_bytes(4, "little") + name


@contextmanager
def store_errors(*more: type[Exception]) -> Iterator[None]:
    """Raise what the files of the store, DuckDB or the online store raise as StoreError."""
    try:
        yield
    except (duckdb.Error, OSError, pa.ArrowException, *more) as error:
        raise no_answer(error) from error


@contextmanager
def feast_errors() -> Iterator[None]:
    """Raise what Feast raises as StoreError."""
    from feast.errors import FeastError

    with store_errors(FeastError):
        yield


def no_answer(error: Exception) -> StoreError:
    """What is raised in place of another error."""
    return StoreError(f"the feature store could not answer: {error}")
