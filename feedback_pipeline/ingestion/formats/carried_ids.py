"""Our ids in what a vendor carries along for the product: hidden fields, properties, metadata.

Looked for are `interaction_id`, `session_id`, `user_id` and `user_role`. The option `ids` names those
that a product calls otherwise: `{"interaction_id": "answer_ref"}`, dotted where the value is nested. What
stands by the declared name goes before what stands by ours.
"""

from collections.abc import Iterable
from typing import Any

from feedback_pipeline.ingestion.formats.chat_shapes import decoded
from feedback_pipeline.ingestion.formats.reading import Reading, text_at

_KEYS = ("interaction_id", "session_id", "user_id", "user_role")


def carried_ids(carriers: Iterable[Any], reading: Reading, vendors_user: str | None = None) -> dict[str, Any]:
    """Our ids as fields of a feedback, each from the first of `carriers` that has it.

    A carrier that is no object has none. Where none names a user, the vendor's own id of them serves.
    Raises `RecordError` where a list or an object stands for an id.
    """
    objects = [carrier for carrier in map(decoded, carriers) if isinstance(carrier, dict)]
    declared = reading.options.get("ids", {})
    ids = {key: _first(objects, declared.get(key, key)) or _first(objects, key) for key in _KEYS}
    return {**ids, "user_id": ids["user_id"] or vendors_user}


def _first(carriers: list[dict[str, Any]], name: str) -> str | None:
    return next((value for carrier in carriers if (value := text_at(carrier, name)) is not None), None)
