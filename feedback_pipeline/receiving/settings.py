"""What the receiver takes from the environment: secrets, and the limits of a delivery.

```sh
FEEDBACK_RECEIVE_SECRET_<SOURCE>   # what one source signs with, or its bearer token; see `authenticity`
FEEDBACK_RECEIVE_TOKEN             # the bearer token of every source without a secret of its own, but of no reviewers'
FEEDBACK_RECEIVE_MAX_BYTES         # of a body; 1 MiB if not given
FEEDBACK_RECEIVE_MAX_AGE           # seconds by which a signed time may differ from our clock; 300 if not given
```

A source's name is written in capitals there, with `_` for whatever is no letter or digit: `in-app` is `IN_APP`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from feedback_pipeline.ingestion.lines import MAX_LINE_BYTES

_SECRET = "FEEDBACK_RECEIVE_SECRET_"
_TOKEN = "FEEDBACK_RECEIVE_TOKEN"
_MAX_BYTES = "FEEDBACK_RECEIVE_MAX_BYTES"
_MAX_AGE = "FEEDBACK_RECEIVE_MAX_AGE"


@dataclass(frozen=True)
class ReceiveSettings:
    """Secrets and limits. `secrets` is by source as the environment spells it; an empty one counts as none."""

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    token: str | None = field(default=None, repr=False)
    max_bytes: int = 1 << 20
    max_age: timedelta = timedelta(minutes=5)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables above.

        Raises `ValueError` where a limit is no number in its range, and where there is no secret at
        all: nothing could ever be accepted.
        """
        settings = cls(
            secrets={
                name.removeprefix(_SECRET): value for name, value in environment.items() if _is_secret(name, value)
            },
            token=environment.get(_TOKEN) or None,
            # Ingestion rejects a longer line, so that it must not be acknowledged here.
            max_bytes=_number(environment, _MAX_BYTES, cls.max_bytes, 1, MAX_LINE_BYTES),
            max_age=timedelta(
                seconds=_number(environment, _MAX_AGE, int(cls.max_age.total_seconds()), 1, 7 * 24 * 3600)
            ),
        )
        if not settings.secrets and not settings.token:
            raise ValueError(f"no secret to know a sender by: set {_SECRET}<SOURCE> or {_TOKEN}")
        return settings

    def secret_of(self, source: str) -> str | None:
        """The source's own secret, or None."""
        return self.secrets.get(_spelt(source))


def missing_secret(source: str, reviewers: bool = False) -> str:
    """What to tell whoever runs the receiver where neither secret nor token is set, which is not for `reviewers`."""
    token = "" if reviewers else f" or {_TOKEN}"
    return f"nothing is received for it until {_SECRET}{_spelt(source)}{token} is set"


def _spelt(source: str) -> str:
    return re.sub(r"[^0-9A-Z]", "_", source.upper())


def _is_secret(name: str, value: str) -> bool:
    return name.startswith(_SECRET) and bool(value)


def _number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name}={text:.40}: not a whole number from {least} to {most}")
    return int(text)
