import numpy as np
import pytest

from features.errors import TrainingError
from training.attribution.paths import paths_of


def test_written_paths_become_arrays_and_equal_ones_count_together():
    paths = paths_of(["a > b > a", "b", "a > b > a"], conversions=np.array([1.0, 2.0, 3.0]), values=np.array([5.0, 6.0, 7.0]))
    assert paths.names == ("a", "b")
    assert paths.codes.tolist() == [0, 1, 0, 1]
    assert paths.lengths.tolist() == [3, 1]
    assert paths.owners.tolist() == [0, 0, 0, 1]
    assert paths.conversions.tolist() == [4.0, 2.0]
    assert paths.values.tolist() == [12.0, 6.0]
    assert paths.nulls.tolist() == [0.0, 0.0]


def test_a_mask_keeps_whole_paths():
    paths = paths_of(["a > b", "b", "b > c"], conversions=np.array([1.0, 0.0, 2.0]), nulls=np.array([0.0, 4.0, 1.0]))
    kept = paths.converting()
    assert kept.codes.tolist() == [0, 1, 1, 2]
    assert kept.offsets.tolist() == [0, 2, 4]
    assert kept.conversions.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("written", "conversions", "said"),
    [
        (["a > > b"], [1.0], "without a name"),
        ([""], [1.0], "without a name"),
        (["a", None], [1.0, 1.0], "1 of 2 paths are missing"),
        (["a"], [1.0, 2.0], "one per path"),
        (["a"], [-1.0], "not negative"),
        (["a"], [float("nan")], "finite"),
    ],
)
def test_what_is_no_path_is_refused_and_told(written, conversions, said):
    with pytest.raises(TrainingError, match=said):
        paths_of(written, conversions=np.array(conversions))


def test_no_paths_are_paths_too():
    paths = paths_of([], conversions=np.zeros(0))
    assert (len(paths), paths.names) == (0, ())
