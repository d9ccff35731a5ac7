"""Keeps what was found out: pages as JSON, and what is known of single customers as Parquet, which erasure rewrites.

A folder per look; the file `current` names the one that counts and is replaced in one step, so that readers see whole looks only.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
from filelock import FileLock, Timeout

from features.errors import StoreError
from features.insights.page import Page
from features.insights.period import Period
from features.lake import duckdb_session, literal, without_globs

_CURRENT = "current"
_LOCK_SECONDS = 900.0
_KEPT = 2  # a reader may still be in the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one look found out.

    Attributes
    ----------
    folder : where it is kept.
    at : when it was looked.
    names : of its pages, in the order in which to show them.
    currency : of all money in it.
    """

    folder: Path
    at: datetime
    period: Period
    names: tuple[str, ...]
    currency: str

    def page(self, name: str) -> Page | None:
        """The page of that name, or None."""
        return _page(self.folder / f"{name}.json") if name in self.names else None

    @property
    def people(self) -> tuple[str, ...]:
        """The names of its tables about single customers."""
        return tuple(sorted(path.stem for path in self.folder.glob("*.parquet")))

    def of_customer(self, what: str, customer_id: str) -> list[dict[str, Any]]:
        """The rows that a table about single customers has of one; none where there is no such table."""
        path = self.folder / f"{what}.parquet"
        if not path.exists():
            return []
        with duckdb_session() as connection:
            rows = f"read_parquet({literal(without_globs(str(path)))})"
            query = f"SELECT * FROM {rows} WHERE customer_id = $customer_id"
            return list(connection.sql(query, params={"customer_id": customer_id}).to_arrow_table().to_pylist())


@lru_cache(maxsize=64)
def _page(path: Path) -> Page:  # such a file never changes, and a later look has other paths
    return Page.from_json(json.loads(path.read_text(encoding="utf-8")))


def current_snapshot(folder: Path) -> Snapshot | None:
    """The last look kept in a folder; None before the first."""
    try:
        kept = folder / (folder / _CURRENT).read_text(encoding="utf-8").strip()
        told = json.loads((kept / "snapshot.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    since, until, at = (datetime.fromisoformat(told[name]) for name in ("since", "until", "at"))
    return Snapshot(folder=kept, at=at, period=Period(since, until), names=tuple(told["pages"]), currency=told["currency"])


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Be the only one who writes to a folder of looks, which is made where it is missing.

    Raises
    ------
    StoreError
        When another process has been writing for fifteen minutes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=_LOCK_SECONDS):
            yield
    except Timeout:
        raise StoreError(f"{folder}: another process is writing a look; wait for it, or end it, and repeat") from None


def keep_snapshot(
    folder: Path, pages: Sequence[Page], people: Mapping[str, pa.Table], *, at: datetime, period: Period, currency: str
) -> Snapshot:
    """Write a look and make it the current one; of the others, all but the newest go.

    Parameters
    ----------
    people : tables about single customers, by name, each with a column `customer_id`; nothing else may name a customer.
    """
    kept = folder / f"{at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}"
    told = {"at": at, "since": period.since, "until": period.until}
    about = {name: moment.isoformat() for name, moment in told.items()}
    with one_writer(folder):
        kept.mkdir(exist_ok=True)
        for page in pages:
            _write(kept / f"{page.name}.json", page.as_json())
        for name, rows in people.items():
            parquet.write_table(rows, kept / f"{name}.parquet")
        _write(kept / "snapshot.json", about | {"pages": [page.name for page in pages], "currency": currency})
        _replace(folder / _CURRENT, kept.name)
        others = sorted(path for path in folder.iterdir() if path.is_dir() and path != kept)  # a clock may have been set back
        for older in others[: 1 - _KEPT]:
            shutil.rmtree(older)
    return Snapshot(folder=kept, at=at, period=period, names=tuple(page.name for page in pages), currency=currency)


def _write(path: Path, told: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(told, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
