"""The state of the whole pipeline, from lines received to the champion."""

from datetime import date
from typing import Any

from feedback_pipeline.evaluation.registry import champion
from feedback_pipeline.ingestion.ledger import LOST, ledger
from feedback_pipeline.inspection.accounts import orphans
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS, INTERACTIONS, VERDICTS
from feedback_pipeline.warehouse import Warehouse, current

_EVER = date.max


def status(warehouse: Warehouse) -> dict[str, Any]:
    """Counts and decisions, as plain values. Raises `WarehouseMissingError` before the first ingestion."""
    lines = ledger(warehouse)
    decided = champion(warehouse)
    return {
        "lines": {name: lines[name].sum() for name in ("received", "accepted", "duplicate", "rejected")},
        "rejected_because": _counts(warehouse, _REJECTED),
        "interactions": _count(warehouse, current(INTERACTIONS, _EVER)),
        "feedback_events": _count(warehouse, current(FEEDBACK_EVENTS, _EVER)),
        "orphans": orphans(warehouse),
        "evidence": _counts(warehouse, f"SELECT kind, count(*) AS n FROM {current(EVIDENCE, _EVER)} GROUP BY ALL"),
        "verdicts": _count(warehouse, f"(SELECT DISTINCT {VERDICTS.key} FROM {VERDICTS.name})"),
        "routes": _counts(warehouse, _ROUTES),
        "examples_kept": _counts(warehouse, f"SELECT format, count(*) AS n FROM {_EXAMPLES} WHERE kept GROUP BY ALL"),
        "examples_rejected": _counts(
            warehouse, f"SELECT filter_reason, count(*) AS n FROM {_EXAMPLES} WHERE NOT kept GROUP BY ALL"
        ),
        "datasets": warehouse.read(_DATASETS).rows(named=True),
        "models": warehouse.read(_MODELS).rows(named=True),
        "decisions": warehouse.read(_DECISIONS).rows(named=True),
        "champion": decided.model_version if decided else None,
    }


# Reasons that differ in a number only are one.
_REJECTED = f"""
SELECT regexp_replace(reason, '[0-9][0-9.:-]*', 'N', 'g'), count(*) AS n
FROM raw_events WHERE {LOST} GROUP BY ALL
"""
_ROUTES = """
SELECT destination, count(*) AS n
FROM (SELECT * FROM routes QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY day DESC) = 1) GROUP BY ALL
"""
_EXAMPLES = """
(SELECT * FROM curated_examples QUALIFY row_number() OVER (PARTITION BY example_id ORDER BY week DESC) = 1)
"""
_DATASETS = """
SELECT week, dataset_version, content_hash, folder,
    sum(examples) FILTER (split = 'train')::BIGINT AS train, sum(examples) FILTER (split = 'test')::BIGINT AS test
FROM datasets GROUP BY ALL ORDER BY week
"""
_MODELS = """
SELECT week, model_version, dataset_version, base_model, examples, tokens, train_loss, seconds, folder
FROM model_versions ORDER BY week
"""
_DECISIONS = """
SELECT week, candidate, reference, decision, reason, metric, estimate, lower, upper, confidence_level, n, clusters
FROM promotions ORDER BY week
"""


def _count(warehouse: Warehouse, rows: str) -> int:
    return int(warehouse.read(f"SELECT count(*) FROM {rows}").item())


def _counts(warehouse: Warehouse, query: str) -> dict[str, int]:
    """A query of name and number `n`, most frequent first."""
    return dict(warehouse.read(f"{query} ORDER BY n DESC, 1").rows())
