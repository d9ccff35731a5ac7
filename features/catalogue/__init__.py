"""What the business configures, as TOML: touchpoints, objective, traits, contact caps, exploration."""

from features.catalogue.load import load_catalogue, parse_catalogue, parse_toml
from features.catalogue.model import Catalogue, Trait
from features.catalogue.objective import Exploration, Objective
from features.catalogue.rules import Cap
from features.catalogue.touchpoint import Touchpoint

__all__ = [
    "Cap",
    "Catalogue",
    "Exploration",
    "Objective",
    "Touchpoint",
    "Trait",
    "load_catalogue",
    "parse_catalogue",
    "parse_toml",
]
