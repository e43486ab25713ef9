import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedback_pipeline.recall import nearest
from feedback_pipeline.recall.nearest import Nearest
from feedback_pipeline.recall.rough import ROWS, InBytes, InFloats, rough_cosines


@pytest.fixture(params=[rough_cosines, InFloats], ids=["this_processor's", "any_processor's"])
def each_product(request, monkeypatch):
    monkeypatch.setattr(nearest, "rough_cosines", request.param)


def of_length_1(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def looked_at(questions, batches, k):
    found = Nearest(questions, k)
    for batch in batches:
        found.look_at(batch)
    return found


@pytest.mark.usefixtures("each_product")
@given(
    seed=st.integers(0, 999),
    k=st.integers(1, 12),
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=4),
    distinct=st.integers(1, 300),
    narrow=st.sampled_from([1.0, 0.1, 0.001]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_nearest_are_those_of_a_plain_search_whatever_is_alike_or_the_same(seed, k, sizes, distinct, narrow):
    random = np.random.default_rng(seed)
    # Around one direction, so that bytes and bfloat16 tell few apart; some of them several times.
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


@pytest.mark.usefixtures("each_product")
def test_many_questions_and_large_batches_are_looked_at_part_by_part():
    random = np.random.default_rng(0)
    stored = of_length_1(random.normal(size=(2 * ROWS + 7, 16)))
    questions = of_length_1(random.normal(size=(2_500, 16)))

    found = looked_at(questions, [stored[:5_000], stored[5_000:]], 3)

    expected = np.argsort(-(questions @ stored.T), axis=1, kind="stable")[:, :3]
    assert (found.places == expected).mean() > 0.999
    best = np.take_along_axis(questions @ stored.T, expected, axis=1)
    assert found.similarities == pytest.approx(best, abs=1e-6)


@pytest.mark.usefixtures("each_product")
def test_of_the_same_vectors_the_first_are_found():
    same = of_length_1(np.ones((40, 8)))

    assert looked_at(same[:1], [same[:15], same[15:]], 4).places.tolist() == [[0, 1, 2, 3]]


@pytest.mark.usefixtures("each_product")
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


@pytest.mark.usefixtures("each_product")
def test_the_nearest_is_found_though_bytes_round_it_below_another():
    # The one number of 1 makes a step of 1 / 127, of which the numbers of the nearest are a little less than a half,
    # and are all rounded down to nothing; those of the other are rounded up.
    large, nearest_one, other = np.zeros((3, 90_000), dtype=np.float32)
    large[0] = 1
    nearest_one[1:] = 0.0033
    other[1:50_000] = 0.00447
    questions = np.stack([nearest_one] * 64)

    found = looked_at(questions, [np.stack([large, *[other] * 200, nearest_one])], 1)

    assert found.places.tolist() == [[201]] * 64


@pytest.mark.parametrize("product", [InBytes, InFloats])
@given(
    seed=st.integers(0, 999),
    dimension=st.integers(2, 200),
    largest=st.sampled_from([0.0, 0.5, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_rough_cosines_are_off_by_less_than_they_say(product, seed, dimension, largest):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(60, dimension))
    vectors[:, 0] += largest * 100
    vectors = of_length_1(vectors)
    questions, stored = vectors[:20], vectors[20:]
    if product is InBytes and not isinstance(rough_cosines(questions), InBytes):
        pytest.skip("this processor multiplies bytes inexactly")

    [(part, values, _, unit, error)] = product(questions).cosines(stored)

    exact = questions[part].astype(np.float64) @ stored.astype(np.float64).T
    assert np.abs(values * np.float64(unit) - exact).max() < error
