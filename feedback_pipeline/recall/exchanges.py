"""Exchanges: what is indexed of an interaction that drew evidence."""

import polars as pl

from feedback_pipeline.languages import languages
from feedback_pipeline.questions import asked
from feedback_pipeline.redaction.names import NameModel
from feedback_pipeline.redaction.redact import redact_together
from feedback_pipeline.schemas import TEXTS, TIMESTAMP, Column, Table

# A long question must not hide the answer, nor a pasted document fill the index. Encoders read the
# start of a text (the embedded one about 1,000 characters); the whole is in the warehouse.
QUESTION_CHARACTERS = 1_000
RESPONSE_CHARACTERS = 3_000

EXCHANGES = Table(
    "exchange_index",
    "one row per interaction with evidence, as of its newest verdict",
    "as_of",
    "interaction_id",
    {
        "interaction_id": Column(pl.String, "the logger's id of the answer"),
        "text": Column(
            pl.String,
            f"redacted: what the user asked (first {QUESTION_CHARACTERS:,} characters), line break, "
            f"answer (first {RESPONSE_CHARACTERS:,})",
        ),
        "session_id": Column(pl.String, "conversation"),
        "session_started_at": Column(TIMESTAMP, "when its first answer was given"),
        "user_role": Column(pl.String, "the asker's role in the product"),
        "environment": Column(pl.String, "deployment"),
        "model_version": Column(pl.String, "what answered"),
        "source": Column(pl.String, "folder of the landing zone the answer came from"),
        "language": Column(pl.String, "ISO 639-1 code of the text's language; null where it is too short to tell"),
        "kinds": Column(TEXTS, "kinds of the evidence folded, sorted"),
        "categories": Column(TEXTS, "reason categories of the evidence folded, sorted"),
        "n_positive": Column(pl.Int32, "pieces of evidence for the answer"),
        "n_negative": Column(pl.Int32, "pieces of evidence against it"),
        "p_satisfied": Column(pl.Float64, "probability that the answer satisfied its user"),
        "confidence": Column(pl.Float64, "of the surest piece of evidence folded, 0.5 to 1"),
        "observed_at": Column(TIMESTAMP, "when it was answered"),
        "as_of": Column(pl.Date, "cutoff of the verdict"),
    },
)


def exchanges(
    verdicts: pl.DataFrame,
    evidence: pl.DataFrame,
    interactions: pl.DataFrame,
    sessions: pl.DataFrame,
    names: NameModel | None = None,
) -> pl.DataFrame:
    """Rows of `EXCHANGES`, one per interaction of `verdicts` that `interactions` holds, sorted by id.

    `sessions` has a row per `session_id` with `session_started_at`.

    Of several verdicts on an interaction the newest counts, of several revisions the one answered
    last. `evidence` must hold what the verdicts name in `evidence_ids`; more does no harm, so that
    evidence which came after a verdict's cutoff does not speak in it.
    """
    newest = verdicts.sort("as_of").unique("interaction_id", keep="last")
    answers = (
        interactions.select(
            "interaction_id",
            "session_id",
            "user_role",
            "environment",
            "model_version",
            "source",
            "observed_at",
            "arrival_day",
            "event_id",
            "response",
            question=asked(),
        )
        .sort("observed_at", "arrival_day", "event_id", descending=[True, False, False], nulls_last=True)
        .unique("interaction_id", keep="first", maintain_order=True)
    )
    return EXCHANGES.conform(
        newest.select("interaction_id", "n_positive", "n_negative", "p_satisfied", "as_of")
        .join(_with_text(answers.drop("arrival_day", "event_id"), names), on="interaction_id")
        .join(sessions, on="session_id", how="left")
        .join(_folded_signals(newest, evidence), on="interaction_id", how="left")
        .with_columns(pl.col("kinds", "categories").fill_null([]), language=languages("text"))
        .sort("interaction_id")
    )


def _with_text(answers: pl.DataFrame, names: NameModel | None) -> pl.DataFrame:
    """`answers` with the `text` that is indexed, redacted before it is cut, so that no half of a secret is left."""
    rows = answers.with_row_index("row").select("row", "question", "response")
    said = rows.unpivot(index="row", variable_name="part", value_name="text").sort("row", "part")
    redacted = redact_together(said["text"], said["row"], names)
    parts = pl.DataFrame({"question": redacted.gather_every(2), "response": redacted.gather_every(2, 1)})
    question = pl.col("question").str.slice(0, QUESTION_CHARACTERS)
    response = pl.col("response").str.slice(0, RESPONSE_CHARACTERS)
    text = parts.select(text=pl.concat_str(question, response, separator="\n", ignore_nulls=True))
    return answers.drop("question", "response").with_columns(text.to_series())


def _folded_signals(verdicts: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    folded = verdicts.select("interaction_id", evidence_id="evidence_ids").explode("evidence_id")
    signals = evidence.select("evidence_id", "kind", "reason", "confidence")
    return (
        folded.join(signals, on="evidence_id")
        .group_by("interaction_id")
        .agg(
            kinds=pl.col("kind").unique().sort(),
            categories=pl.col("reason").drop_nulls().unique().sort(),
            confidence=pl.col("confidence").max(),
        )
    )
