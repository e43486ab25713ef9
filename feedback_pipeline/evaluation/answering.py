"""A model's own answers to held-out prompts, held against the wanted ones."""

import hashlib
from collections import defaultdict
from dataclasses import replace
from itertools import count

import numpy as np
import polars as pl

from feedback_pipeline.evaluation.answers import exact_match, refuses, token_f1
from feedback_pipeline.evaluation.language_model import LanguageModel
from feedback_pipeline.evaluation.phrase_grams import words
from feedback_pipeline.evaluation.score_rows import score_rows
from feedback_pipeline.evaluation.suites import Suite
from feedback_pipeline.recall.encoder import Encoder, identity

ANSWERS = "answers"
EXACT_MATCH = "exact_match"
TOKEN_F1 = "token_f1"
SIMILARITY = "similarity"
UNWARRANTED_REFUSAL = "unwarranted_refusal"
ANSWER_WORDS = "answer_words"


def answers_suite(target: Suite, most: int) -> Suite:
    """At most `most` cases of the target suite that have a wanted answer, drawn by its seed.

    First one of every user, then a second: users are what an interval's width depends on. The order is a
    hash's, so that later cases change little of the draw. Distractors, which no answer depends on, are left out.
    """
    turns: defaultdict[str, count[int]] = defaultdict(count)
    order = sorted(
        (case for case in target.cases if not case.pair),
        key=lambda case: hashlib.sha256(f"{target.seed} {case.example_id}".encode()).digest(),
    )
    drawn = sorted(order, key=lambda case: next(turns[case.group_id]))[:most]
    cases = (replace(case, worse=()) for case in drawn)
    return Suite(ANSWERS, tuple(sorted(cases, key=lambda case: case.example_id)), target.seed)


def evaluator(encoder: Encoder, max_new_tokens: int) -> str:
    """The name that scores of answers of at most so many tokens are filed under."""
    return f"answers-4, {max_new_tokens} tokens, {identity(encoder)}"


def score_answers(model: LanguageModel, suite: Suite, encoder: Encoder, max_new_tokens: int) -> pl.DataFrame:
    """Rows of `scores` without `week`, each with the model's greedy answer.

    `exact_match` and `token_f1` are SQuAD's. `similarity`: cosine of the meanings of answer and wanted answer.
    `unwarranted_refusal`: 1 where it refuses and the wanted answer does not. `answer_words`: its length. An answer
    is cut at `max_new_tokens`, every model's alike.
    """
    answers = model.generate([case.prompt for case in suite.cases], max_new_tokens)
    wanted = [case.wanted for case in suite.cases]
    vectors = encoder.encode([*answers, *wanted])
    cosines = np.einsum("ij,ij->i", vectors[: len(answers)], vectors[len(answers) :])
    measured = {
        EXACT_MATCH: map(exact_match, answers, wanted),
        TOKEN_F1: map(token_f1, answers, wanted),
        SIMILARITY: map(float, cosines),
        UNWARRANTED_REFUSAL: (
            float(refuses(said) and not refuses(right)) for said, right in zip(answers, wanted, strict=True)
        ),
        ANSWER_WORDS: (float(len(words(answer))) for answer in answers),
    }
    rows = [
        (metric, case, value, None)
        for metric, values in measured.items()
        for case, value in zip(suite.cases, values, strict=True)
    ]
    scores = score_rows(model.version, suite, evaluator(encoder, max_new_tokens), rows)
    return scores.with_columns(answer=pl.Series(answers * len(measured), dtype=pl.String))
