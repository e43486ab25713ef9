"""Which code decided: the package's version says too little between releases."""

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import feedback_pipeline

_HASH_LENGTH = 12


@cache
def code_version() -> str:
    """`<version>+<start of the SHA-256 over the package's Python files>`, as PEP 440 spells a local version."""
    package = Path(feedback_pipeline.__file__).parent
    digest = sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    return f"{version('feedback-pipeline')}+{digest.hexdigest()[:_HASH_LENGTH]}"
