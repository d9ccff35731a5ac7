"""What touchpoint intelligence looks at, and from where on it says so."""

from pydantic import Field

from features.catalogue.table import CatalogueTable


class Insights(CatalogueTable):
    """How history is read by `touchpoint report`."""

    days: float = Field(180, gt=0, le=3650, description="how far back is looked; as many days before are compared with")
    journey_gap_days: float = Field(30, gt=0, le=365, description="a customer silent for so long begins a new journey")
    attribution_days: float = Field(
        90, gt=0, le=730, description="touchpoints within this time before a conversion share its credit"
    )
    half_life_days: float = Field(7, gt=0, le=365, description="of credit that decays with time")
    small_count: int = Field(30, ge=0, description="rates of fewer are drawn to the mean of their like, and say so; 0 draws none")
    answer_days: float = Field(7, gt=0, le=90, description="a complaint or bad rating without an answer for so long is a finding")
    conflict_days: float = Field(7, gt=0, le=90, description="different offers to one customer within this time are a finding")
