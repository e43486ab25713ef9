"""Who reads the reasons that people give in their own words, and what the web UI shows of it."""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from feedback_pipeline.defs.metadata import markdown_table
from feedback_pipeline.evidence.reasons.account import reasons_read
from feedback_pipeline.evidence.reasons.classifier import Classifier
from feedback_pipeline.evidence.reasons.language_model import LanguageModelReader
from feedback_pipeline.evidence.reasons.reading import ReasonReader
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.redaction.spacy_names import load_name_model
from feedback_pipeline.settings import Settings
from feedback_pipeline.warehouse import Warehouse


def reason_reader(settings: Settings) -> ReasonReader:
    """The classifier, or the configured language model with the classifier behind it."""
    classifier = Classifier(load_encoder(settings.encoder), settings.models)
    if settings.reason_model is None:
        return classifier
    names = load_name_model(settings.name_model)
    return LanguageModelReader(settings.reason_model, settings.reason_answers, classifier, names)


def reasons_shown(warehouse: Warehouse, days: Sequence[date]) -> dict[str, dg.MetadataValue]:
    """What each reader found on the days, and how often the classifier stood in for a language model."""
    read = reasons_read(warehouse, days)
    return {
        "reasons": dg.MetadataValue.md(markdown_table(read)),
        "reasons_read_by_fallback": dg.MetadataValue.int(int(read.filter("fallback")["texts"].sum())),
    }
