from features.catalogue import Catalogue, parse_catalogue
from features.tables import Feature, all_columns, feature_list
from features.tables.declared import TOTAL


def test_names_say_what_window_and_unit_once_each_and_none_ends_in_y(features: tuple[Feature, ...]) -> None:
    names = [feature.name for feature in features]
    columns = [column.name for column in all_columns(features)]
    assert len(set(names)) == len(names) and len(set(columns)) == len(columns)
    assert not [name for name in names + columns if name.endswith("_y")]
    assert not [feature.name for feature in features if not feature.name.endswith(f"_{feature.unit}")]


def test_every_feature_and_column_has_a_meaning_in_one_sentence(features: tuple[Feature, ...]) -> None:
    assert all(feature.meaning.endswith(".") and feature.meaning[0].isupper() for feature in features)
    assert all(column.meaning for column in all_columns(features))


def test_two_folds_of_one_name_are_one_fold(features: tuple[Feature, ...]) -> None:
    folds = [fold for feature in features for fold in feature.read.folds]
    assert len({fold.name for fold in folds}) == len(set(folds))


def test_a_small_catalogue_gives_a_hundred_features_or_so_and_always_the_same(catalogue: Catalogue) -> None:
    features = feature_list(catalogue)
    assert 80 <= len(features) <= 130
    assert [feature.name for feature in feature_list(catalogue)] == [feature.name for feature in features]
    assert TOTAL in {column.name for column in all_columns(features)}


def test_only_channels_of_the_catalogue_occur_and_responses_only_where_the_brand_makes_contact(catalogue: Catalogue) -> None:
    names = {feature.name for feature in feature_list(catalogue)}
    assert {"channel_web_30d_count", "channel_store_30d_count", "channel_email_30d_count"} <= names
    assert "channel_sms_30d_count" not in names
    assert "response_email_30d_rate" in names and "response_store_30d_rate" not in names


def test_traits_become_categories_with_their_codes_or_numbers(catalogue: Catalogue) -> None:
    by_name = {feature.name: feature for feature in feature_list(catalogue)}
    assert by_name["trait_age_category"].categories == ("young", "old")
    assert by_name["trait_income_number"].dtype == "float"


def test_a_catalogue_without_traits_or_recommendable_touchpoints_has_features_too() -> None:
    assert feature_list(parse_catalogue({"touchpoints": [{"name": "web.page", "stage": "awareness"}]}))
