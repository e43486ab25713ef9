"""Evidence with the reasons that its words give, where whoever logged them gave none."""

import polars as pl

from feedback_pipeline.evidence.detectors.wording import opening
from feedback_pipeline.evidence.reasons.reading import Reading, ReasonReader
from feedback_pipeline.schemas import EVIDENCE, REACTION_KINDS

# Kinds whose text is a person's own words about the answer: not a passage of it, nor copied from it.
SAID = ("comment", "survey", "reason", "thumb", "rating", "tag")
FOLLOWUPS = ("correction_followup", "complaint_followup", "clarification_request", "frustration")
# From this probability on a comment counts as speaking against the answer. What speaks against it anyway gives
# a reason unless its words rather say that they do not.
SPEAKS_AGAINST, MAY_SPEAK_AGAINST = 0.8, 0.5
# People give their reason first.
_LONGEST = 1000
_UNDECIDED = 0.5
_READ = pl.Schema({"words": pl.String, "read_reason": pl.String, "against": pl.Float64, "read_by": pl.String})


def with_reasons(evidence: pl.DataFrame, reader: ReasonReader) -> pl.DataFrame:
    """`evidence` with `reason` and `reason_extractor` of what people wrote against an answer or undecidedly.

    A reason that was logged stays. Where the reader is not sure, `reason` stays null and `reason_extractor`
    says who tried. A comment that has no polarity of its own speaks against the answer when it reads so
    with a probability of `SPEAKS_AGAINST`, which becomes its confidence, nearer to 0.5 where it is not sure
    which answer is meant. A reading is no saying: such a comment is not trusted, so it feeds verdicts
    and review, and brings nothing to training.
    """
    numbered = evidence.with_columns(words=pl.when(_readable()).then(_words()))
    texts = numbered["words"].drop_nulls().unique(maintain_order=True).to_list()
    if not texts:
        return evidence
    readings = dict(zip(texts, reader.read(texts), strict=True))
    return _with_polarity(numbered.join(_frame(readings), on="words", how="left", maintain_order="left")).select(
        EVIDENCE.schema.names()
    )


def unread(evidence: pl.DataFrame) -> pl.DataFrame:
    """`evidence` as it was before a reader read it: what can be derived again without one."""
    read = pl.col("reason_extractor").is_not_null()
    decided = read & (pl.col("kind") == "comment")
    return evidence.with_columns(
        reason=pl.when(~read).then("reason"),
        polarity=pl.when(decided).then(pl.lit(0, pl.Int8)).otherwise("polarity"),
        confidence=pl.when(decided).then(_UNDECIDED).otherwise("confidence"),
        trusted=pl.when(decided).then("explicit").otherwise("trusted"),
        reason_extractor=pl.lit(None, pl.String),
    )


def _readable() -> pl.Expr:
    return (
        pl.col("kind").is_in([*SAID, *FOLLOWUPS])
        & pl.col("reason").is_null()
        & (pl.col("polarity") <= 0)
        & ~pl.col("withdrawn").fill_null(False)
    )


def _words() -> pl.Expr:
    """What a person wrote: of the next message only its opening, because the rest is the next question."""
    said = pl.when(pl.col("kind").is_in(REACTION_KINDS)).then(opening(pl.col("text"))).otherwise("text")
    words = said.str.slice(0, _LONGEST).str.strip_chars()
    return pl.when(words.str.contains(r"\pL")).then(words)


def _frame(readings: dict[str, Reading]) -> pl.DataFrame:
    rows = [(text, reading.reason, reading.against, reading.extractor) for text, reading in readings.items()]
    return pl.DataFrame(rows, schema=_READ, orient="row")


def _with_polarity(read: pl.DataFrame) -> pl.DataFrame:
    undecided = (pl.col("kind") == "comment") & (pl.col("polarity") == 0)
    speaks = undecided & (pl.col("against") >= SPEAKS_AGAINST).fill_null(False)
    complains = speaks | (~undecided & (pl.col("against") >= MAY_SPEAK_AGAINST))
    sure = _UNDECIDED + (pl.col("against") - _UNDECIDED) * pl.col("join_confidence").fill_null(1.0)
    return read.with_columns(
        reason=pl.coalesce("reason", pl.when(complains).then("read_reason")),
        reason_extractor=pl.coalesce("reason_extractor", "read_by"),
        polarity=pl.when(speaks).then(pl.lit(-1, pl.Int8)).otherwise("polarity"),
        confidence=pl.when(speaks).then(sure).otherwise("confidence"),
        trusted=pl.col("trusted") & ~speaks,
    )
