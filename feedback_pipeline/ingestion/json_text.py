"""A value as JSON text that every library of the pipeline can hold."""

import json
from typing import Any


def json_text(value: Any) -> str:
    """JSON as people read it. Half a surrogate pair, which is no character, stays the escape it was."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text
