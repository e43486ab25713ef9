import polars as pl
import pytest
from curation_rows import (
    NEXT_WEEK,
    WEEK,
    Topics,
    example,
    examples,
    group_on,
    kept,
    later,
    preference,
    reasons,
    said,
    words,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from feedback_pipeline.curation.curate import curate
from feedback_pipeline.curation.splits import assign_split, side_of
from feedback_pipeline.curation.trust_policy import TrustPolicy
from feedback_pipeline.schemas import CURATED_EXAMPLES

TRAIN, TEST = group_on("train"), group_on("test")
NOTHING = CURATED_EXAMPLES.empty()


def curated(*candidates, history=NOTHING, touched=(), week=NEXT_WEEK, **more):
    return curate(examples(*candidates), pl.Series(touched, dtype=pl.String), history, week, **more)


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (example(question=" \n"), "empty_prompt"),
        (example(prompt=said("system", "Be brief.")), "empty_prompt"),
        (example(answer="  "), "empty_answer"),
        (preference("x1", "Yes.", ""), "empty_answer"),
        (preference("x1", "Yes.", " Yes."), "identical_answers"),
        (example(answer="word " * 2000), "too_long"),
        (example(filter_reason="no_op_edit", answer=""), "no_op_edit"),
        (example(), None),
    ],
)
def test_each_filter_names_its_reason(candidate, reason):
    assert reasons(curated(candidate)) == {"x1": reason}


def test_how_long_an_example_may_be_is_the_policys():
    long = example(answer="word " * 2000)
    assert reasons(curated(long, policy=TrustPolicy(max_characters=11_000))) == {"x1": None}
    assert reasons(curated(example(), policy=TrustPolicy(max_characters=10))) == {"x1": "too_long"}


def test_texts_that_differ_in_case_spacing_and_punctuation_are_exact_duplicates():
    found = curated(example("x1", "Reset the lamp", "Hold it!"), example("x2", "reset, the  LAMP?", "hold it"))
    assert reasons(found) == {"x1": None, "x2": "exact_duplicate"}
    assert found["duplicate_of"].to_list() == [None, "x1"]


def test_texts_without_words_are_not_each_others_duplicates():
    assert set(reasons(curated(example("x1", "👍", "🙂"), example("x2", "👎", "🙁"))).values()) == {None}


def test_nearly_the_same_question_and_answer_is_a_near_duplicate():
    found = curated(example("x1", words(1), words(2)), example("x2", words(1), words(2) + " indeed"))
    assert reasons(found)["x2"] == "near_duplicate"
    assert found["duplicate_of"].to_list() == [None, "x1"]


def test_the_same_question_with_another_answer_is_no_duplicate():
    found = curated(example("x1", words(1), words(2), group_id="g"), example("x2", words(1), words(3), group_id="g"))
    assert set(reasons(found).values()) == {None}


def test_the_best_origin_stays_then_the_newest():
    same = [
        example("x1", origin="accepted", observed_at=later(9)),
        example("x2", origin="inline_edit"),
        example("x3", origin="correction"),
        example("x4", origin="correction", observed_at=later(1)),
    ]
    found = curated(*same)
    assert found.filter("kept")["example_id"].to_list() == ["x4"]
    assert set(found["duplicate_of"].drop_nulls()) == {"x4"}


def test_an_exact_copy_of_a_near_duplicate_names_the_one_that_stays():
    best = example("x1", words(1), words(2), origin="correction")
    near = [example(name, words(1), words(2) + " indeed") for name in ("x2", "x3")]
    found = curated(best, *near)
    assert found["duplicate_of"].to_list() == [None, "x1", "x1"]


def test_formats_and_labels_are_not_each_others_duplicates():
    thumb = {"format": "unpaired", "origin": "thumb", "group_id": "user:x1", "session_id": "s-x1"}
    found = curated(example("x1"), example("x2", label=True, **thumb), example("x3", label=False, **thumb))
    assert set(reasons(found).values()) == {None}


def test_opposite_preferences_are_not_duplicates_and_equal_ones_are():
    one, other = words(1), words(2)
    pairs = [preference("x1", one, other), preference("x2", other, one), preference("x3", one, other)]
    found = curated(*({**pair, "group_id": "g", "session_id": "s"} for pair in pairs))
    assert reasons(found) == {"x1": None, "x2": None, "x3": "exact_duplicate"}


def test_an_earlier_weeks_example_is_not_taken_again_from_another_interaction():
    found = curated(example("x2", origin="correction"), history=kept(example("x1")))
    assert reasons(found) == {"x2": "exact_duplicate"}
    assert found["duplicate_of"].to_list() == ["x1"]


def test_an_example_is_not_a_duplicate_of_its_own_earlier_row():
    assert reasons(curated(example("x1"), history=kept(example("x1")))) == {"x1": None}


