"""Candidate examples: what a week's verdicts could teach, before anything is filtered."""

from datetime import date

import polars as pl

from feedback_pipeline.curation.edit_guards import guarded_fault
from feedback_pipeline.curation.edits import edit_fault, wanted_answer
from feedback_pipeline.curation.messages import message
from feedback_pipeline.curation.stable_hash import sha256_hex
from feedback_pipeline.evidence.reviewers import outranked
from feedback_pipeline.ingestion.reviewers import by_reviewer
from feedback_pipeline.schemas import CURATED_EXAMPLES

# Below it, people who said nothing against an answer are too seldom satisfied to teach the answer again.
ACCEPTED_FROM = 0.9
_EXAMPLE_ID_LENGTH = 24


def candidate_examples(
    verdicts: pl.DataFrame,
    routes: pl.DataFrame,
    evidence: pl.DataFrame,
    interactions: pl.DataFrame,
    week: date,
) -> pl.DataFrame:
    """One row per candidate example, in the columns of `CURATED_EXAMPLES`.

    `verdicts` and `routes` have one row per interaction touched in the week, `evidence` all evidence about
    these as of the week's end, `interactions` the current row of each and of the ones preferred over. Only
    what is routed to training yields candidates. `kept`, `split` and `duplicate_of` are null; so is
    `filter_reason`, except where a proposal could not become an answer.
    """
    answers = _answers_for_training(verdicts, routes, interactions)
    evidence = evidence.filter(~outranked())
    replaced = _replaced(answers, evidence)
    candidates = [
        _sft_replacements(replaced),
        _sft_accepted(answers),
        _preference_replacements(replaced),
        _preferences(answers, evidence, interactions),
        _thumbs(answers, evidence, replaced),
    ]
    examples = pl.concat(candidates, how="diagonal").with_columns(
        week=pl.lit(week), evidence_ids=pl.col("evidence_ids").list.sort()
    )
    return CURATED_EXAMPLES.conform(_identified(examples))


def _answers_for_training(verdicts: pl.DataFrame, routes: pl.DataFrame, interactions: pl.DataFrame) -> pl.DataFrame:
    trainable = routes.filter(pl.col("destination") == "training").select("interaction_id")
    system = pl.col("system_context").fill_null("").str.strip_chars()
    prompt = (
        pl.when(system == "")
        .then("prompt_messages")
        .otherwise(pl.concat_list(message("system", "system_context"), "prompt_messages"))
    )
    group = pl.coalesce(pl.concat_str(pl.lit("user:"), "user_id"), pl.concat_str(pl.lit("session:"), "session_id"))
    known = interactions.select(
        "interaction_id",
        "session_id",
        "model_version",
        "response",
        "source",
        "prompt_messages",
        "question",
        asker_id="user_id",
        prompt=prompt,
        group_id=group,
    )
    return verdicts.join(trainable, on="interaction_id", how="semi").join(known, on="interaction_id")


