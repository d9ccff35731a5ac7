"""What `feast apply` registers: the objects that features.store makes of the feature list, and nothing of its own.

Run with TOUCHPOINT_HOME set to an absolute path, as feature_store.yaml needs it.
"""

from features.catalogue import load_catalogue
from features.settings import load_settings
from features.store import definitions
from features.tables import feature_list

_settings = load_settings()
entity, history, push, view, service = definitions(feature_list(load_catalogue(_settings.catalogue_path)), _settings.feast_path)
