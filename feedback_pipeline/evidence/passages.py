"""Which characters of an answer a passage or an edit is about."""

import polars as pl

from feedback_pipeline.schemas import FEEDBACK_EVENTS

_LOCATED = pl.Schema({"start": pl.Int64, "end": pl.Int64, "replacement": pl.String})


def located(evidence: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """`evidence` with the character range of each passage that can be placed without guessing.

    A highlight or an inline edit that quotes a passage (`text`) gets its range where the passage
    stands in the answer exactly once; elsewhere an edit keeps passage and proposal as `text`, for a
    proposal without a place must not replace the whole answer. An inline edit given as the whole
    new answer is narrowed to the characters it changed. A range that reaches past the answer's end is
    of another text and counts as none, and its edit as one whose passage was not found.
    """
    evidence = _within_answers(evidence, answers)
    placeless, misplaced = pl.col("range_start").is_null(), pl.col("misplaced")
    quoting = placeless & pl.col("kind").is_in(["highlight", "inline_edit"]) & pl.col("text").is_not_null()
    whole = placeless & ~misplaced & (pl.col("kind") == "inline_edit") & pl.col("text").is_null()
    if not evidence.select((quoting | whole | misplaced).any()).item():
        return evidence.drop("misplaced")
    known = evidence.filter(quoting | whole).join(answers.select("interaction_id", "response"), on="interaction_id")
    keys = [*FEEDBACK_EVENTS.identity, "interaction_id"]
    rows = known.select("response", "text", "proposed_text").rows()
    places = pl.DataFrame([_place(*row) for row in rows], schema=_LOCATED, orient="row")
    found = known.select(keys).hstack(places).drop_nulls("start").unique(keys)
    lost_edit = (quoting | misplaced) & (pl.col("kind") == "inline_edit") & pl.col("start").is_null()
    return (
        evidence.join(found, on=keys, how="left", maintain_order="left")
        .with_columns(
            text=pl.when(lost_edit)
            .then(pl.coalesce(pl.format("{} → {}", "text", "proposed_text"), pl.format("→ {}", "proposed_text")))
            .otherwise("text"),
            proposed_text=pl.when(~lost_edit).then(pl.coalesce("replacement", "proposed_text")),
            range_start=pl.coalesce("range_start", "start"),
            range_end=pl.coalesce("range_end", "end"),
        )
        .drop("start", "end", "replacement", "misplaced")
    )


def is_quoted(texts: pl.DataFrame, passage: str, answer: str) -> pl.Series:
    """Whether the column `answer` of a frame of texts, none of them null, holds what stands in the column `passage`."""
    # Of a frame's only row Polars compiles the passage as a regular expression, and refuses half a megabyte.
    return pl.Series([some in whole for some, whole in texts.select(passage, answer).iter_rows()], dtype=pl.Boolean)


def _within_answers(evidence: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """`evidence` without the ranges that reach past the end of their answer; `misplaced` tells which rows had one."""
    lengths = answers.select("interaction_id", length=pl.col("response").str.len_chars()).unique("interaction_id")
    kept = pl.when(~pl.col("misplaced"))
    return (
        evidence.join(lengths, on="interaction_id", how="left", maintain_order="left")
        .with_columns(misplaced=(pl.col("range_end") > pl.col("length")).fill_null(False))
        .with_columns(range_start=kept.then("range_start"), range_end=kept.then("range_end"))
        .drop("length")
    )


def _place(answer: str, passage: str | None, proposal: str | None) -> tuple[int | None, int | None, str | None]:
    """Start and end in `answer`, and what is to stand there; all None where there is no one place."""
    if passage is None:
        return _changed_passage(answer, proposal or "")
    start = answer.find(passage)
    if start < 0 or answer.find(passage, start + 1) >= 0:
        return None, None, None
    return start, start + len(passage), proposal


def _changed_passage(old: str, new: str) -> tuple[int, int, str]:
    """Start and end in `old` of what differs, and what `new` has there: both ends they share were not edited."""
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    limit = min(len(old), len(new)) - start
    kept = next((i for i in range(limit) if old[-1 - i] != new[-1 - i]), limit)
    return start, len(old) - kept, new[start : len(new) - kept]
