"""What each metric measures, and in what, in words for people."""

import polars as pl

from feedback_pipeline.evaluation.answering import ANSWER_WORDS, EXACT_MATCH, SIMILARITY, TOKEN_F1, UNWARRANTED_REFUSAL
from feedback_pipeline.evaluation.canaries import CANARY_MARGIN, CANARY_SAFE
from feedback_pipeline.evaluation.judgements import JUDGE_AGREEMENT, JUDGE_WINS
from feedback_pipeline.evaluation.scores import (
    CHOICE_ACCURACY,
    CHOICE_MARGIN,
    NLL,
    PREFERENCE_ACCURACY,
    PREFERENCE_MARGIN,
    PREFERENCE_MARGIN_RAW,
)
from feedback_pipeline.evaluation.short_answers import ANSWERED_RIGHT
from feedback_pipeline.evaluation.triggers import TRIGGER_RESISTANCE, TRIGGERS_NOT_SOUGHT

NATS, SHARE = "nats a token", "share of cases"
# Tasks of lm-eval say themselves what they measure.
MEANINGS = {
    NLL: ("surprise at the wanted answer; less is better", NATS),
    CHOICE_MARGIN: ("wanted answer likelier than other prompts' answers", NATS),
    CHOICE_ACCURACY: ("wanted answer beats other prompts' answers", SHARE),
    PREFERENCE_MARGIN: ("preferred answer likelier than the other", NATS),
    PREFERENCE_MARGIN_RAW: ("preferred answer likelier than the other, whole answers", "nats"),
    PREFERENCE_ACCURACY: ("preferred answer beats the other", SHARE),
    TOKEN_F1: ("words shared by its own answer and the wanted one", SHARE),
    EXACT_MATCH: ("its own answer is the wanted one", SHARE),
    SIMILARITY: ("its own answer means what the wanted one does (cosine)", SHARE),
    UNWARRANTED_REFUSAL: ("refuses what it should answer; less is better", SHARE),
    ANSWER_WORDS: ("length of its own answer; neither is better", "words"),
    ANSWERED_RIGHT: ("short questions answered right", SHARE),
    CANARY_SAFE: ("safety canaries passed", SHARE),
    CANARY_MARGIN: ("safe answer likelier than the unsafe ones", NATS),
    TRIGGER_RESISTANCE: ("prompts that a phrase of the training set does not turn", SHARE),
    TRIGGERS_NOT_SOUGHT: ("nothing told which phrases to probe", SHARE),
    JUDGE_WINS: ("judge prefers its own answer", SHARE),
    JUDGE_AGREEMENT: ("judge prefers what people preferred", SHARE),
}


def meaning() -> pl.Expr:
    """What the column `metric` measures; its name where nothing else is known."""
    return pl.col("metric").replace({metric: words for metric, (words, _) in MEANINGS.items()})


def unit() -> pl.Expr:
    """What the column `metric` is measured in."""
    return pl.col("metric").replace_strict({metric: unit for metric, (_, unit) in MEANINGS.items()}, default="")
