"""Volume: sources whose lines received, or share of rejected ones, leave their own range.

A source's day is compared with those of the last 28 days since its first, by the rules of `usual_range`. A day
without lines counts as one, unless no source sent any: then nothing was ingested.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from feedback_pipeline.ingestion.usual_range import NOTHING, Received, lines_out_of_range, rate_out_of_range
from feedback_pipeline.warehouse import Warehouse

LOOKBACK_DAYS = 28

LINES, RATE = "lines received", "share rejected"
OUTLIERS = pl.Schema(
    {
        "day": pl.Date,
        "source": pl.String,
        "what": pl.String,
        "before": pl.String,
        "now": pl.String,
        "scales": pl.Float64,
        "example": pl.String,
        "line": pl.String,
    }
)
_RECEIVED = """
SELECT source, arrival_day, count(*) AS received, count(*) FILTER (outcome = 'rejected') AS rejected
FROM raw_events WHERE arrival_day BETWEEN $since AND $until GROUP BY ALL
"""
# Why most of a day's rejected lines were, and the first of them.
_REJECTED = """
SELECT arrival_day, source, reason, first.file || ':' || first.line_number AS line FROM (
    SELECT arrival_day, source, reason, count(*) AS lines, min({file: file, line_number: line_number}) AS first
    FROM raw_events JOIN wanted USING (arrival_day, source) WHERE outcome = 'rejected' GROUP BY ALL
) QUALIFY row_number() OVER (PARTITION BY arrival_day, source ORDER BY lines DESC, reason) = 1
"""


def volume(warehouse: Warehouse, days: Sequence[date]) -> pl.DataFrame:
    """Sources and days out of their range, in the columns of `OUTLIERS`. Of rejected lines one is the example."""
    if not days:
        return OUTLIERS.to_frame()
    since = min(days) - timedelta(days=LOOKBACK_DAYS)
    counts = warehouse.read(_RECEIVED, {"since": since, "until": max(days)})
    found = outliers(counts, days)
    wanted = found.filter(pl.col("what") == RATE).select("source", arrival_day="day")
    if wanted.is_empty():
        return found
    rejected = warehouse.read(_REJECTED, wanted=wanted)
    examples = rejected.select("source", "line", day="arrival_day", example="reason", what=pl.lit(RATE))
    return (
        found.drop("example", "line")
        .join(examples, on=["day", "source", "what"], how="left", maintain_order="left")
        .select(OUTLIERS.names())
    )


def outliers(counts: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """What is out of range on each of the days, without examples.

    `counts` has `source`, `arrival_day`, `received` and `rejected` of the days and of those before, in any order;
    a day on which a source sent nothing has no row.
    """
    by_source: dict[str, dict[date, Received]] = {}
    for source, day, received, rejected in counts.select("source", "arrival_day", "received", "rejected").iter_rows():
        by_source.setdefault(source, {})[day] = Received(received, rejected)
    ingested = sorted({day for received in by_source.values() for day in received})
    rows = [
        (day, source, *told, None, None)
        for day in sorted(set(days))
        for source, received in sorted(by_source.items())
        for told in _told(day, received.get(day, NOTHING), _earlier(day, received, ingested))
    ]
    return pl.DataFrame(rows, OUTLIERS, orient="row")


def _earlier(day: date, received: Mapping[date, Received], ingested: Sequence[date]) -> dict[date, Received]:
    """The days to compare with, from the source's first on."""
    first = max(min(received), day - timedelta(days=LOOKBACK_DAYS))
    return {other: received.get(other, NOTHING) for other in ingested if first <= other < day}


def _told(day: date, now: Received, earlier: Mapping[date, Received]) -> Iterator[tuple[str, str, str, float]]:
    lines = lines_out_of_range(day, now.received, {other: was.received for other, was in earlier.items()})
    if lines:
        before = f"{lines.center:,.0f} ± {lines.scale:,.0f} (median of {lines.days} days)"
        yield LINES, before, f"{now.received:,}", lines.scales_off(now.received)
    rate = rate_out_of_range(now, [was.rate for was in earlier.values() if was.received])
    if rate:
        before = f"{rate.center:.2%} ± {rate.scale:.2%} (median of {rate.days} days)"
        yield RATE, before, f"{now.rate:.2%} of {now.received:,}", rate.scales_off(now.rate)
