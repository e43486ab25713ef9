from datetime import timedelta

import polars as pl
from invented_facts import MONDAY, examples

from feedback_pipeline.evaluation.suites import (
    MAX_CASES,
    MAX_CASES_OF_USER,
    Suite,
    general_suite,
    regression_suite,
    target_suite,
)


def _sft(*pairs: tuple[str, str]) -> pl.DataFrame:
    rows = [
        {
            "example_id": f"e{number}",
            "week": MONDAY,
            "group_id": "u",
            "format": "sft",
            "prompt": [{"role": "user", "content": question}],
            "completion": [{"role": "assistant", "content": answer}],
        }
        for number, (question, answer) in enumerate(pairs)
    ]
    return pl.DataFrame(rows)


def _with_pairs(frame: pl.DataFrame) -> pl.DataFrame:
    messages = pl.lit(None, dtype=frame.schema["completion"])
    return frame.with_columns(chosen=messages, rejected=messages)


def test_a_suite_is_the_same_whatever_the_order_of_its_examples():
    test = examples(range(6), 2, seed=1)

    assert target_suite(test, 7) == target_suite(test.reverse(), 7)
    assert target_suite(test, 7).sha256 == target_suite(test.reverse(), 7).sha256


def test_the_hash_changes_with_any_content_and_with_the_draw_of_distractors():
    test = examples(range(6), 2, seed=1)
    renamed = test.with_columns(group_id=pl.lit("user:other"))

    hashes = {target_suite(test, 7).sha256, target_suite(test, 8).sha256, target_suite(renamed, 7).sha256}
    hashes.add(target_suite(test.head(10), 7).sha256)

    assert len(hashes) == 4


def test_corrected_answers_get_three_distractors_and_pairs_their_rejected_answer():
    suite = target_suite(examples(range(10), 2, seed=1), 7)

    choices, pairs = ([case for case in suite.cases if case.pair is pair] for pair in (False, True))
    assert len(choices) == len(pairs) == 20
    assert all(len(case.worse) == 3 and case.wanted not in case.worse for case in choices)
    assert all(len(case.worse) == 1 for case in pairs)


def test_the_wanted_answer_in_other_words_and_answers_to_the_same_prompt_are_no_distractors():
    right = "Hold the power key for 7 seconds until the amber light is on."
    test = _sft(
        ("How do I start it?", right),
        ("It will not start!", f"Please try this. {right} That should do."),
        ("How do I start it? ", right.upper()),
        ("how do I start it?", "Something else for the same question altogether."),
        ("Where is the fuse?", "Behind the left panel, under a white cover."),
    )

    first = target_suite(_with_pairs(test), 7).cases[0]

    assert first.worse == ("Behind the left panel, under a white cover.",)


def test_a_case_stays_as_it_is_when_a_later_week_brings_more():
    first = examples(range(6), 2, seed=1)
    later = examples(range(6, 12), 2, seed=2).with_columns(week=pl.lit(MONDAY + timedelta(days=7)))

    alone, together = target_suite(first, 7), target_suite(pl.concat([first, later]), 7)

    assert {case.sha256 for case in alone.cases} < {case.sha256 for case in together.cases}


def test_an_example_that_is_withdrawn_changes_the_cases_it_was_a_distractor_of_and_no_other():
    test = examples(range(10), 2, seed=1).filter(pl.col("format") == "sft")
    gone = test.row(0, named=True)["completion"][0]["content"]
    before, after = target_suite(_with_pairs(test), 7), target_suite(_with_pairs(test[1:]), 7)

    kept = {case.sha256 for case in after.cases}
    assert all(case.sha256 in kept for case in before.cases[1:] if gone not in case.worse)


def test_of_too_many_cases_whole_users_are_left_out_and_the_others_stay_when_more_come():
    some, more = (target_suite(examples(range(users), 2, seed=1), 7) for users in (160, 186))

    for suite in (some, more):
        assert MAX_CASES - 4 < len(suite.cases) <= MAX_CASES
        assert {case.group_id for case in suite.cases if case.pair} == {case.group_id for case in suite.cases}
        assert len(suite.cases) == 4 * len({case.group_id for case in suite.cases})
    shared = {case.group_id for case in some.cases} & {case.group_id for case in more.cases}
    assert len(shared) >= 105


def test_one_user_who_writes_much_neither_fills_the_suite_nor_cuts_it():
    others = examples(range(140), 2, seed=1)
    # Several names, so that the draw puts the heavy user before and behind the others.
    for name in range(6):
        heavy = examples(range(1), MAX_CASES // 2 + 1, seed=2).with_columns(
            group_id=pl.lit(f"heavy{name}"), example_id=pl.format("heavy{}", "example_id")
        )
        drawn = [case.group_id for case in target_suite(pl.concat([others, heavy]), 7).cases]

        assert drawn.count(f"heavy{name}") == MAX_CASES_OF_USER
        assert len(drawn) == 140 * 4 + MAX_CASES_OF_USER


def test_an_empty_test_split_is_an_empty_suite():
    assert target_suite(examples(range(2), 1, seed=1).clear(), 7) == Suite("target", (), seed=7)


def test_the_regression_suite_holds_the_target_cases_of_the_problems_that_were_fixed_as_they_are():
    test = examples(range(6), 2, seed=1)
    target = target_suite(test, 7)
    fixed = [target.cases[3].example_id, target.cases[20].example_id, "withdrawn since"]

    suite = regression_suite(test, 7, fixed)

    assert suite.cases == (target.cases[3], target.cases[20])
    assert regression_suite(test, 7, []).cases == ()


def test_the_general_suite_asks_each_question_once_with_three_other_answers():
    suite = general_suite()

    assert len(suite.cases) == 160
    assert len({case.prompt[0]["content"] for case in suite.cases}) == len(suite.cases)
    assert len({case.group_id for case in suite.cases}) == len(suite.cases)
    assert all(len({case.wanted, *case.worse}) == 4 for case in suite.cases)
