"""Features as columns: products, names, and what no name may change."""

import numpy as np
import pytest

from training.personalizer.hashing import BITS, column_count, columns_of, named, stacked
from training.personalizer.question import Action, RankQuestion

NEWS = Action("news", [{"kind": "text"}])


def test_a_row_has_context_and_action_and_the_products_of_both() -> None:
    (row,) = columns_of([{"cart": 3.0}], [Action("a", [{"price": 5.0}])])
    # context 1 and 3; action 1, price 5 and its id 1: 2 x 3 products, less the one of both constants
    assert sorted(row.value.tolist()) == [1.0, 3.0, 3.0, 5.0, 15.0]
    assert row.index.min() >= 0 and row.index.max() < 2**BITS


def test_the_same_names_fall_into_the_same_columns_wherever_they_stand() -> None:
    (first,) = columns_of([{"a": 1, "b": 2}], [NEWS])
    (second,) = columns_of([{"b": 2}, {"a": 1}], [NEWS])
    pairs = [sorted(zip(row.index.tolist(), row.value.tolist(), strict=True)) for row in (first, second)]
    assert pairs[0] == pairs[1]


def test_a_feature_of_the_context_is_another_one_than_that_of_an_action() -> None:
    (row,) = columns_of([{"colour": "red"}], [Action("a", [{"colour": "red"}])])
    assert len(set(row.index.tolist())) == len(row.index)


def test_names_tell_objects_lists_and_texts_apart() -> None:
    features = [{"a": {"b": 1}}, {"a": [1]}, {"a": "b"}, {"a": True}, {"a": "true"}, {"a": None}]
    assert [next(named(each))[0] for each in features] == ["/a/b", "/a/0", "/a=b", "/a=true", "/a=true", "/a=null"]


def test_columns_are_counted_before_they_are_made() -> None:
    actions = (NEWS, Action("b", [{"x": [1, 2, 3], "_hidden": 5}]))
    question = RankQuestion([{"a": 1, "b": "c"}], actions)
    assert column_count(question) == sum(len(row.index) + 1 for row in columns_of(question.context, actions)) == 3 * 3 + 3 * 5


def test_rows_are_stacked_into_one_sparse_matrix() -> None:
    rows = columns_of([{"a": 2}], [NEWS, Action("b", [{}])])
    ends, columns, values = stacked(rows)
    assert ends.tolist() == [0, 5, 8]
    assert np.array_equal(columns[5:], rows[1].index) and np.array_equal(values[:5], rows[0].value)


@pytest.mark.parametrize("text", ["ü", "\ud800", "a=b", "x" * 5000])
def test_any_text_has_a_column(text: str) -> None:
    (row,) = columns_of([{text: text}], [NEWS])
    assert len(row.index) == 5
