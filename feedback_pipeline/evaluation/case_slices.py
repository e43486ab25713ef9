"""The slices that held-out examples are in, as of their week."""

from datetime import date, timedelta

import polars as pl

from feedback_pipeline.curation.inputs import examples_until
from feedback_pipeline.languages import languages
from feedback_pipeline.questions import asked
from feedback_pipeline.schemas import CASE_SLICES, INTERACTIONS, THEME_MEMBERS, THEMES
from feedback_pipeline.warehouse import Warehouse, current

DIMENSIONS = ("reason", "user_role", "language", "environment", "theme")


def slices_of(warehouse: Warehouse, week: date) -> pl.DataFrame:
    """Rows of `case_slices` for the test split of a week, by what is known at the end of it."""
    test = examples_until(warehouse, week).filter(pl.col("split") == "test")
    sunday = week + timedelta(days=6)
    among = "interaction_id IN (SELECT interaction_id FROM cases)"
    query = f"""
        SELECT interaction_id, user_role, environment, theme.name AS theme
        FROM {current(INTERACTIONS, sunday, where=among)} answered
        LEFT JOIN {current(THEME_MEMBERS, sunday, where=among)} member USING (interaction_id)
        LEFT JOIN {current(THEMES, sunday)} theme USING (theme_id)
    """
    known = warehouse.read(query, cases=test.select("interaction_id"))
    return case_slices(test, known, week)


def case_slices(test: pl.DataFrame, answers: pl.DataFrame, week: date) -> pl.DataFrame:
    """Rows of the table of that name.

    `test` has the columns of `curated_examples`; `answers` says of each `interaction_id` its `user_role`,
    `environment` and `theme`. The language is the question's.
    """
    told = (
        test.select("example_id", "interaction_id", "reason", question=asked("prompt"))
        .with_columns(language=languages("question"))
        .join(answers, on="interaction_id", how="left")
    )
    rows = told.unpivot(DIMENSIONS, index="example_id", variable_name="dimension", value_name="value")
    sliced = rows.drop_nulls("value").sort("example_id", "dimension").with_columns(week=pl.lit(week))
    return CASE_SLICES.conform(sliced)
