"""A week's examples, read from the warehouse."""

from datetime import date

import polars as pl

from feedback_pipeline.curation.candidates import candidate_examples
from feedback_pipeline.curation.curate import curate
from feedback_pipeline.curation.external_benchmarks import NO_BENCHMARKS, Benchmarks
from feedback_pipeline.curation.inputs import week_inputs
from feedback_pipeline.curation.trust_policy import USUAL_TRUST, TrustPolicy
from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.redaction.names import NameModel
from feedback_pipeline.warehouse import Warehouse


def examples_of(
    warehouse: Warehouse,
    week: date,
    policy: TrustPolicy | None = USUAL_TRUST,
    names: NameModel | None = None,
    kept_out: Benchmarks = NO_BENCHMARKS,
    encoder: Encoder | None = None,
) -> pl.DataFrame:
    """Every candidate of the week of a Monday, kept or dropped with a reason; see `curate` for the rest."""
    given = week_inputs(warehouse, week)
    return curate(
        candidate_examples(given.verdicts, given.routes, given.evidence, given.interactions, week),
        given.verdicts["interaction_id"],
        given.history,
        week,
        given.crowd,
        policy,
        names=names,
        kept_out=kept_out,
        seen=given.seen,
        encoder=encoder,
    )
