"""Who found which reasons."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from feedback_pipeline.evidence.reasons.reading import FALLBACK
from feedback_pipeline.warehouse import Warehouse

_READ = f"""
SELECT coalesce(reason_extractor, 'whoever logged it') AS extractor,
    coalesce(contains(reason_extractor, '{FALLBACK}'), false) AS fallback,
    count(DISTINCT (source, trigger_id)) AS texts,
    count(DISTINCT (source, trigger_id)) FILTER (reason IS NOT NULL) AS with_reason
FROM evidence
WHERE list_contains($days, arrival_day) AND (reason IS NOT NULL OR reason_extractor IS NOT NULL)
    AND withdrawn IS NOT TRUE
GROUP BY ALL ORDER BY texts DESC, extractor
"""


def reasons_read(warehouse: Warehouse, days: Sequence[date]) -> pl.DataFrame:
    """By `extractor`: `texts` it read (or reasons logged) on the days, and those `with_reason`.

    `fallback` says that it stood in for a language model. A text that gave rise to several
    pieces of evidence counts once.
    """
    return warehouse.read(_READ, {"days": sorted(days)})
