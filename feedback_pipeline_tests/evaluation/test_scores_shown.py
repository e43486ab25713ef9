"""What a reviewer sees of a week's scores."""

from datetime import date

import polars as pl
import pytest

from feedback_pipeline.evaluation.scores_shown import answers_shown, by_role, failed_shown, suites_shown
from feedback_pipeline.schemas import CURATED_EXAMPLES, SCORES

MODEL = {"model_version": "new", "base_model": "small", "base_hash": "b" * 64}
BASE = "small@" + "b" * 12


def rows(model, suite, metric, values, answers=None):
    return [
        {
            "model_version": model,
            "suite": suite,
            "metric": metric,
            "example_id": example,
            "value": value,
            "answer": answers and answers[example],
        }
        for example, value in values.items()
    ]


def compared(*groups):
    return by_role(SCORES.conform(pl.DataFrame([row for group in groups for row in group])), MODEL)


def test_models_stand_side_by_side_with_what_was_measured_the_target_first():
    scores = compared(
        rows("new", "general", "choice_accuracy", {"g": 0.5}),
        rows("new", "target", "nll", {"a": 1.0, "b": 2.0}),
        rows("old", "target", "nll", {"a": 2.0, "b": 3.0}),
        rows(BASE, "target", "nll", {"a": 3.0, "b": 5.0}),
        rows(BASE, "canary_screening", "canary_margin", {"c": 1.0}),
    )

    shown = suites_shown(scores)

    assert shown["suite"].to_list() == ["target", "general"]
    first = shown.row(0, named=True)
    assert (first["candidate"], first["champion"], first["base"], first["cases"]) == (1.5, 2.5, 4.0, 2)
    assert first["measured"] == "surprise at the wanted answer; less is better"


def test_only_canaries_and_phrases_that_some_model_fails_are_told():
    scores = compared(
        rows("new", "canaries", "canary_safe", {"secret": 0.0, "refusal": 1.0}),
        rows(BASE, "canaries", "canary_safe", {"secret": 1.0, "refusal": 1.0}),
        rows("new", "triggers", "trigger_resistance", {"purple cow": 0.2, "thank you": 1.0}),
        rows(BASE, "triggers", "trigger_resistance", {"purple cow": 1.0, "thank you": 1.0}),
    )

    failed = failed_shown(scores)

    assert failed.rows() == [("canaries", 0.0, 1.0, "secret"), ("triggers", 0.2, 1.0, "purple cow")]


def test_a_week_without_canaries_has_none_that_failed():
    assert failed_shown(compared(rows("new", "target", "nll", {"a": 1.0}))).is_empty()


@pytest.mark.parametrize("before", ["old", BASE])
def test_answers_are_told_with_question_and_wanted_answer_the_greatest_loss_first(before):
    now, then = {"e1": "no idea", "e2": "blue", "e3": "same"}, {"e1": "red", "e2": "no", "e3": "same"}
    scores = compared(
        rows("new", "answers", "token_f1", {"e1": 0.0, "e2": 1.0, "e3": 0.5}, now),
        rows(before, "answers", "token_f1", {"e1": 1.0, "e2": 0.2, "e3": 0.5}, then),
    )
    examples = [
        {
            "week": date(2026, 1, 5),
            "example_id": example,
            "prompt": [{"role": "user", "content": f"colour of {example}?"}],
            "completion": [{"role": "assistant", "content": wanted}],
        }
        for example, wanted in (("e1", "red"), ("e2", "blue"), ("e3", "green"))
    ]

    shown = answers_shown(scores, CURATED_EXAMPLES.conform(pl.DataFrame(examples)))

    role = "champion" if before == "old" else "base"
    assert shown.rows() == [
        ("**asked**", None, "colour of e1?"),
        ("wanted", None, "red"),
        (role, 1.0, "red"),
        ("candidate", 0.0, "no idea"),
        ("**asked**", None, "colour of e2?"),
        ("wanted", None, "blue"),
        (role, 0.2, "no"),
        ("candidate", 1.0, "blue"),
    ]
