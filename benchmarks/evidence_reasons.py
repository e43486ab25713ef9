"""Reasons read from words, against what is known of them.

- training texts: each told by heads that were fitted on other templates; intervals over templates. Half of their
  texts that are no complaints are made to look like one ("no errors", "is it dangerous?").
- simulator: the remarks that its users make, whose reasons it knows; they share no text with the training.
- ifllm: what workers wrote at the end of a task. Nobody says their reasons: told is whether the session held an answer
  rated low. `given` is the share that gets a reason.
"""

from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from benchmarks.cluster_bootstrap import auc, share
from feedback_pipeline.evidence.reasons.classifier import Classifier
from feedback_pipeline.evidence.reasons.features import parts_of
from feedback_pipeline.evidence.reasons.fitting import out_of_fold
from feedback_pipeline.evidence.reasons.reading_evidence import SPEAKS_AGAINST
from feedback_pipeline.evidence.reasons.training_texts import NONE, training_texts
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.schemas import REASONS
from feedback_pipeline.settings import Settings
from feedback_pipeline.simulation.users import REASON_OF
from feedback_pipeline.simulation.world import phrasings

Rows = dict[str, dict[str, Any]]


@cache
def classifier() -> Classifier:
    """The offline reader as it is deployed."""
    settings = Settings.from_environment()
    return Classifier(load_encoder(settings.encoder), settings.models)


def on_training_texts(reader: Classifier, resamples: int) -> Rows:
    texts = training_texts()
    says, templates = np.array([text.says for text in texts]), np.array([text.template for text in texts])
    told = out_of_fold(parts_of([text.text for text in texts], reader.encoder), says, templates)
    known = reader.fitted
    likeliest = known.heads.says.classes[told.says.argmax(axis=1)]
    frame = pl.DataFrame(
        {
            "template": templates,
            "complaint": says != NONE,
            "against": told.complains,
            "right": likeliest == says,
            "given": np.isin(likeliest, REASONS) & (known.right(told.says.max(axis=1)) >= known.threshold),
            "has_reason": np.isin(says, REASONS),
        }
    )
    complaints = frame.filter("complaint")
    return _rows(
        {
            ("complaint_training_texts", "AUC"): auc(frame, "against", "complaint", "template", resamples),
            ("reason_training_texts", "precision"): share(complaints.filter("given"), "right", "template", resamples),
            ("reason_training_texts", "given"): share(frame.filter("has_reason"), "given", "template", resamples),
        }
    )


def on_simulated_remarks(reader: Classifier, resamples: int) -> Rows:
    said = phrasings()
    truth = {text: REASON_OF[outcome] for outcome, texts in said["complaints"].items() for text in texts}
    truth |= dict.fromkeys(said["praise"])
    frame = pl.DataFrame(
        [
            {
                "text": text,
                "complaint": reason is not None,
                "against": reading.against,
                "counts_against": reading.against >= SPEAKS_AGAINST,
                "given": reading.reason is not None,
                "right": reading.reason == reason,
            }
            for (text, reason), reading in zip(truth.items(), reader.read(list(truth)), strict=True)
        ]
    )
    complaints = frame.filter("complaint")
    return _rows(
        {
            ("complaint_simulator", "AUC"): auc(frame, "against", "complaint", "text", resamples),
            ("complaint_simulator", "precision"): share(frame.filter("counts_against"), "complaint", "text", resamples),
            ("reason_simulator", "precision"): share(complaints.filter("given"), "right", "text", resamples),
            ("reason_simulator", "given"): share(complaints, "given", "text", resamples),
            ("reason_simulator, unknown counts as wrong", "accuracy"): share(complaints, "right", "text", resamples),
        }
    )


def on_task_comments(reader: Classifier, interactions: pl.DataFrame, feedback: pl.DataFrame, low: int, n: int) -> Rows:
    ratings = feedback.filter(kind="rating").select("interaction_id", "rating")
    rated = interactions.select("interaction_id", "session_id").join(ratings, on="interaction_id")
    sessions = rated.group_by("session_id").agg(complaint=(pl.col("rating") <= low).any())
    comments = feedback.filter(kind="comment").join(sessions, on="session_id")
    readings = reader.read(comments["text"].to_list())
    read = comments.with_columns(
        against=pl.Series([reading.against for reading in readings]),
        given=pl.Series([reading.reason is not None and reading.against >= SPEAKS_AGAINST for reading in readings]),
    )
    return _rows(
        {
            ("comment_low_rating_ifllm", "AUC"): auc(read, "against", "complaint", "user_id", n),
            ("comment_low_rating_ifllm", "given"): share(read, "given", "user_id", n),
        }
    )


def _rows(measured: dict[tuple[str, str], Any]) -> Rows:
    # The names of rows are unique: what measures the same twice differs by spaces, which are not printed.
    names: dict[str, dict[str, Any]] = {}
    for (name, figure), value in measured.items():
        while name in names:
            name += " "
        names[name] = {"figure": figure, **asdict(value)}
    return names
