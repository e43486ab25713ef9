from datetime import timedelta

import polars as pl
import pytest
from curation_rows import WEEK, Topics, example, examples, group_on, kept, preference, said, words
from hypothesis import example as tried
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_pipeline.curation.curate import curate
from feedback_pipeline.curation.dataset_version import assemble
from feedback_pipeline.curation.leaks import KINDS, by_kind, leaks
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


@pytest.mark.parametrize(
    ("trained", "tested"),
    [
        ("请问你们的退货政策是什么？我上周买的耳机坏了", "你好，请问你们的退货政策是什么？上周买的耳机坏了"),
        ("パスワードをリセットするにはどうすればいいですか", "パスワードをリセットするにはどうしたらいいですか？"),
        ("ฉันจะรีเซ็ตรหัสผ่านของฉันได้อย่างไร", "จะรีเซ็ตรหัสผ่านของฉันได้อย่างไรครับ"),
    ],
)
def test_nearly_the_same_question_is_a_leak_where_writing_has_no_spaces(trained, tested):
    other = {**TEST, "prompt": said("user", "打印机怎么连接无线网络？")}
    found = leaks(kept({**TRAIN, "prompt": said("user", trained)}, {**TEST, "prompt": said("user", tested)}))
    assert "prompt" in found["kind"].to_list()
    assert leaks(kept({**TRAIN, "prompt": said("user", trained)}, other)).is_empty()


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
    assert by_kind(few) == dict.fromkeys(KINDS, 0) | {"words": 9}
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


@pytest.mark.parametrize("asked", ["the desk lamp how may it be reset", "resetting the lamp how is that done"])
def test_a_planted_paraphrase_is_found(asked):
    planted = kept(
        {**TRAIN, "prompt": said("user", "How do I reset the lamp?")}, {**TEST, "prompt": said("user", asked)}
    )
    assert leaks(planted, encoder=Topics()).rows() == [("meaning", "x1", "x2")]
    assert leaks(planted).is_empty()


def test_what_is_trained_on_must_not_meet_what_was_ever_tested_on_nor_the_other_way_round():
    was_tested = {**TEST, "example_id": "x3", "prompt": TRAIN["prompt"]}
    was_trained = {**TRAIN, "example_id": "x4", "prompt": TEST["prompt"]}
    before = kept(TRAIN, TEST, was_tested, was_trained)
    assert leaks(kept(TRAIN), decided=before).rows() == [("prompt", "x1", "x3")]
    assert leaks(kept(TEST), decided=before).rows() == [("prompt", "x4", "x2")]
    never_tested = {**was_tested, "kept": False, "filter_reason": "near_duplicate"}
    assert leaks(kept(TRAIN), decided=examples(never_tested)).is_empty()


# Id, question and user, as an index of `SIDES`.
IN_ONE_SESSION = ((0, "hold", 1), (1, "hold", 4), (2, "hold", 2), (3, "hold", 0), (4, "the", 4))
SIDES = [group_on(side, seed) for side in ("train", "test") for seed in range(4)]
questions = st.lists(st.sampled_from(["hold", "the", "lamp", "reset", "9"]), min_size=1, max_size=5).map(" ".join)
week = st.lists(
    st.tuples(st.integers(0, 15), questions, st.sampled_from(SIDES), st.integers(0, 9)),
    max_size=12,
    unique_by=lambda row: row[0],
)


def curated(drawn, monday, history, seen):
    """A week's decisions on what was drawn: id, question, user, session."""
    candidates = examples(
        *(
            example(f"x{n}", question, words(n), group_id=group, session_id=f"s{session}")
            for n, question, group, session in drawn
        )
    )
    return curate(candidates, candidates["interaction_id"], history, monday, seen=seen, encoder=Topics())


@settings(max_examples=25)
@given(st.lists(week, min_size=1, max_size=3))
# Polars once panicked on the columns that these weeks give.
@tried(
    [
        [(5, "the hold", SIDES[4], 3)],
        [
            (7, "reset hold reset hold hold", SIDES[4], 6),
            (13, "lamp hold lamp lamp", SIDES[1], 3),
            (10, "the hold hold hold the", SIDES[1], 1),
        ],
        [(6, "lamp hold", SIDES[1], 8), (1, "reset", SIDES[4], 2)],
    ]
)
def test_whatever_three_weeks_bring_the_dataset_is_clean_of_all_that_was_ever_on_the_other_side(weeks):
    decided = CURATED_EXAMPLES.empty()
    for i, drawn in enumerate(weeks):
        monday = WEEK + timedelta(weeks=i)
        history, seen = assemble(decided, monday - timedelta(weeks=1)), decided.filter("kept")
        decided = decided.vstack(curated(drawn, monday, history, seen))
        assert leaks(assemble(decided, monday), decided, Topics()).is_empty()


@settings(max_examples=20)
@given(week.filter(bool))
# Here the train examples had to go themselves, for the session that they share with another test example.
@tried([(n, question, SIDES[side], 0) for n, question, side in IN_ONE_SESSION])
def test_what_is_left_out_for_a_question_really_meets_the_other_side(drawn):
    found = curated(drawn, WEEK, CURATED_EXAMPLES.empty(), None)
    for row in found.filter(pl.col("filter_reason").str.contains("_of_test|question_in_train")).iter_rows(named=True):
        again = kept({**row, "filter_reason": None}, *found.filter("kept").iter_rows(named=True))
        assert {"prompt", "meaning"} & set(leaks(again, encoder=Topics())["kind"])
