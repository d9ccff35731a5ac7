"""Mandatory: what goes before all that is not, whenever it may be chosen at all."""

from collections.abc import Collection

from features.catalogue import Catalogue


def mandatory_among(catalogue: Catalogue, eligible: Collection[str]) -> list[str]:
    """Those of the eligible touchpoints that are mandatory; where there is one, nothing else may be chosen, `none` included."""
    return [touchpoint.name for touchpoint in catalogue.recommendable if touchpoint.mandatory and touchpoint.name in eligible]
