"""Feast's online store, as everybody reaches it who uses Feast itself: the rows that the service reads, by Feast's own interface.

Imported by Feast alone, which finds it by the `type` of `online_store` in its configuration. The service reads and writes the
same rows without Feast: see `online`.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from feast import RepoConfig
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.Value_pb2 import Value as Proto
from feast.repo_config import FeastConfigBaseModel
from feast.types import Float64, Int64, String

from features.errors import StoreError
from features.instants import microseconds, moment
from features.store.online_redis import RedisRows
from features.store.online_sqlite import SqliteRows
from features.store.packing import NAME_BYTES, Dtype, Layout, Value

_DTYPES: Mapping[Any, Dtype] = {Float64: "float", Int64: "int", String: "text"}
_FIELDS: Mapping[Dtype, str] = {"float": "double_val", "int": "int64_val", "text": "string_val"}
_ROWS_PER_WRITE = 1_000


class PackedOnlineStore(OnlineStore):  # type: ignore[misc]  # Feast has no types for us
    """One packed value for each row of a view, wherever the rows lie; the last write wins.

    Columns are Float64, Int64 or String; others are refused when they are registered.
    """

    def __init__(self) -> None:
        self._rows: SqliteRows | RedisRows | None = None
        self._layouts: dict[bytes, Layout] = {}

    def online_write_batch(
        self,
        config: RepoConfig,
        table: Any,
        data: list[tuple[Any, dict[str, Proto], datetime, datetime | None]],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write rows of one view."""
        layout, rows = layout_of(table), self._opened(config)
        for start in range(0, len(data), _ROWS_PER_WRITE):
            part = data[start : start + _ROWS_PER_WRITE]
            rows.write(
                table_name(config, table),
                [(_key(config, key), layout.pack(_at(at), _plain(values))) for key, values, at, _ in part],
            )
            if progress:
                progress(len(part))

    def online_read(
        self, config: RepoConfig, table: Any, entity_keys: list[Any], requested_features: list[str] | None = None
    ) -> list[tuple[datetime | None, dict[str, Proto] | None]]:
        """The rows of some keys in the order given, as Feast wants them; (None, None) where there is none."""
        keys = [_key(config, key) for key in entity_keys]
        found = self._opened(config).read(table_name(config, table), keys)
        return [(None, None) if value is None else self._row(config, value, requested_features) for value in found]

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[Any],
        tables_to_keep: Sequence[Any],
        entities_to_delete: Sequence[Any],
        entities_to_keep: Sequence[Any],
        partial: bool,
    ) -> None:
        """Make the tables of views, and remove those of views that are no more."""
        rows = self._opened(config)
        for table in tables_to_keep:
            rows.create(table_name(config, table), layout_of(table))
        for table in tables_to_delete:
            rows.drop(table_name(config, table))

    def teardown(self, config: RepoConfig, tables: Sequence[Any], entities: Sequence[Any]) -> None:
        """Remove the tables of all views, and that there were any."""
        rows = self._opened(config)
        for table in tables:
            rows.drop(table_name(config, table))
        rows.clear()

    @abstractmethod
    def _open(self, config: RepoConfig) -> SqliteRows | RedisRows:
        """Where the rows lie."""

    def _opened(self, config: RepoConfig) -> SqliteRows | RedisRows:
        self._rows = self._rows or self._open(config)
        return self._rows

    def _row(self, config: RepoConfig, value: bytes, names: Sequence[str] | None) -> tuple[datetime, dict[str, Proto]]:
        layout = self._layout(config, value[:NAME_BYTES])
        columns, dtypes = layout.unpack(value), dict(layout.columns)
        wanted = [name for name in (columns if names is None else names) if name in columns]
        protos = {name: Proto() if columns[name] is None else Proto(**{_FIELDS[dtypes[name]]: columns[name]}) for name in wanted}
        return moment(layout.at(value)), protos

    def _layout(self, config: RepoConfig, name: bytes) -> Layout:
        if name not in self._layouts:
            found = self._opened(config).layout(name)
            if found is None:
                raise StoreError(f"a row is of a layout that nobody registered, {name.hex()}; run `touchpoint materialize`")
            self._layouts[name] = found
        return self._layouts[name]


class PackedSqliteOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """Its part of Feast's configuration."""

    type: Literal["features.store.packed.PackedSqliteOnlineStore"] = "features.store.packed.PackedSqliteOnlineStore"
    path: str


class PackedSqliteOnlineStore(PackedOnlineStore):
    """Rows in a SQLite file."""

    def _open(self, config: RepoConfig) -> SqliteRows:
        return SqliteRows(Path(config.repo_path or ".") / config.online_store.path)


class PackedRedisOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """Its part of Feast's configuration."""

    type: Literal["features.store.packed.PackedRedisOnlineStore"] = "features.store.packed.PackedRedisOnlineStore"
    url: str


class PackedRedisOnlineStore(PackedOnlineStore):
    """Rows in a Redis."""

    def _open(self, config: RepoConfig) -> RedisRows:
        return RedisRows(config.online_store.url)


def table_name(config: RepoConfig, view: Any) -> str:
    """Under which name the rows of a view are kept."""
    return f"{config.project}_{view.name}"


def layout_of(view: Any) -> Layout:
    """The layout of a view's rows.

    Raises
    ------
    StoreError
        When a column is of a type that rows are not packed of.
    """
    for column in view.features:
        if column.dtype not in _DTYPES:
            raise StoreError(
                f"{view.name}.{column.name} is {column.dtype}; the packed online store keeps Float64, Int64 and String"
            )
    return Layout({column.name: _DTYPES[column.dtype] for column in view.features})


def _key(config: RepoConfig, key: Any) -> bytes:
    return bytes(serialize_entity_key(key, entity_key_serialization_version=config.entity_key_serialization_version))


def _at(at: datetime) -> int:
    return microseconds(at if at.tzinfo else at.replace(tzinfo=UTC))


def _plain(values: Mapping[str, Proto]) -> dict[str, Value]:
    fields = {name: value.WhichOneof("val") for name, value in values.items()}
    return {name: None if field is None else getattr(values[name], field) for name, field in fields.items()}