def test_a_newer_correction_takes_the_place_of_the_one_it_nearly_repeats():
    old = example("x1", words(1), words(2), origin="correction", interaction_id="i")
    new = example("x2", words(1), words(2) + " indeed", origin="correction", interaction_id="i")
    found = curated(new, history=kept(old))
    assert reasons(found) == {"x2": None, "x1": "withdrawn"}


def test_what_a_touched_interaction_no_longer_yields_is_withdrawn():
    found = curated(history=kept(example("x1"), example("x2", words(1))), touched=["i-x1"])
    assert found.select("example_id", "week", "kept", "filter_reason").rows() == [("x1", NEXT_WEEK, False, "withdrawn")]


def test_about_a_quarter_of_the_groups_is_held_out_and_always_the_same():
    many = examples(*(example(f"x{i}") for i in range(2000)))
    split = assign_split(many)
    assert 0.21 < (split["split"] == "test").mean() < 0.29
    assert_frame_equal(
        assign_split(many.sort("example_id", descending=True)).sort("example_id"), split.sort("example_id")
    )


def test_the_split_of_a_user_never_changes():
    sides = assign_split(examples(*(example(name, group_id=f"user:{name}") for name in ("ann", "bob", "eve", "joe"))))
    assert sides["split"].to_list() == ["train", "test", "test", "train"]


def test_all_formats_of_a_user_are_on_one_side():
    found = curated(
        example("x1", group_id=TEST), preference("x2", words(1), words(2), group_id=TEST, prompt=said("user", words(3)))
    )
    assert found["split"].to_list() == ["test", "test"]


def test_a_train_question_nearly_asked_in_test_is_dropped():
    train = example("x1", words(1), words(2), group_id=TRAIN)
    test = example("x2", words(1) + " please", words(3), group_id=TEST)
    assert reasons(curated(train, test)) == {"x1": "near_duplicate_of_test", "x2": None}


def in_a_prompt(name, group, passage, asked):
    prompt = said("user", f"Answer by this passage alone: {passage}\nQuestion: {asked}")
    return example(name, prompt=prompt, group_id=group, answer=words(ord(name))) | {"question": asked}


def test_questions_in_a_prompt_with_the_same_passage_are_compared_alone():
    passage = words(1, 40)
    tested = in_a_prompt("t", TEST, passage, words(2))
    other = in_a_prompt("x", TRAIN, passage, words(3))
    same = in_a_prompt("y", TRAIN, words(4, 40), words(2))
    assert reasons(curated(tested, other, same)) == {"t": None, "x": None, "y": "near_duplicate_of_test"}
    whole = [each | {"question": None} for each in (tested, other)]
    assert reasons(curated(*whole)) == {"t": None, "x": "shares_words_with_test"}


def test_a_short_question_asked_by_many_is_dropped_from_train_all_the_same():
    found = curated(example("x1", "Hi", words(1), group_id=TRAIN), example("x2", "hi!", words(2), group_id=TEST))
    assert reasons(found) == {"x1": "near_duplicate_of_test", "x2": None}


def test_a_train_question_asked_in_an_earlier_weeks_test_is_dropped():
    history = kept(example("x2", words(1), words(3), group_id=TEST, split="test"))
    assert reasons(curated(example("x1", words(1), words(2), group_id=TRAIN), history=history)) == {
        "x1": "near_duplicate_of_test"
    }


def test_a_test_question_that_models_were_trained_on_is_dropped():
    history = kept(example("x1", words(1), words(2), group_id=TRAIN, split="train"))
    assert reasons(curated(example("x2", words(1), words(3), group_id=TEST), history=history)) == {
        "x2": "near_duplicate_of_train"
    }


def test_a_train_question_asked_in_test_in_other_words_is_left_out():
    train = example("x1", "How do I reset the lamp?", words(2), group_id=TRAIN)
    test = example("x2", "Resetting the lamp: how is it done?", words(3), group_id=TEST)
    assert reasons(curated(train, test, encoder=Topics())) == {"x1": "paraphrase_of_test", "x2": None}
    assert set(reasons(curated(train, test)).values()) == {None}


@pytest.mark.parametrize("seed", range(8))
def test_a_question_that_many_ask_is_on_one_side_that_its_hash_says(seed):
    side = side_of(pl.Series([words(seed)]))[0]
    asked = [example(f"x{i}", words(seed), words(10 + i), group_id=group_on("train", i)) for i in range(6)]
    found = curated(*asked, example("x9", words(seed), words(30), group_id=TEST))
    assert found.filter("kept")["split"].unique().to_list() == [side]
    reason = {"train": "question_in_train", "test": "near_duplicate_of_test"}[side]
    assert set(found["filter_reason"].drop_nulls()) == {reason}


