from datetime import date

import polars as pl
import pytest
from curation_rows import NEXT_WEEK, WEEK, example, examples, kept, preference, said, words
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.curation.dataset_version import assemble, content_hash, provenance, training_rows

THREE = [example(f"x{i}", words(i), words(i + 10), split="train") for i in range(3)]


def test_an_example_kept_once_stays_until_a_newer_row_drops_it():
    decided = examples(
        {**THREE[0], "kept": True},
        {**THREE[1], "kept": True},
        {**THREE[1], "kept": False, "filter_reason": "withdrawn", "week": NEXT_WEEK},
        {**THREE[2], "kept": False, "filter_reason": "too_long"},
    )
    assert assemble(decided, WEEK)["example_id"].to_list() == ["x0", "x1"]
    assert assemble(decided, NEXT_WEEK)["example_id"].to_list() == ["x0"]


def test_later_weeks_are_not_looked_at():
    decided = kept(THREE[0], {**THREE[0], "completion": said("assistant", "New."), "week": NEXT_WEEK})
    assert assemble(decided, WEEK)["completion"][0].to_list() == THREE[0]["completion"]
    assert assemble(decided, NEXT_WEEK)["completion"][0].to_list() == said("assistant", "New.")


def test_the_hash_is_the_same_in_any_order_and_week():
    moved = [{**row, "week": NEXT_WEEK, "kept": True} for row in reversed(THREE)]
    assert content_hash(kept(*THREE)) == content_hash(examples(*moved))


@given(order=st.permutations(range(6)), weeks=st.lists(st.sampled_from([WEEK, NEXT_WEEK]), min_size=6, max_size=6))
def test_the_hash_is_the_same_in_whatever_order_and_pieces_the_examples_come(order, weeks):
    rows = [
        *(example(f"é{i}", "a\u2028b", words(i), kept=True) for i in range(3)),
        *(preference(f"p{i}", words(i), "", kept=True, label=None) for i in range(3)),
    ]
    pieces = [examples({**rows[i], "week": week}) for i, week in zip(order, weeks, strict=True)]

    assert content_hash(pl.concat(pieces)) == content_hash(examples(*rows))


def test_the_hash_is_the_same_on_every_machine():
    assert content_hash(kept(*THREE))[:12] == "fab2695e446f"


@pytest.mark.parametrize(
    "change",
    [
        {"split": "test"},
        {"completion": said("assistant", "Other.")},
        {"prompt": said("user", "Other?")},
        {"label": True},
        {"group_id": "user:other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_hash_changes_with_what_is_in_the_dataset(change):
    assert content_hash(kept(*THREE)) != content_hash(kept(*THREE[:2], {**THREE[2], **change}))


def test_the_provenance_counts_every_decision_and_names_every_week():
    decided = examples(
        {**THREE[0], "kept": True},
        {**THREE[1], "kept": False, "filter_reason": "too_long"},
        {**THREE[2], "kept": True, "week": NEXT_WEEK},
        {**THREE[2], "example_id": "x9", "kept": True, "week": date(2026, 1, 19)},
    )
    found = provenance(decided, NEXT_WEEK, "before", "0.1.0")
    assert found.decisions == {"kept": 2, "too_long": 1}
    assert list(found.weeks) == ["2026-01-05", "2026-01-12"]
    redecided = decided.with_columns(filter_reason=pl.col("filter_reason").str.replace("too_long", "withdrawn"))
    again = provenance(redecided, NEXT_WEEK, "before", "0.1.0")
    assert found.weeks["2026-01-05"] != again.weeks["2026-01-05"]
    assert found.weeks["2026-01-12"] == again.weeks["2026-01-12"]


def test_training_rows_have_trls_columns_and_no_users_name():
    pair = preference("p1", "Yes.", "No.", split="train", group_id="user:kim@example.org")
    found = training_rows(kept(*THREE, pair), "preference", "train")
    assert found.columns[:3] == ["prompt", "chosen", "rejected"]
    assert found["example_id"].to_list() == ["p1"]
    assert "kim" not in found.write_json()
