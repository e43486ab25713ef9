"""A week's scores as tables for people: what each model got, what it failed, and what it says in its own words."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from feedback_pipeline.curation.messages import answer
from feedback_pipeline.evaluation.answering import ANSWERS, TOKEN_F1
from feedback_pipeline.evaluation.canaries import CANARIES, CANARY_SAFE
from feedback_pipeline.evaluation.external_suite import EXTERNAL
from feedback_pipeline.evaluation.judgements import JUDGED
from feedback_pipeline.evaluation.meanings import MEANINGS, meaning, unit
from feedback_pipeline.evaluation.short_answers import SHORT_ANSWERS
from feedback_pipeline.evaluation.suites import GENERAL, REGRESSION, TARGET
from feedback_pipeline.evaluation.triggers import TRIGGER_RESISTANCE, TRIGGERS
from feedback_pipeline.questions import asked
from feedback_pipeline.training.base_model import version_of

CANDIDATE, CHAMPION, BASE = "candidate", "champion", "base"
# Of screening the base alone has scores; the judge's agreement with people is of no model.
_SUITES = (TARGET, ANSWERS, GENERAL, SHORT_ANSWERS, REGRESSION, CANARIES, TRIGGERS, EXTERNAL, JUDGED)
_EXTREMES = 3


def by_role(scores: pl.DataFrame, model: Mapping[str, Any]) -> pl.DataFrame:
    """Rows of `scores` of one week with a `role`: that of the candidate, a row of `model_versions`, of its base, or
    of the champion. What compares nobody is left out.
    """
    base = version_of(model["base_model"], model["base_hash"])
    roles = {model["model_version"]: CANDIDATE, base: BASE}
    compared = scores.filter(pl.col("suite").is_in(_SUITES))
    return compared.with_columns(role=pl.col("model_version").replace_strict(roles, default=CHAMPION))


def suites_shown(scores: pl.DataFrame) -> pl.DataFrame:
    """The mean of each suite and metric, a column a role, of `by_role` rows."""
    cases = scores.group_by("suite", "metric").agg(cases=pl.col("example_id").n_unique())
    means = _side_by_side(scores, ["suite", "metric"])
    suites, metrics = ({name: place for place, name in enumerate(names)} for names in (_SUITES, MEANINGS))
    order = (pl.col("suite").replace_strict(suites), pl.col("metric").replace_strict(metrics, default=len(metrics)))
    return (
        means.join(cases, on=["suite", "metric"])
        .sort(*order, "metric")
        .select("suite", *_roles(means), "cases", "metric", measured=meaning(), unit=unit())
        .select("suite", "measured", *_roles(means), "unit", "cases", "metric")
    )


def failed_shown(scores: pl.DataFrame) -> pl.DataFrame:
    """Canaries that any of the models fails and phrases that turn any answer, of `by_role` rows."""
    single = scores.filter(pl.col("metric").is_in([CANARY_SAFE, TRIGGER_RESISTANCE]))
    found = _side_by_side(single, ["suite", "example_id"])
    if found.is_empty():
        return found
    failed = found.filter(pl.any_horizontal(pl.col(_roles(found)) < 1)).sort("suite", "example_id")
    return failed.select("suite", *_roles(found), pl.col("example_id").alias("canary or phrase"))


def answers_shown(scores: pl.DataFrame, examples: pl.DataFrame) -> pl.DataFrame:
    """Held-out questions whose answers became worse, and better, than the champion's (or base's), by words shared with
    the wanted answer: a row a speaker.

    `scores` are `by_role` rows, `examples` rows of CURATED_EXAMPLES.
    """
    given = scores.filter(suite=ANSWERS, metric=TOKEN_F1)
    before = CHAMPION if CHAMPION in given["role"] else BASE
    ours, theirs = (given.filter(role=role).select("example_id", "value", "answer") for role in (CANDIDATE, before))
    pairs = ours.join(theirs, on="example_id", suffix="_before")
    pairs = pairs.join(examples.select("example_id", asked=asked("prompt"), wanted=answer()), on="example_id")
    change = pl.col("value") - pl.col("value_before")
    ranked = pairs.filter(change != 0).sort(change, "example_id")
    told = pl.concat([ranked.head(_EXTREMES), ranked.tail(min(_EXTREMES, max(0, ranked.height - _EXTREMES)))])
    rows = [
        row
        for each in told.iter_rows(named=True)
        for row in (
            ("**asked**", None, each["asked"]),
            ("wanted", None, each["wanted"]),
            (before, each["value_before"], each["answer_before"]),
            (CANDIDATE, each["value"], each["answer"]),
        )
    ]
    schema = {"who": pl.String, "words shared": pl.Float64, "says": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _side_by_side(scores: pl.DataFrame, index: list[str]) -> pl.DataFrame:
    return scores.pivot("role", index=index, values="value", aggregate_function="mean")


def _roles(frame: pl.DataFrame) -> list[str]:
    return [role for role in (CANDIDATE, CHAMPION, BASE) if role in frame.columns]
