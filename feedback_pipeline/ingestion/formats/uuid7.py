"""The time a UUIDv7 was made, which is part of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BELOW_MILLISECONDS = 80
_VERSION = 7


def time_of_uuid7(text: str) -> datetime | None:
    """The millisecond a UUIDv7 was made in, as UTC; None of anything else."""
    try:
        found = UUID(text)
        # RFC 9562: the first 48 bits count milliseconds since 1970.
        return _EPOCH + timedelta(milliseconds=found.int >> _BELOW_MILLISECONDS) if found.version == _VERSION else None
    except (ValueError, OverflowError):
        return None
