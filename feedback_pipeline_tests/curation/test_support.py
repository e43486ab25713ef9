from datetime import timedelta

import polars as pl
from curation_rows import NEXT_WEEK, WEEK, example, examples, kept, words

from feedback_pipeline.curation.curate import curate
from feedback_pipeline.curation.dataset_version import assemble, gone_from_test
from feedback_pipeline.schemas import CURATED_EXAMPLES

THIRD_WEEK = NEXT_WEEK + timedelta(days=7)


def cycle(decided, week, *candidates):
    given = examples(*candidates)
    history = assemble(decided, week - timedelta(days=7))
    return pl.concat([decided, curate(given, given["interaction_id"], history, week)])


def support(dataset):
    return dict(zip(dataset["example_id"], dataset.select("supporting_ids", "supporting_users").rows(), strict=True))


def test_duplicates_support_what_is_kept_from_their_own_week_on():
    said = (words(1), words(2))
    first = cycle(
        CURATED_EXAMPLES.empty(),
        WEEK,
        example("a", *said, author_id="ann", origin="correction"),
        example("b", *said, author_id="bob"),
        example("c", words(1), words(2) + " indeed", author_id="bob"),
        example("other", words(3), words(4)),
    )
    second = cycle(first, NEXT_WEEK, example("d", *said, author_id="dan", origin="correction"))

    assert support(assemble(second, WEEK)) == {"a": (["b", "c"], 2), "other": ([], 1)}
    assert support(assemble(second, NEXT_WEEK)) == {"a": (["b", "c", "d"], 3), "other": ([], 1)}
    assert support(first.filter("kept")) == support(assemble(second, WEEK))


def test_a_reviewers_example_is_kept_before_everybodys():
    same = [example("a", origin="correction"), example("b", origin="accepted", by_reviewer=True)]
    found = cycle(CURATED_EXAMPLES.empty(), WEEK, *same)
    assert found.filter("kept").select("example_id", "supporting_ids").rows() == [("b", ["a"])]


def test_two_that_name_each_other_support_nobody():
    decided = kept(example("a"), example("b", kept=False, duplicate_of="c"), example("c", kept=False, duplicate_of="b"))
    assert support(assemble(decided, WEEK)) == {"a": ([], 1)}


def test_what_leaves_the_test_is_counted_by_reason():
    tested = kept(*(example(name, words(n), split="test") for n, name in enumerate(["a", "b", "c"])))
    later = examples(example("a", week=NEXT_WEEK, kept=False, filter_reason="withdrawn"))
    assert gone_from_test(pl.concat([tested, later]), NEXT_WEEK) == {"withdrawn": 1}
    assert gone_from_test(pl.concat([tested, later]), THIRD_WEEK) == {}
