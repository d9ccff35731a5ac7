"""One customer read alone gives the very bits that many customers read together do."""

import random
from typing import Any

import numpy as np

from features.tables import Feature, SingleReader, State, all_columns, matrix, read, stacked
from features.tables.state import STATE_AT

BEGIN, SPAN = 1_700_000_000_000_000, 10**14
TEXTS = (None, "purchase", "web", "old", "12.5", "nan", "1e999", "")


def some_state(features: tuple[Feature, ...], rng: random.Random) -> State:
    made: State = {}
    for column in all_columns(features):
        number = rng.choice((0.0, rng.uniform(0.0, 1e6), rng.uniform(0.0, 1e-6)))
        time_or_count = rng.choice((rng.randrange(5), BEGIN + rng.randrange(SPAN)))
        given: Any = {"text": rng.choice(TEXTS), "float": number, "int": time_or_count}[column.dtype]
        made[column.name] = None if column.initial is None and rng.random() < 0.3 else given
    return made | {STATE_AT: rng.choice((0, BEGIN, BEGIN + rng.randrange(SPAN)))}


def test_one_customer_read_alone_has_the_values_of_many_read_together(features: tuple[Feature, ...]) -> None:
    rng = random.Random(11)
    states = [some_state(features, rng) for _ in range(200)]
    at = np.array([BEGIN + rng.randrange(-SPAN, 2 * SPAN) for _ in states])
    together = read(features, stacked(features, states), at)
    rows = matrix(features, together)
    reader = SingleReader(features)
    for index, state in enumerate(states):
        values, row = reader.read(state, int(at[index]))
        np.testing.assert_array_equal(row[0], rows[index])
        assert values == {name: known(column[index]) for name, column in together.items()}
        assert list(values) == [feature.name for feature in features]


def known(value: Any) -> Any:
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
