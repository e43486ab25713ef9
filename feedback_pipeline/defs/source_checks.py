"""Warnings about sources: fields and volume that changed, files, claims and ids out of place. They block nothing."""

import dagster as dg
import polars as pl

from feedback_pipeline.curation.prompt_forms import prompt_forms
from feedback_pipeline.defs.checks import judged_days, nightly_check
from feedback_pipeline.defs.metadata import markdown_table
from feedback_pipeline.defs.store import Store
from feedback_pipeline.ingestion.arrivals import never_read
from feedback_pipeline.ingestion.drift import drift
from feedback_pipeline.ingestion.reused_ids import reused_ids
from feedback_pipeline.ingestion.reviewers import unconfirmed
from feedback_pipeline.ingestion.shared_ids import shared_ids
from feedback_pipeline.ingestion.volume import volume
from feedback_pipeline.redaction.redact import redact
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, LANDED_FILES, RAW_EVENTS


@nightly_check(asset=RAW_EVENTS.name, blocking=False)
def fields_are_the_same(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """No field of a source appears, disappears or changes its type against the 28 days before."""
    return _changed(drift(store.warehouse, judged_days(context, store)))


@nightly_check(asset=RAW_EVENTS.name, blocking=False)
def volume_is_in_range(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """Lines received and the share rejected are within 5 scaled MAD of the source's 28 days before."""
    return _changed(volume(store.warehouse, judged_days(context, store)))


@nightly_check(asset=FEEDBACK_EVENTS.name, blocking=False)
def reviewers_are_declared(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """Nobody claims to be a reviewer in a source that may not speak for them (`reviewers` of its declaration)."""
    claims = unconfirmed(store.warehouse, judged_days(context, store))
    return _warning(claims, "claims", unconfirmed=int(claims["events"].sum()))


@nightly_check(asset=INTERACTIONS.name, blocking=False)
def no_id_names_two_answers(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """No id came for answers to different questions, of which only the last counts. A mapping can make ids distinct."""
    reused = reused_ids(store.warehouse, judged_days(context, store))
    return _warning(reused, "ids", reused=reused.height)


@nightly_check(asset=INTERACTIONS.name, blocking=False)
def ids_tell_users_and_sessions_apart(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """No session has more than ten users, and no user or session a fifth of a source's answers (of 200 and more).

    `null_ids` of a declaration names ids that stand for none; a mapping can make those of a counter distinct.
    """
    shared = shared_ids(store.warehouse, judged_days(context, store))
    return _warning(shared, "ids", shared=shared.height)


@nightly_check(asset=INTERACTIONS.name, blocking=False)
def questions_are_the_users_words(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
    """No source logs its users' questions in a prompt of the product's, without a `question_pattern` that tells them.

    Whole prompts are nearly the same, so that questions would pass for repeats and duplicates of each other.
    """
    forms = prompt_forms(store.warehouse, judged_days(context, store))
    return _warning(forms, "forms", sources=forms.height)


@nightly_check(asset=LANDED_FILES.name, blocking=False)
def every_file_is_read(store: Store) -> dg.AssetCheckResult:
    """No file of the landing zone lies outside the folders of sources and their days, where nothing reads it."""
    files = pl.DataFrame({"file": never_read(store.settings.landing_zone)}, schema={"file": pl.String})
    return _warning(files, "files", never_read=files.height)


def _changed(changes: pl.DataFrame) -> dg.AssetCheckResult:
    """Examples are what users wrote, so personal data in them is masked."""
    return _warning(changes.with_columns(redact(changes["example"])), "what_changed", changes=changes.height)


def _warning(found: pl.DataFrame, table: str, **counts: int) -> dg.AssetCheckResult:
    """A warning, if anything was found, with its first hundred rows as the metadata `table`."""
    return dg.AssetCheckResult(
        passed=found.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**counts, table: dg.MetadataValue.md(markdown_table(found.head(100)))},
    )
