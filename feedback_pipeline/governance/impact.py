"""Everything downstream of something that was received."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from feedback_pipeline.governance.membership import dataset_membership
from feedback_pipeline.governance.models import models_of
from feedback_pipeline.governance.subject import OF_FILE, Subject
from feedback_pipeline.schemas import FEEDBACK_EVENTS
from feedback_pipeline.warehouse import Warehouse


@dataclass(frozen=True)
class Impact:
    """What came of a subject, a frame a stage, in the order of the flow; of each what names it and little more.

    `examples` has every week's decision on an example. `dataset_versions` has a row per version and example it
    holds. `model_versions` tells by `relation` whether a model was `trained` on some of these, `descended` from one
    that was, or only `evaluated` by them. `promotions` are the decisions on, or against, one of the first two.
    """

    subject: Subject
    raw_events: pl.DataFrame
    interactions: pl.DataFrame
    feedback_events: pl.DataFrame
    evidence: pl.DataFrame
    verdicts: pl.DataFrame
    examples: pl.DataFrame
    dataset_versions: pl.DataFrame
    model_versions: pl.DataFrame
    promotions: pl.DataFrame

    @property
    def tainted_models(self) -> list[str]:
        """Names of the models that were trained on something that came of the subject, and of their descendants."""
        tainted = self.model_versions.filter(pl.col("relation") != "evaluated")
        return tainted["model_version"].unique().sort().to_list()


def impact_of(warehouse: Warehouse, datasets_folder: Path, subject: Subject) -> Impact:
    """Follow ids from `subject` to models.

    What is made of an answer, or rests on what somebody said or did about it, is downstream, by any revision of
    either. What only shifts figures over all (calibrations, rates, themes) is not followed.
    """
    events = _events(warehouse, subject)
    user, answer, said = (_named(subject, kind) for kind in ("user", "interaction", "feedback"))
    interactions = warehouse.read(_INTERACTIONS, {"user": user, "interaction": answer}, events=events)
    feedback = warehouse.read(
        _FEEDBACK, {"user": user, "feedback": said}, events=events, interactions=_ids(interactions, "interaction_id")
    )
    answers, triggers = _ids(interactions, "interaction_id"), feedback.select(FEEDBACK_EVENTS.identity).unique()
    evidence = warehouse.read(_EVIDENCE, {"user": user}, interactions=answers, feedback=triggers)
    signals = evidence.select("evidence_id", "interaction_id")
    verdicts = warehouse.read(_VERDICTS, interactions=answers, signals=signals)
    examples = warehouse.read(_EXAMPLES, {"user": user}, interactions=answers, signals=signals)
    members = dataset_membership(warehouse, datasets_folder, examples.select("example_id").unique())
    models = models_of(warehouse, members, examples)
    tainted = models.filter(pl.col("relation") != "evaluated").select("model_version").unique()
    behind = pl.concat([_ids(events, "event_id"), _event_ids(interactions), _ids(feedback, "event_id")]).unique()
    return Impact(
        subject=subject,
        raw_events=warehouse.read(_LINES, events=behind),
        interactions=interactions.drop("part_event_ids"),
        feedback_events=feedback,
        evidence=evidence,
        verdicts=verdicts,
        examples=examples,
        dataset_versions=members,
        model_versions=models,
        promotions=warehouse.read(_PROMOTIONS, tainted=tainted),
    )


def _events(warehouse: Warehouse, subject: Subject) -> pl.DataFrame:
    if subject.kind not in _EVENTS:
        return pl.DataFrame(schema={"event_id": pl.String})
    return warehouse.read(_EVENTS[subject.kind], {"name": subject.name})


def _named(subject: Subject, kind: str) -> str | None:
    return subject.name if subject.kind == kind else None


def _ids(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return rows.select(pl.col(column).cast(pl.String)).drop_nulls().unique()


def _event_ids(interactions: pl.DataFrame) -> pl.DataFrame:
    parts = interactions.select(event_id=pl.col("part_event_ids").explode()).cast(pl.String)
    return pl.concat([_ids(interactions, "event_id"), parts.drop_nulls()])


_EVENTS = {
    "event": "SELECT DISTINCT event_id FROM raw_events WHERE event_id = $name",
    "file": f"SELECT DISTINCT event_id FROM raw_events WHERE {OF_FILE}",
}
_INTERACTIONS = """
SELECT arrival_day, interaction_id, source, session_id, user_id, model_version, event_id, part_event_ids
FROM interactions WHERE user_id = $user OR interaction_id = $interaction OR interaction_id IN (
    FROM interactions SELECT interaction_id WHERE event_id IN (FROM events)
    UNION FROM (FROM interactions SELECT interaction_id, unnest(part_event_ids) AS part
        WHERE part_event_ids IS NOT NULL) SELECT interaction_id
        WHERE part IN (FROM events)
) ORDER BY arrival_day, interaction_id, event_id
"""
_FEEDBACK = """
SELECT arrival_day, feedback_id, source, kind, interaction_id, user_id, event_id
FROM feedback_events WHERE user_id = $user OR feedback_id = $feedback OR event_id IN (FROM events)
    OR interaction_id IN (FROM interactions) OR other_interaction_id IN (FROM interactions)
ORDER BY arrival_day, feedback_id, event_id
"""
_LINES = """
SELECT arrival_day, source, file, line_number, record_number, event_id, outcome
FROM raw_events WHERE event_id IN (FROM events) ORDER BY arrival_day, source, file, line_number, record_number
"""
_EVIDENCE = """
SELECT arrival_day, evidence_id, interaction_id, kind, polarity, user_id, trigger_id,
    coalesce(withdrawn, false) AS withdrawn
FROM evidence WHERE user_id = $user OR interaction_id IN (FROM interactions)
    OR other_interaction_id IN (FROM interactions)
    OR trigger_id IN (FROM interactions) OR (source, trigger_id) IN (FROM feedback SELECT (source, feedback_id))
QUALIFY row_number() OVER (PARTITION BY evidence_id ORDER BY arrival_day DESC) = 1
ORDER BY arrival_day, evidence_id
"""
_VERDICTS = """
SELECT as_of, interaction_id, p_satisfied FROM verdicts WHERE interaction_id IN (FROM interactions)
    OR (as_of, interaction_id) IN (
        FROM (FROM verdicts SELECT as_of, interaction_id, unnest(evidence_ids) AS piece
            WHERE interaction_id IN (FROM signals SELECT interaction_id))
        SELECT (as_of, interaction_id) WHERE piece IN (FROM signals SELECT evidence_id))
ORDER BY as_of, interaction_id
"""
_EXAMPLES = """
SELECT week, example_id, format, origin, kept, filter_reason, split, interaction_id
FROM curated_examples WHERE author_id = $user OR interaction_id IN (FROM interactions)
    OR (week, example_id) IN (
        FROM (FROM curated_examples SELECT week, example_id, unnest(evidence_ids) AS piece
            WHERE interaction_id IN (FROM signals SELECT interaction_id))
        SELECT (week, example_id) WHERE piece IN (FROM signals SELECT evidence_id))
ORDER BY week, example_id
"""
_PROMOTIONS = """
SELECT week, candidate, reference, decision, dataset_version FROM promotions
WHERE candidate IN (FROM tainted) OR reference IN (FROM tainted) ORDER BY week, candidate
"""
