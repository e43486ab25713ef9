import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_pipeline.recall.nearest import ROWS, Nearest


def of_length_1(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def looked_at(questions, batches, k):
    found = Nearest(questions, k)
    for batch in batches:
        found.look_at(batch)
    return found


@given(
    seed=st.integers(0, 999),
    k=st.integers(1, 12),
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=4),
    distinct=st.integers(1, 300),
    narrow=st.sampled_from([1.0, 0.1, 0.001]),
)
@settings(max_examples=60, deadline=None)
def test_the_nearest_are_those_of_a_plain_search_whatever_is_alike_or_the_same(seed, k, sizes, distinct, narrow):
    random = np.random.default_rng(seed)
    # Around one direction, so that bfloat16 tells few apart; some of them several times.
    kinds = of_length_1(np.ones(48) + narrow * random.normal(size=(distinct, 48)))
    stored = kinds[random.integers(0, distinct, sum(sizes))]
    questions = of_length_1(np.ones(48) + narrow * random.normal(size=(5, 48)))

    found = looked_at(questions, np.split(stored, np.cumsum(sizes)[:-1]), k)

    exact = questions.astype(np.float64) @ stored.astype(np.float64).T
    expected = -np.sort(-exact, axis=1)[:, :k]
    kept = expected.shape[1]
    assert found.similarities[:, :kept] == pytest.approx(expected, abs=1e-6)
    assert np.take_along_axis(exact, found.places[:, :kept], axis=1) == pytest.approx(expected, abs=1e-6)
    assert all(len(set(places)) == kept for places in found.places[:, :kept].tolist())
    assert (found.places[:, kept:] == -1).all()


def test_many_questions_and_large_batches_are_looked_at_part_by_part():
    random = np.random.default_rng(0)
    stored = of_length_1(random.normal(size=(2 * ROWS + 7, 16)))
    questions = of_length_1(random.normal(size=(2_500, 16)))

    found = looked_at(questions, [stored[:5_000], stored[5_000:]], 3)

    expected = np.argsort(-(questions @ stored.T), axis=1, kind="stable")[:, :3]
    assert (found.places == expected).mean() > 0.999
    best = np.take_along_axis(questions @ stored.T, expected, axis=1)
    assert found.similarities == pytest.approx(best, abs=1e-6)


def test_of_the_same_vectors_the_first_are_found():
    same = of_length_1(np.ones((40, 8)))

    assert looked_at(same[:1], [same[:15], same[15:]], 4).places.tolist() == [[0, 1, 2, 3]]


def test_the_nearest_is_found_though_bfloat16_rounds_it_below_another():
    # 1 / sqrt(1017) lies just below the middle of two numbers of bfloat16, so that all products are rounded down:
    # 1 becomes 0.993, and the 0.9988 of the others, half of whose numbers are rounded up, 0.997.
    equal, uneven = np.zeros((2, 1024))
    equal[:1017] = 1
    uneven[:1017:2], uneven[1:1017:2] = 0.95, 1.05
    stored = of_length_1(np.stack([uneven] * 200 + [equal]))
    questions = of_length_1(np.stack([equal] * 64))

    found = looked_at(questions, [stored], 1)

    assert found.places.tolist() == [[200]] * 64
    assert found.similarities == pytest.approx(np.ones((64, 1)))
