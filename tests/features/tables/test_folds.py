import pytest

from features.errors import ConfigurationError
from features.tables.feature import Feature
from features.tables.folds import Count, DecayedSum
from features.tables.reads import Plain


def test_a_half_life_that_would_overflow_over_long_histories_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"half-life of 6\.9 days overflows"):
        DecayedSum("any_7d_count", 6.9)


def test_a_feature_name_that_the_store_would_lose_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ending in '_y'"):
        Feature("recency_y", "float", "y", "Lost.", Plain(Count("n")))


def test_a_category_without_categories_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="lists its categories"):
        Feature("stage_last_category", "category", "category", "Nothing.", Plain(Count("n")))
