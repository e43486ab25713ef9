"""Labels: what people said of the answers that a detector speaks of."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from feedback_pipeline.evidence.explicit import EXTRACTOR
from feedback_pipeline.evidence.last_words import last_words
from feedback_pipeline.ingestion.reviewers import by_reviewer
from feedback_pipeline.warehouse import Warehouse

# A detector is judged by what is recent: products and users change, and the cost stays bounded.
WINDOW = timedelta(days=28)
# A preference says which of two is better, not whether either is good; a comment alone is read, not said.
LABEL_KINDS = ("thumb", "rating", "survey", "reason", "highlight", "tag", "correction", "inline_edit")
CORRECTIONS = ("correction", "inline_edit")

# The newest row of the window is the newest of all, of every piece that has one in it.
RECENT = """recent AS (
    SELECT evidence_id, interaction_id, user_id, kind, polarity, score, explicit, joined_by, join_confidence,
        user_role, extractor, extractor_version, trigger_id, observed_at
    FROM (FROM evidence WHERE arrival_day BETWEEN $since AND $as_of
        QUALIFY row_number() OVER (PARTITION BY evidence_id ORDER BY arrival_day DESC) = 1)
    WHERE withdrawn IS NOT TRUE
)"""
# Feedback that only names its session may mean another answer of it.
STATED = f"""stated AS (
    FROM recent WHERE explicit AND polarity <> 0 AND extractor = '{EXTRACTOR}' AND kind IN {LABEL_KINDS}
        AND joined_by IN ('interaction', 'passage')
)"""
_SIGNALS = "signals AS (FROM recent WHERE NOT explicit AND polarity <> 0 AND coalesce(join_confidence, 1) = 1)"


@dataclass(frozen=True)
class Labelled:
    """What detectors found within the window, and what people say of it.

    `detectors` has a row per `extractor`, `kind` and `extractor_version`, with `signals`, their number;
    `labels` one per signal on whose answer people said something decided: the detector, `evidence_id`,
    `user_id`, `score`, `observed_at`, and `right`, whether they say the same.
    """

    detectors: pl.DataFrame
    labels: pl.DataFrame


def labelled(warehouse: Warehouse, as_of: date) -> Labelled:
    """Signals and labels that arrived in the window that ends with a day."""
    bounds: dict[str, object] = {"as_of": as_of, "since": as_of - WINDOW + timedelta(days=1)}
    detectors = warehouse.read(
        f"""WITH {RECENT}, {_SIGNALS}
        SELECT extractor, kind, extractor_version, count(*) AS signals FROM signals GROUP BY ALL ORDER BY ALL""",
        bounds,
    )
    signals = warehouse.read(
        f"""WITH {RECENT}, {_SIGNALS}, {STATED}
        SELECT * FROM signals WHERE interaction_id IN (SELECT interaction_id FROM stated)""",
        bounds,
    )
    statements = warehouse.read(
        f"""WITH {RECENT}, {_SIGNALS}, {STATED}
        FROM stated WHERE interaction_id IN (SELECT interaction_id FROM signals)""",
        bounds,
    )
    labels = signals.join(people_said(statements), on="interaction_id").with_columns(
        right=(pl.col("polarity") > 0) == pl.col("satisfied")
    )
    return Labelled(detectors, labels)


def people_said(statements: pl.DataFrame) -> pl.DataFrame:
    """`interaction_id` and `satisfied` of the answers on which people are of one mind, or most of them.

    `statements` are explicit evidence. What reviewers say outranks users. A person who
    corrects an answer is not satisfied, whatever else they say; of others the last words count, by majority.
    """
    outranked = by_reviewer().any().over("interaction_id") & ~by_reviewer()
    corrects = pl.col("kind").is_in(CORRECTIONS) & (pl.col("polarity") < 0)
    return (
        last_words(statements.filter(~outranked))
        .group_by("interaction_id", "user_id")
        .agg(vote=pl.when(corrects.any()).then(-1).otherwise(pl.col("polarity").sum().sign()).cast(pl.Int64))
        .group_by("interaction_id")
        .agg(balance=pl.col("vote").sum())
        .filter(pl.col("balance") != 0)
        .select("interaction_id", satisfied=pl.col("balance") > 0)
    )
