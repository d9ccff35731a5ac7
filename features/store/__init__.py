"""The only door to Feast: states over history for training, and online for decisions.

`FeatureStore` is the door itself. Behind it, `definitions` are what Feast registers and `registered` keeps so, `offline` is the
join as of given times. A state online is one value of bytes (`packing`), in `online_sqlite` or `online_redis`; `online` reads and
writes it for the service, `packed` for Feast.
"""

from features.store.definitions import definitions, history_path
from features.store.store import FeatureStore, Materialized, MaterializeReport

__all__ = ["FeatureStore", "MaterializeReport", "Materialized", "definitions", "history_path"]
