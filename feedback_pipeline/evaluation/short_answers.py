"""Short questions on common knowledge that the base model answers right: what fine-tuning must not make it forget."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from feedback_pipeline.evaluation.answers import says
from feedback_pipeline.evaluation.language_model import LanguageModel
from feedback_pipeline.evaluation.score_rows import score_rows
from feedback_pipeline.evaluation.suites import Case, Suite, shipped_suite

SHORT_ANSWERS = "short_answers"
SHORT_ANSWER_SCREENING = "short_answer_screening"
ANSWERED_RIGHT = "answered_right"
EVALUATOR = "short-answers-2"
# Enough for the sentence that the answer comes in.
ANSWER_TOKENS = 12


@dataclass(frozen=True)
class ShortQuestion(Case):
    """`wanted` is the usual answer, `accepted` are all that count as right."""

    accepted: tuple[str, ...] = ()


def short_answer_suite(name: str = SHORT_ANSWERS) -> Suite:
    """The questions as shipped."""

    def case(line: dict[str, Any]) -> ShortQuestion:
        question, answers = [{"role": "user", "content": line["question"]}], tuple(line["answers"])
        return ShortQuestion(line["id"], line["id"], question, answers[0], (), accepted=answers)

    return shipped_suite(name, "short_questions.jsonl", case)


def score_short_answers(model: LanguageModel, suite: Suite) -> pl.DataFrame:
    """Rows of `scores` without `week`: 1 where the greedy answer holds one that counts, after SQuAD's normalisation.

    Chat models answer in a sentence, also after examples of shorter answers, and fine-tuning changes the sentence;
    so the answer is looked for in it as whole words (as in PopQA, Mallen et al. 2023, arXiv 2212.10511).
    """
    questions = [case for case in suite.cases if isinstance(case, ShortQuestion)]
    answers = model.generate([case.prompt for case in questions], ANSWER_TOKENS)
    rows = (
        (ANSWERED_RIGHT, case, float(any(says(answer, right) for right in case.accepted)), None)
        for case, answer in zip(questions, answers, strict=True)
    )
    return score_rows(model.version, suite, EVALUATOR, rows).with_columns(answer=pl.Series(answers, dtype=pl.String))


def answered_right(scores: pl.DataFrame) -> set[str]:
    """Ids of the questions that a base model with these scores answers right: those that count."""
    return set(scores.filter(pl.col("value") == 1, metric=ANSWERED_RIGHT)["example_id"])
