from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from curation_rows import WEEK, example, examples, group_on, kept, preference, said, words
from hypothesis import example as tried
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_pipeline.curation.curate import curate
from feedback_pipeline.curation.dataset_version import assemble
from feedback_pipeline.curation.leaks import by_kind, leaks
from feedback_pipeline.curation.meaning import alike_in_meaning, indexed_vectors
from feedback_pipeline.schemas import CURATED_EXAMPLES

TRAIN = example("x1", words(1), words(2), split="train", session_id="s1")
TEST = example("x2", words(3), words(4), split="test", session_id="s2")


@pytest.mark.parametrize(
    ("kind", "planted"),
    [
        ("group", {"group_id": TRAIN["group_id"]}),
        ("session", {"session_id": "s1"}),
        ("prompt", {"prompt": said("user", words(1) + " please")}),
        ("prompt", {"prompt": said("system", "Be brief.") + said("user", words(1).upper())}),
    ],
)
def test_a_planted_leak_is_found(kind, planted):
    assert leaks(kept(TRAIN, {**TEST, **planted})).rows() == [(kind, "x1", "x2")]


LONG = words(7, 13)


@pytest.mark.parametrize("shared", [13, 12])
def test_thirteen_words_in_a_row_are_a_leak_and_twelve_are_not(shared):
    asked = f"{words(8, 40)}. {' '.join(LONG.split()[:shared]).upper()}!"
    told = said("user", f"{LONG} {words(9, 40)}") + said("assistant", "Yes?") + said("user", words(10))
    found = leaks(kept({**TRAIN, "prompt": told}, {**TEST, "prompt": said("user", asked)}))
    assert found.rows() == ([("words", "x1", "x2")] if shared == 13 else [])


def test_a_form_that_many_users_fill_in_is_no_leak():
    filled = [
        example(f"x{n}", f"{LONG} {words(n + 20, 40)}", words(n), split="test" if n == 0 else "train")
        for n in range(12)
    ]
    few = leaks(kept(*filled[:10]))
    assert leaks(kept(*filled)).is_empty()
    assert by_kind(few) == {"group": 0, "session": 0, "prompt": 0, "words": 9}
    assert leaks(kept(*filled[:10]), decided=kept(*filled)).is_empty()


def test_a_leak_between_formats_is_found():
    pair = preference("x2", "Yes.", "No.", split="test", prompt=TRAIN["prompt"])
    assert leaks(kept(TRAIN, pair))["kind"].to_list() == ["prompt"]


def test_a_clean_dataset_has_none():
    assert leaks(kept(TRAIN, TEST)).is_empty()


def test_an_empty_dataset_has_none():
    assert leaks(CURATED_EXAMPLES.empty()).is_empty()


passages = st.lists(st.sampled_from([words(n, 7) for n in range(6)]), min_size=1, max_size=4).map(" ".join)


@settings(max_examples=40)
@given(passages, passages)
def test_a_planted_leak_is_found_whatever_is_planted(one, other):
    def runs(text):
        spoken = text.split()
        return {tuple(spoken[i : i + 13]) for i in range(len(spoken) - 12)}

    found = leaks(kept({**TRAIN, "prompt": said("user", one)}, {**TEST, "prompt": said("user", other)}))
    assert ("words" in found["kind"]) == bool(runs(one) & runs(other))


SIDES = [group_on("train"), group_on("train", 1), group_on("test"), group_on("test", 1)]
questions = st.lists(st.sampled_from(["hold", "the", "lamp", "reset"]), min_size=1, max_size=5).map(" ".join)
week = st.lists(
    st.tuples(st.integers(0, 15), questions, st.sampled_from(SIDES), st.integers(0, 9)),
    max_size=8,
    unique_by=lambda row: row[0],
)


@settings(max_examples=60)
@given(st.lists(week, min_size=1, max_size=3))
# Polars once panicked on the columns that these weeks give.
@tried(
    [
        [(5, "the hold", SIDES[2], 3)],
        [
            (7, "reset hold reset hold hold", SIDES[2], 6),
            (13, "lamp hold lamp lamp", SIDES[1], 3),
            (10, "the hold hold hold the", SIDES[1], 1),
        ],
        [(6, "lamp hold", SIDES[1], 8), (1, "reset", SIDES[2], 2)],
    ]
)
def test_whatever_three_weeks_bring_the_dataset_is_clean(weeks):
    decided = CURATED_EXAMPLES.empty()
    for i, drawn in enumerate(weeks):
        monday = WEEK + timedelta(weeks=i)
        candidates = examples(
            *(
                example(f"x{n}", question, words(n), group_id=group, session_id=f"s{session}")
                for n, question, group, session in drawn
            )
        )
        history = assemble(decided, monday - timedelta(weeks=1))
        week_rows = curate(candidates, candidates["interaction_id"], history, monday)
        decided = decided.vstack(week_rows)
        assert leaks(assemble(decided, monday)).is_empty()


def test_paraphrases_are_told_and_what_has_no_vector_is_not_compared():
    shown = kept(TRAIN, TEST, example("x3", split="train"), example("x4", split="train"))
    vectors = {"i-x1": [0.8, 0.6], "i-x2": [0.79, 0.6131], "i-x3": [1.0, 0.0]}
    frame = pl.DataFrame(
        {"interaction_id": list(vectors), "vector": list(vectors.values())},
        schema={"interaction_id": pl.String, "vector": pl.Array(pl.Float32, 2)},
    )
    assert alike_in_meaning(shown, frame).select("train_example_id", "test_example_id").rows() == [("x1", "x2")]
    assert alike_in_meaning(shown.filter(pl.col("split") == "train"), frame).is_empty()
    assert alike_in_meaning(shown, frame.clear()).is_empty()


class Lengths:
    """An encoder whose vectors are of one number."""

    name, version, dimension = "lengths", "1", 1

    def encode(self, texts):
        return np.ones((len(texts), 1), dtype=np.float32)


def test_without_an_index_there_are_no_vectors(tmp_path):
    assert indexed_vectors(tmp_path / "none", Lengths(), kept(TRAIN)).is_empty()