def _replaced(answers: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """Answers that somebody replaced, with the wanted answer in their place."""
    replacements = evidence.filter(pl.col("proposed_text").is_not_null()).select(
        "interaction_id",
        "range_start",
        "range_end",
        "proposed_text",
        "observed_at",
        correction_id="evidence_id",
        origin=pl.when(pl.col("kind") == "inline_edit").then(pl.lit("inline_edit")).otherwise(pl.lit("correction")),
        edit_reason="reason",
        author_id="user_id",
        by_reviewer=by_reviewer(),
    )
    return (
        answers.join(replacements, on=["interaction_id", "correction_id"])
        .with_columns(wanted=wanted_answer())
        .with_columns(
            filter_reason=pl.coalesce(edit_fault(), guarded_fault()),
            reason=pl.coalesce("edit_reason", "dominant_reason"),
            evidence_ids=pl.concat_list("correction_id"),
        )
    )


def _sft_replacements(replaced: pl.DataFrame) -> pl.DataFrame:
    return replaced.select(
        *_LINEAGE,
        *_TOLD,
        format=pl.lit("sft"),
        completion=message("assistant", "wanted"),
        identity="correction_id",
    )


def _preference_replacements(replaced: pl.DataFrame) -> pl.DataFrame:
    return replaced.select(
        *_LINEAGE,
        *_TOLD,
        format=pl.lit("preference"),
        chosen=message("assistant", "wanted"),
        rejected=message("assistant", "response"),
        identity="correction_id",
    )


def _sft_accepted(answers: pl.DataFrame) -> pl.DataFrame:
    accepted = (
        pl.col("correction_id").is_null()
        & (pl.col("p_satisfied") >= ACCEPTED_FROM)
        & (pl.col("n_explicit") > 0)
        & (pl.col("n_negative") == 0)
    )
    return answers.filter(accepted).select(
        *_LINEAGE,
        "evidence_ids",
        format=pl.lit("sft"),
        author_id="asker_id",
        by_reviewer="reviewed",
        origin=pl.lit("accepted"),
        completion=message("assistant", "response"),
        observed_at="last_observed_at",
        # More applause for the same answer is not another example.
        identity=pl.lit(""),
    )


def _preferences(answers: pl.DataFrame, evidence: pl.DataFrame, interactions: pl.DataFrame) -> pl.DataFrame:
    said = (pl.col("kind") == "preference") & (pl.col("polarity") > 0) & pl.col("other_interaction_id").is_not_null()
    pairs = (
        evidence.filter(said)
        .sort("observed_at", "evidence_id")
        .group_by("interaction_id", "other_interaction_id", maintain_order=True)
        .agg(
            pl.col("reason", "observed_at").last(),
            author_id=pl.col("user_id").last(),
            by_reviewer=by_reviewer().last(),
            evidence_ids="evidence_id",
        )
    )
    others = interactions.select(
        other_interaction_id="interaction_id", other_response="response", other_messages="prompt_messages"
    )
    compared = answers.drop("evidence_ids").join(pairs, on="interaction_id").join(others, on="other_interaction_id")
    # Answers to different questions do not compete.
    fault = pl.when(pl.col("prompt_messages") != pl.col("other_messages")).then(pl.lit("different_prompts"))
    return compared.select(
        *_LINEAGE,
        "reason",
        "evidence_ids",
        "author_id",
        "by_reviewer",
        "observed_at",
        format=pl.lit("preference"),
        origin=pl.lit("preference"),
        filter_reason=fault,
        chosen=message("assistant", "response"),
        rejected=message("assistant", "other_response"),
        identity="other_interaction_id",
    )


def _thumbs(answers: pl.DataFrame, evidence: pl.DataFrame, replaced: pl.DataFrame) -> pl.DataFrame:
    thumbs = (
        evidence.filter(pl.col("kind") == "thumb")
        .sort("observed_at", "evidence_id")
        .unique(["interaction_id", "user_id"], keep="last", maintain_order=True)
        .filter(pl.col("polarity") != 0)
        .select(
            "interaction_id",
            "polarity",
            "observed_at",
            thumb_reason="reason",
            author_id="user_id",
            by_reviewer=by_reviewer(),
            identity="evidence_id",
        )
    )
    usable = replaced.filter(pl.col("filter_reason").is_null())
    corrected = usable.select("interaction_id", corrected_by="correction_id")
    judged = (
        answers.join(thumbs, on="interaction_id")
        .join(corrected, on="interaction_id", how="left")
        # Who liked an answer that had to be corrected liked the effort.
        .with_columns(label=(pl.col("polarity") > 0) & pl.col("corrected_by").is_null())
    )
    return judged.select(
        *_LINEAGE,
        "label",
        "author_id",
        "by_reviewer",
        "observed_at",
        format=pl.lit("unpaired"),
        origin=pl.lit("thumb"),
        completion=message("assistant", "response"),
        reason=pl.when(~pl.col("label")).then(pl.coalesce("thumb_reason", "dominant_reason")),
        evidence_ids=pl.concat_list("identity", "corrected_by").list.drop_nulls(),
        identity=pl.concat_str("identity", pl.col("corrected_by").fill_null(""), separator=" "),
    )


_LINEAGE = ("interaction_id", "session_id", "model_version", "group_id", "source", "prompt", "question")
_TOLD = ("origin", "reason", "filter_reason", "evidence_ids", "author_id", "by_reviewer", "observed_at")


def _identified(examples: pl.DataFrame) -> pl.DataFrame:
    """Name each example by what gives it its content, so that more of the same evidence keeps the name."""
    identity = pl.concat_str("format", "origin", "interaction_id", "identity", separator="\x1f")
    keys = examples.select(key=identity)["key"]
    return examples.with_columns(example_id=sha256_hex(keys).str.slice(0, _EXAMPLE_ID_LENGTH)).drop("identity")
