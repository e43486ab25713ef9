"""Recalled exchanges with what was said about them."""

from datetime import date
from typing import Any

import polars as pl

from feedback_pipeline.schemas import EVIDENCE
from feedback_pipeline.warehouse import Warehouse, current


def with_evidence(warehouse: Warehouse, exchanges: pl.DataFrame) -> list[dict[str, Any]]:
    """Each exchange as plain values, its evidence in order of time under `evidence`."""
    about_them = current(EVIDENCE, date.max, where="interaction_id IN (SELECT interaction_id FROM exchanges)")
    found = warehouse.read(
        f"SELECT * FROM {about_them} ORDER BY observed_at, evidence_id",
        exchanges=exchanges.select("interaction_id"),
    ).rows(named=True)
    return [
        row | {"evidence": [piece for piece in found if piece["interaction_id"] == row["interaction_id"]]}
        for row in exchanges.rows(named=True)
    ]
