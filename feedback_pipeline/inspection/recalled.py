"""Recalled exchanges with what was said about them."""

from typing import Any

import polars as pl

from feedback_pipeline.inspection.said import evidence_on
from feedback_pipeline.warehouse import Warehouse


def with_evidence(warehouse: Warehouse, exchanges: pl.DataFrame) -> list[dict[str, Any]]:
    """Each exchange as plain values, its evidence in order of time under `evidence`."""
    found = warehouse.read(
        evidence_on("SELECT interaction_id FROM exchanges"), exchanges=exchanges.select("interaction_id")
    ).rows(named=True)
    return [
        row | {"evidence": [piece for piece in found if piece["interaction_id"] == row["interaction_id"]]}
        for row in exchanges.rows(named=True)
    ]
