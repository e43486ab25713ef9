"""Problems that past promotions fixed: what a later candidate must not bring back."""

from dataclasses import asdict
from datetime import date, timedelta

import polars as pl

from feedback_pipeline.evaluation.registry import standing_of
from feedback_pipeline.evaluation.scores import (
    CHOICE_ACCURACY,
    CHOICE_MARGIN,
    PREFERENCE_ACCURACY,
    PREFERENCE_MARGIN,
)
from feedback_pipeline.evaluation.suites import TARGET
from feedback_pipeline.schemas import PROMOTIONS
from feedback_pipeline.warehouse import Warehouse

MAX_PROBLEMS = 100
# Nats a token by which the promoted model must have told right from wrong: what is nearer is as good as a toss.
CLEAR_MARGIN = 0.1

_FIXED = """
WITH measured AS (
    SELECT promotions.week, scores.example_id, model_version = candidate AS promoted,
        max(value) FILTER (scores.metric IN ($choice_accuracy, $preference_accuracy)) AS accuracy,
        max(value) FILTER (scores.metric IN ($choice_margin, $preference_margin)) AS margin
    FROM (FROM promotions SEMI JOIN standing USING (week, candidate, decision)) promotions
    JOIN scores ON scores.week = promotions.week AND model_version IN (candidate, reference)
    WHERE scores.suite = $target
    GROUP BY ALL
)
SELECT new.example_id, max(new.week) AS week, min(new.margin) AS margin
FROM measured new JOIN measured old USING (week, example_id)
WHERE new.promoted AND NOT old.promoted AND new.accuracy = 1 AND new.margin >= $clear AND old.accuracy <= 0.5
GROUP BY new.example_id ORDER BY week DESC, margin, new.example_id LIMIT $most
"""


def fixed_problems(warehouse: Warehouse, week: date) -> list[str]:
    """Ids of the target cases that a champion promoted before `week` got clearly right, and its reference wrong.

    Of those promoted by the gate, by a person's approval or by a release; not of those held or rolled back, whose
    gains users do not have. The newest `MAX_PROBLEMS`, of one week the hardest first.
    """
    parameters: dict[str, object] = {
        "choice_accuracy": CHOICE_ACCURACY,
        "preference_accuracy": PREFERENCE_ACCURACY,
        "choice_margin": CHOICE_MARGIN,
        "preference_margin": PREFERENCE_MARGIN,
        "target": TARGET,
        "clear": CLEAR_MARGIN,
        "most": MAX_PROBLEMS,
    }
    promotions = standing_of(warehouse).promotions(until=week - timedelta(days=1))
    decided = [asdict(each) for each in promotions]
    standing = pl.DataFrame(
        decided, schema={name: PROMOTIONS.schema[name] for name in ("week", "candidate", "decision")}
    )
    return warehouse.read(_FIXED, parameters, standing=standing)["example_id"].to_list()
