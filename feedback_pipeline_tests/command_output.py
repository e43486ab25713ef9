"""What `feedback-pipeline` prints, as values."""

import json
from collections.abc import Callable
from typing import Any


def as_json(run: Callable[..., tuple[int, str, str]], *words: str) -> Any:
    """What the command answers with `--json`; it has to succeed."""
    code, out, _ = run(*words, "--json")
    assert code == 0
    return json.loads(out)
