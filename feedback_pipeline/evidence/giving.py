"""Who gives feedback: the chance that anything explicit is said of an answer, from what is known of it anyway."""

import numpy as np
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer

FOLDS = 5
CATEGORIES = ("source", "user_role", "environment", "model_version")
NUMBERS = ("turn", "prompt_characters", "response_characters")
# Fewer answers of a category than this tell nothing of it.
_RARE = 20


def giving_propensity(answers: pl.DataFrame) -> np.ndarray:
    """The probability that something is said of each answer, fitted on the answers of other users.

    `answers` needs `CATEGORIES`, `NUMBERS`, `group_id` (whose answer it is) and `rated`. Logistic, with
    splines over the logarithms of the numbers.
    """
    rated = answers["rated"].to_numpy()
    covariates = _covariates(answers)
    groups = answers["group_id"].rank("dense").to_numpy()
    probabilities = np.full(len(rated), rated.mean())
    folds = min(FOLDS, len(np.unique(groups)))
    if folds < 2:
        return probabilities
    for fitted_on, applied_to in GroupKFold(folds).split(covariates, groups=groups):
        if len(np.unique(rated[fitted_on])) == 2:
            model = _model().fit(covariates[fitted_on], rated[fitted_on])
            probabilities[applied_to] = model.predict_proba(covariates[applied_to])[:, 1]
    return probabilities


def _covariates(answers: pl.DataFrame) -> np.ndarray:
    return answers.select(
        *(pl.col(name).fill_null("").rank("dense").cast(pl.Float64) for name in CATEGORIES),
        *(pl.col(name).fill_null(0).cast(pl.Float64).log1p() for name in NUMBERS),
    ).to_numpy()


def _model() -> Pipeline:
    categories = list(range(len(CATEGORIES)))
    numbers = list(range(len(CATEGORIES), len(CATEGORIES) + len(NUMBERS)))
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=_RARE), categories),
            (SplineTransformer(n_knots=4, degree=3, extrapolation="constant"), numbers),
        ),
        LogisticRegression(max_iter=500),
    )
