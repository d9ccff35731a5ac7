"""Profiles of one person are found, strangers are not, and it is the same each time."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.linking import quality_of
from features.domain import LinkAction
from features.errors import CaptureError, ConfigurationError, TrainingError
from features.identity.linkage import ColumnKind, LinkageSettings, read_profiles
from features.identity.probabilistic import SOURCE, links_of_suggestions, suggest_links

NOW = datetime(2026, 3, 1, tzinfo=UTC)
COLUMNS = ("first_name", "surname", "dob", "city", "email")
PEOPLE = 250
SYLLABLES = ("ba", "ko", "li", "mu", "ne", "ra", "si", "to", "ve", "zu")


def person(rng: np.random.Generator) -> dict[str, str | None]:
    first, last = ("".join(rng.choice(SYLLABLES, 3)) for _ in range(2))
    born = f"{rng.integers(1940, 2005)}-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}"
    city = str(rng.choice(["London", "Leeds", "Hull", "York", "Bath"]))
    return {"first_name": first, "surname": last, "dob": born, "city": city, "email": f"{first}.{last}@example.com"}


def mistyped(text: str, rng: np.random.Generator) -> str:
    k = int(rng.integers(0, len(text) - 1))
    return text[:k] + text[k + 1] + text[k] + text[k + 2 :]


@pytest.fixture(scope="module")
def profiles() -> pa.Table:
    """Everybody has two profiles, `…a` and `…b`; the second has one mistyped field and, for a third of them, lacks another."""
    rng = np.random.default_rng(7)
    rows = []
    for k in range(PEOPLE):
        first = person(rng)
        second = dict(first)
        wrong, lacking = rng.choice(COLUMNS[:2] + COLUMNS[4:], 2, replace=False)
        second[wrong] = mistyped(str(second[wrong]), rng)
        if k % 3 == 0:
            second[lacking] = None
        rows += [{"customer_id": f"p{k}a", **first}, {"customer_id": f"p{k}b", **second}]
    return pa.Table.from_pylist([rows[k] for k in rng.permutation(len(rows))])


@pytest.fixture(scope="module")
def suggestions(profiles):
    return suggest_links(profiles, LinkageSettings.for_columns(profiles.column_names), seed=1, now=NOW)


def test_profiles_of_one_person_are_found_and_strangers_are_not(suggestions):
    right = {(pair.left, pair.right) for pair in suggestions.accepted if pair.left[:-1] == pair.right[:-1]}
    assert len(right) >= 0.97 * PEOPLE
    assert len(suggestions.accepted) - len(right) <= 0.03 * PEOPLE


def test_the_probability_is_that_of_the_weights_and_no_value_is_shown(suggestions):
    prior_bits = np.log2(suggestions.prior / (1 - suggestions.prior))
    for pair in (*suggestions.accepted[-5:], *suggestions.to_review[:5]):
        odds = 2.0 ** (prior_bits + sum(pair.weights.values()))
        assert pair.probability == pytest.approx(odds / (1 + odds), abs=0.002)
        assert set(pair.weights) == set(COLUMNS) and pair.left < pair.right
    assert "example.com" not in repr(suggestions)


def test_pairs_are_sorted_by_the_two_thresholds(profiles, suggestions):
    assert all(pair.probability >= 0.8 for pair in suggestions.accepted)
    assert all(0.3 <= pair.probability < 0.8 for pair in suggestions.to_review)
    with pytest.raises(ConfigurationError, match="not in order"):
        given = LinkageSettings.for_columns(profiles.column_names)
        suggest_links(profiles, given, threshold=0.5, review_threshold=0.6, seed=1, now=NOW)


def test_the_same_profiles_and_seed_give_the_same_suggestions_in_any_order(profiles, suggestions):
    turned = profiles.take(list(range(len(profiles)))[::-1])
    for given in (profiles, turned):
        assert suggest_links(given, LinkageSettings.for_columns(profiles.column_names), seed=1, now=NOW) == suggestions


def test_what_was_learnt_is_told_by_column(suggestions):
    exact = next(level for level in suggestions.levels if level.column == "dob" and "Exact" in level.agreement)
    assert exact.one_person > 0.9 and exact.two_people < 0.01
    assert suggestions.prior == pytest.approx(PEOPLE / (500 * 499 / 2), rel=0.5)


def test_a_pair_found_again_is_the_same_fact(suggestions):
    links = links_of_suggestions(suggestions)
    later = links_of_suggestions(type(suggestions)((*suggestions.accepted,), (), 0, 0.0, (), datetime(2027, 1, 1, tzinfo=UTC)))
    assert [link.link_id for link in links] == [link.link_id for link in later]
    assert {(link.action, link.source) for link in links} == {(LinkAction.LINK, SOURCE)}
    assert len({link.link_id for link in links}) == len(links)


def test_common_values_block_only_together_with_others(profiles):
    settings = LinkageSettings({"first_name": ColumnKind.FORENAME, "surname": ColumnKind.SURNAME, "dob": ColumnKind.BIRTH_DATE})
    few = LinkageSettings(settings.columns, most_pairs=400)
    wide, narrow = (suggest_links(profiles, each, seed=1, now=NOW) for each in (settings, few))
    assert narrow.compared < wide.compared
    assert len(narrow.accepted) > 0.9 * len(wide.accepted)


def test_profiles_that_cannot_be_used_are_refused_with_the_reason(profiles):
    settings = LinkageSettings.for_columns(profiles.column_names)
    with pytest.raises(CaptureError, match="no column 'email'"):
        suggest_links(profiles.drop_columns(["email"]), settings, seed=1, now=NOW)
    with pytest.raises(CaptureError, match="stand twice"):
        suggest_links(pa.concat_tables([profiles, profiles.slice(0, 1)]), settings, seed=1, now=NOW)
    with pytest.raises(TrainingError, match="hardly any two"):
        suggest_links(profiles.slice(0, 3), settings, seed=1, now=NOW)
    with pytest.raises(ConfigurationError, match="name at least two"):
        LinkageSettings.for_columns(["customer_id", "email", "shoe_size"])


def test_profiles_are_read_as_text_from_csv_and_parquet(tmp_path):
    path = tmp_path / "profiles.csv"
    path.write_text("customer_id,dob,zip\n007,1990-01-02,01234\n8,,\n", encoding="utf-8")
    rows = [{"customer_id": "007", "dob": "1990-01-02", "zip": "01234"}, {"customer_id": "8", "dob": None, "zip": None}]
    assert read_profiles(path).to_pylist() == rows
    with pytest.raises(CaptureError, match="no such file"):
        read_profiles(tmp_path / "none.csv")
    with pytest.raises(CaptureError, match=r"are read from \.csv"):
        read_profiles(tmp_path / "profiles.xlsx")


def test_public_profiles_are_linked_as_well_as_the_project_promises(public_data):
    assert quality_of(public_data("splink_identity/fake_1000.csv.gz").parent)["f1_at_the_default_threshold"] >= 0.95
