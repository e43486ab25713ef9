"""Evidence as people read it: beside what it comes to, what was said."""

from datetime import date

from feedback_pipeline.evidence.explicit import EXTRACTOR
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS
from feedback_pipeline.warehouse import current


def evidence_on(interactions: str) -> str:
    """SQL for all that is known of the interactions whose ids a query gives, in order of time.

    Rows of `evidence`, with `label`, `rating`, `rating_min` and `rating_max` of the feedback it was read from.
    """
    meant = f"interaction_id IN ({interactions})"
    said = f"feedback_id IN (SELECT trigger_id FROM evidence WHERE {meant})"
    return f"""
        SELECT e.*, f.label, f.rating, f.rating_min, f.rating_max
        FROM {current(EVIDENCE, date.max, where=meant)} e
        LEFT JOIN {current(FEEDBACK_EVENTS, date.max, where=said)} f
            ON e.extractor = '{EXTRACTOR}' AND f.source = e.source AND f.feedback_id = e.trigger_id
        ORDER BY e.observed_at, e.evidence_id
    """
