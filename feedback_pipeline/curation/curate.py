"""The recipe of a training cycle, top to bottom."""

from datetime import date

import polars as pl

from feedback_pipeline.curation.contamination import drop_contaminated
from feedback_pipeline.curation.duplicates import drop_duplicates
from feedback_pipeline.curation.external_benchmarks import IN_BENCHMARK, NO_BENCHMARKS, Benchmarks
from feedback_pipeline.curation.filters import drop_unusable, drop_where
from feedback_pipeline.curation.neighbours import neighbours
from feedback_pipeline.curation.redaction import redact_messages
from feedback_pipeline.curation.same_questions import question
from feedback_pipeline.curation.splits import assign_split
from feedback_pipeline.curation.support import with_support
from feedback_pipeline.curation.trust import UNKNOWN_CROWD, Crowd, hold_distrusted, limit_shares
from feedback_pipeline.curation.trust_policy import USUAL_TRUST, TrustPolicy
from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.redaction.names import NameModel
from feedback_pipeline.schemas import CURATED_EXAMPLES


def curate(
    candidates: pl.DataFrame,
    touched: pl.Series,
    history: pl.DataFrame,
    week: date,
    crowd: Crowd = UNKNOWN_CROWD,
    policy: TrustPolicy | None = USUAL_TRUST,
    names: NameModel | None = None,
    kept_out: Benchmarks = NO_BENCHMARKS,
    seen: pl.DataFrame | None = None,
    encoder: Encoder | None = None,
) -> pl.DataFrame:
    """Every candidate of a week, kept or dropped with a reason, in the columns of `CURATED_EXAMPLES`.

    `candidates` come from `candidate_examples`; `touched` names every interaction with a verdict in the week;
    `history` is what earlier weeks keep (`assemble` of them). What the week touches is decided anew,
    so an example that touched interactions no longer yield is added as `withdrawn`; the rest of history stands.
    `crowd` is what corrections are seen against, `policy` how much of a dataset anybody may decide;
    with None as much as comes. `names` finds people in place of cues. What meets a benchmark that is `kept_out` is
    dropped, that of earlier weeks included (`in_external_benchmark`). `seen` is what any earlier week's dataset had,
    `history` where not given; with an `encoder` questions are compared by meaning too, for split and neighbours.
    """
    decided_anew = pl.concat([touched.alias("interaction_id"), candidates["interaction_id"]]).implode()
    standing = history.filter(~pl.col("interaction_id").is_in(decided_anew))
    superseded = history.filter(pl.col("interaction_id").is_in(decided_anew))

    examples = drop_unusable(candidates, (policy or USUAL_TRUST).max_characters)
    examples = redact_messages(examples, names)
    examples = drop_where(examples, **{IN_BENCHMARK: pl.col("example_id").is_in(kept_out.meets(examples).implode())})
    met = standing.filter(pl.col("example_id").is_in(kept_out.meets(standing).implode()))
    standing = standing.join(met, on="example_id", how="anti")
    if policy:
        examples = hold_distrusted(examples, standing, crowd, policy)
    examples = drop_duplicates(examples, standing)
    if policy:
        examples = limit_shares(examples, standing, policy)
    examples = assign_split(examples)
    examples = drop_contaminated(examples, history if seen is None else seen, encoder)

    gone = [
        CURATED_EXAMPLES.conform(rows.with_columns(filter_reason=pl.lit(reason), duplicate_of=pl.lit(None, pl.String)))
        for reason, rows in (
            ("withdrawn", superseded.join(candidates, on="example_id", how="anti")),
            (IN_BENCHMARK, met),
        )
    ]
    decided = pl.concat([CURATED_EXAMPLES.conform(examples), *gone])
    decided = decided.with_columns(week=pl.lit(week), kept=pl.col("filter_reason").is_null())
    now = pl.concat([CURATED_EXAMPLES.conform(rows) for rows in (standing, decided.filter("kept"))])
    own = decided.select(pl.concat_list("interaction_id")).to_series()
    decided = decided.with_columns(neighbour_ids=neighbours(question(decided), own, now, encoder))
    kept = with_support(decided.filter("kept"), decided)
    return pl.concat([CURATED_EXAMPLES.conform(rows) for rows in (kept, decided.filter(~pl.col("kept")))]).sort(
        "example_id"
    )
