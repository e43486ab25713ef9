"""Ranks of the parts that a trace and its model calls tell of one answer."""

from datetime import datetime

HIGHEST = 2**31 - 1
LOWEST = -1
_PREFERRED = 2**30
# Ranks are of 32 bits: hundredths of a second begin anew every four months.
_MOMENTS = 2**30 - 1


def by_start(started: datetime, preferred: bool = False) -> int:
    """Of model calls the later ranks higher, and a preferred one before all others."""
    return int(started.timestamp() * 100) % _MOMENTS + (_PREFERRED if preferred else 0)
