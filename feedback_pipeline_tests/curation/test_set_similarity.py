import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_pipeline.curation.set_similarity import first_near_duplicate, near_duplicate_of

# Few words, so that random texts overlap; sizes at which a threshold is met exactly are among them.
texts = st.lists(st.lists(st.sampled_from("abcd"), max_size=14).map(" ".join), max_size=25)
thresholds = st.sampled_from([0.5, 0.7])


def trigrams(text):
    words = text.split()
    return {tuple(words)} if 0 < len(words) < 3 else set(zip(words, words[1:], words[2:], strict=False))


def similar(one, other, threshold):
    shared, either = trigrams(one) & trigrams(other), trigrams(one) | trigrams(other)
    return bool(either) and 10 * len(shared) >= round(10 * threshold) * len(either)


@settings(max_examples=300)
@given(texts, thresholds)
def test_first_near_duplicate_equals_comparing_every_text_with_every_kept_one(given, threshold):
    expected = []
    for i, text in enumerate(given):
        kept = (j for j in range(i) if expected[j] < 0 and similar(given[j], text, threshold))
        expected.append(next(kept, -1))
    assert first_near_duplicate(pl.Series(given, dtype=pl.String), threshold).tolist() == expected


@settings(max_examples=300)
@given(texts, texts, thresholds)
def test_near_duplicate_of_equals_comparing_every_query_with_every_text(queries, against, threshold):
    expected = [next((j for j, text in enumerate(against) if similar(query, text, threshold)), -1) for query in queries]
    found = near_duplicate_of(pl.Series(queries, dtype=pl.String), pl.Series(against, dtype=pl.String), threshold)
    assert found.tolist() == expected


@settings(max_examples=100)
@given(texts, texts, thresholds, st.integers(1, 120))
def test_part_by_part_the_join_finds_what_it_finds_as_a_whole(queries, against, threshold, part_bytes):
    asked, known = pl.Series(queries, dtype=pl.String), pl.Series(against, dtype=pl.String)
    assert (
        first_near_duplicate(known, threshold, part_bytes).tolist() == first_near_duplicate(known, threshold).tolist()
    )
    assert (
        near_duplicate_of(asked, known, threshold, part_bytes).tolist()
        == near_duplicate_of(asked, known, threshold).tolist()
    )


def test_a_part_of_a_longer_series_is_read_from_its_own_start():
    given = pl.Series(["a b c d", "x y z", "p q r", "x y z", None])
    assert first_near_duplicate(given[1:], 0.7).tolist() == [-1, -1, 0, -1]


def test_words_beyond_ascii_are_words():
    assert near_duplicate_of(
        pl.Series(["größe des fußes"]), pl.Series(["grösse des fußes", "größe des fußes"]), 0.7
    ) == [1]


def test_a_flood_of_one_template_leaves_one():
    flood = pl.Series([f"{'to pair the lamp hold its button ' * 5} order{i}" for i in range(20_000)])
    assert (first_near_duplicate(flood, 0.7) < 0).sum() == 1


@pytest.mark.parametrize("threshold", [0, 1.1])
def test_a_threshold_that_is_no_similarity_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        first_near_duplicate(pl.Series(["a"]), threshold)
