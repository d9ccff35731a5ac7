"""Looks at small lakes, and series, that a test can work out by hand."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.insights.changes import Measure, Part, Series
from features.insights.look import Look
from features.insights.period import Period
from features.lake import Lake
from features.lake_tables import SCHEMAS

CATALOGUE = {"touchpoints": [{"name": "web.home", "stage": "awareness"}, {"name": "email.offer", "stage": "consideration"}]}
Row = tuple[float, str, str, str]


@pytest.fixture
def look_of(tmp_path: Path) -> Callable[..., Look]:
    """A look at interactions given as (days after 1 January 2026, customer, touchpoint, kind), each purchase worth 10."""

    def made(rows: Iterable[Row], *, until: datetime, period_until: datetime | None = None, source: str = "shop") -> Look:
        lake = Lake(tmp_path / "lake")
        given = list(rows)
        if given:
            lake.append("interactions", _table(given, source))
        period = Period.last(180, until=period_until or until)
        return Look(lake=lake, catalogue=parse_catalogue(CATALOGUE), period=period, now=until, known_until=until)

    return made


@pytest.fixture(scope="session")
def series_of() -> Callable[..., Series]:
    """A series of the given counts from Monday, 6 January 2025 on."""

    def made(counts: Iterable[float], *, exposure: np.ndarray | None = None, name: str = "web.home") -> Series:
        measure = Measure.VOLUME if exposure is None else Measure.CONVERSION
        values = np.asarray(list(counts), dtype=float)
        return Series(measure=measure, part=Part.TOUCHPOINT, name=name, first=date(2025, 1, 6), counts=values, exposure=exposure)

    return made


def _table(rows: list[Row], source: str) -> pa.Table:
    at = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days) for days, *_ in rows]
    columns = {
        "message_id": [str(number) for number in range(len(rows))],
        "customer_id": [customer for _, customer, _, _ in rows],
        "touchpoint": [touchpoint for _, _, touchpoint, _ in rows],
        "channel": [touchpoint.split(".")[0] for _, _, touchpoint, _ in rows],
        "kind": [kind for *_, kind in rows],
        "at": at,
        "received_at": at,
        "value": [10.0 if kind == "purchase" else None for *_, kind in rows],
        "source": [source] * len(rows),
        "position": list(range(1, len(rows) + 1)),
    }
    schema = SCHEMAS["interactions"]
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
