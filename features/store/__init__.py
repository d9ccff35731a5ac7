"""The only door to Feast: states over history for training, and online for decisions.

`FeatureStore` is the door itself. Behind it, `definitions` are what Feast registers and `registered` opens, `offline` is the join
as of given times, and `online` reads and writes the rows that lie in `online_sqlite` or `online_redis`.
"""

from features.store.definitions import definitions, history_path
from features.store.store import FeatureStore, Materialized, MaterializeReport

__all__ = ["FeatureStore", "MaterializeReport", "Materialized", "definitions", "history_path"]
