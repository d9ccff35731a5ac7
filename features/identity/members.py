"""Who was whose at a time: reads what `identify` found."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.identity.timeline import NEVER
from features.lake import duckdb_session, literal, without_globs

MEMBERS_FILE = "members.parquet"


@dataclass(frozen=True, slots=True)
class Members:
    """The memberships of identifiers over time; without a file everyone is their own customer.

    Attributes
    ----------
    path : the file; it may be replaced by a newer one between two calls.
    """

    path: Path

    @classmethod
    def load(cls, folder: Path) -> "Members":
        """What `identify` wrote into a folder."""
        return cls(folder / MEMBERS_FILE)

    def expand(
        self, customers: npt.NDArray[np.object_], at: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]]:
        """All identifiers that were a customer's at a time, as known then.

        Who was another's customer by then is asked for as that customer; who no link had named by then, alone.

        Parameters
        ----------
        customers : customer_ids or identifiers, shape (n,).
        at : times in microseconds since 1970, shape (n,).

        Returns
        -------
        rows, identifiers
            Shape (m,), m >= n: identifier k is one of the customer in row `rows[k]`, ascending; every row has at least one.
        """
        if not self.path.exists() or not len(customers):
            return np.arange(len(customers)), customers.astype(object)
        asked = pa.table(
            {"row": np.arange(len(customers)), "name": pa.array(customers, pa.string()), "moment": pa.array(at, pa.int64())}
        )
        with duckdb_session() as connection:
            connection.register("asked", asked)
            found = connection.sql(_EXPANDED.format(members=memberships_in(self.path), never=NEVER)).to_arrow_table()
        return found["row"].to_numpy(), found["identifier"].to_numpy()

    def relation(self) -> str:
        """Which customer each linked identifier is today, as DuckDB SQL of (identifier, customer_id) to stand after FROM."""
        return f"(SELECT identifier, customer_id FROM {memberships_in(self.path)} WHERE valid_to IS NULL)"


def memberships_in(path: Path) -> str:
    """The memberships in a file, as DuckDB SQL to stand after FROM; without rows when there is no file."""
    if path.exists():
        return f"read_parquet({literal(without_globs(str(path)))})"
    times = ", ".join(f"0::BIGINT AS {name}" for name in ("since", "valid_from", "valid_to"))
    return f"(SELECT ''::VARCHAR AS identifier, ''::VARCHAR AS customer_id, {times} WHERE false)"


_EXPANDED = """
    WITH members AS (FROM {members}),
         named AS (
            SELECT row, moment, name, customer_id
            FROM asked LEFT JOIN members ON identifier = name AND valid_from <= moment AND moment < coalesce(valid_to, {never}))
    SELECT row, name AS identifier FROM named WHERE customer_id IS NULL
    UNION ALL
    SELECT row, members.identifier FROM named JOIN members USING (customer_id)
    WHERE valid_from <= moment AND moment < coalesce(valid_to, {never})
    ORDER BY row, identifier"""
