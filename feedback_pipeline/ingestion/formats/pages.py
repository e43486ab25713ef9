"""Pages of a vendor's API: an object around a list of records.

```json
{"satisfaction_ratings": [{"id": 35436, "score": "bad"}], "next_page": null, "count": 1}
```
"""

from collections.abc import Callable
from typing import Any

# The fields that hold the list, by format. Pages of other formats are named by a source's `records`.
PAGES = {
    "inline_comments": ("comments", "results"),
    "langfuse": ("data",),
    "langsmith": ("runs",),
    "typeform": ("items",),
    "zendesk": ("satisfaction_ratings", "survey_responses", "comments"),
}


def records_of_page(page: dict[str, Any], fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """The records in the first of the fields that holds some; nothing where the object is no page."""
    return next((found for field in fields if (found := _objects(page.get(field)))), [])


def list_of_records(page: dict[str, Any], fits: Callable[[dict[str, Any]], bool]) -> str | None:
    """The field whose list holds records that fit, judged by the first of them, or None."""
    return next((field for field, value in page.items() if (found := _objects(value)) and fits(found[0])), None)


def _objects(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) and all(isinstance(each, dict) for each in value) else []