def test_a_question_that_many_ask_stays_where_a_week_before_had_it():
    seed = next(n for n in range(20) if side_of(pl.Series([words(n)]))[0] == "train")
    tested = kept(example("x9", words(seed), words(30), group_id=TEST, split="test"))
    asked = [example(f"x{i}", words(seed), words(10 + i), group_id=group_on("train", i)) for i in range(6)]
    again = example("x9", words(seed), words(30), group_id=TEST)
    assert curated(*asked, again, history=tested).filter("kept")["example_id"].to_list() == ["x9"]


def test_neighbours_are_told_by_meaning_and_not_of_the_same_answer():
    asked = [
        example(f"x{i}", question, words(i)) for i, question in enumerate(("Reset the lamp?", "The lamp: how to reset"))
    ]
    other = example("x3", "Where is the router?", words(9))
    standing = kept(example("x8", "I want to reset the lamp", words(8)))
    sibling = preference("x4", words(20), words(21), prompt=asked[0]["prompt"], interaction_id="i-x0")
    found = curated(*asked, other, sibling, history=standing, encoder=Topics())
    told = dict(found.select("example_id", "neighbour_ids").iter_rows())
    assert told == {"x0": ["x1", "x8"], "x1": ["x0", "x8"], "x3": [], "x4": ["x1", "x8"]}
    assert curated(*asked)["neighbour_ids"].to_list() == [None, None]


def test_a_withdrawn_train_example_was_still_seen_by_models():
    history = kept(example("x1", words(1), words(2), group_id=TRAIN, split="train"))
    found = curated(example("x2", words(1), words(3), group_id=TEST), history=history, touched=["i-x1"])
    assert reasons(found) == {"x2": "near_duplicate_of_train", "x1": "withdrawn"}
    weeks_later = curated(example("x2", words(1), words(3), group_id=TEST), seen=history)
    assert reasons(weeks_later) == {"x2": "near_duplicate_of_train"}


@pytest.mark.parametrize(("side", "reason"), [("test", "session_in_test"), ("train", "session_in_train")])
def test_a_session_stays_on_the_side_it_was_first_seen_on(side, reason):
    seen, other = (TEST, TRAIN) if side == "test" else (TRAIN, TEST)
    history = kept(example("x1", words(1), words(2), group_id=seen, split=side, session_id="s"))
    found = curated(example("x2", words(3), words(4), group_id=other, session_id="s"), history=history)
    assert reasons(found) == {"x2": reason}


def test_a_session_of_two_users_is_tested_not_trained_on():
    train = example("x1", words(1), words(2), group_id=TRAIN, session_id="s")
    test = example("x2", words(3), words(4), group_id=TEST, session_id="s")
    assert reasons(curated(train, test)) == {"x1": "session_in_test", "x2": None}


CANARIES = ["kim.canary@example.org", "+1 415 555 0177", "4539 1488 0343 6467", "sk-" + "canary0123456789abcdef"]


def test_planted_personal_data_reaches_no_row_kept_or_dropped():
    planted = [example(f"x{i}", f"{words(i)} {value}", f"{value} {words(i + 50)}") for i, value in enumerate(CANARIES)]
    pair = preference("p1", *CANARIES[:2], prompt=said("system", CANARIES[0]) + said("user", CANARIES[2]))
    found = curated(*planted, pair, example("x9", question="", answer=CANARIES[0]))
    assert found["kept"].sum() >= len(CANARIES)
    everything = found.write_json()
    assert [value for value in CANARIES if value in everything] == []


texts = st.lists(st.sampled_from(["hold", "the", "lamp", "reset", "a@b.org", "", "?"]), max_size=6).map(" ".join)
drawn = st.lists(st.tuples(texts, texts, st.integers(0, 5), st.integers(0, 3), st.booleans()), max_size=12)


@settings(max_examples=30)
@given(drawn, st.randoms(use_true_random=False))
def test_every_candidate_ends_kept_or_with_a_reason_whatever_the_order(given, random):
    rows = [
        example(f"x{i}", question, answer, group_id=f"user:{user}", session_id=f"s{session}")
        if plain
        else preference(f"x{i}", answer, "other", prompt=said("user", question), group_id=f"user:{user}")
        for i, (question, answer, user, session, plain) in enumerate(given)
    ]
    found = curated(*rows, encoder=Topics())
    assert sorted(found["example_id"]) == sorted(row["example_id"] for row in rows)
    assert (found["kept"] == found["filter_reason"].is_null()).all()
    assert found["split"].null_count() == 0
    random.shuffle(rows)
    assert_frame_equal(curated(*rows, encoder=Topics()), found)


def test_a_week_without_candidates_gives_an_empty_frame_of_the_table():
    found = curated(week=WEEK)
    assert found.is_empty()
    assert found.schema == CURATED_EXAMPLES.schema
