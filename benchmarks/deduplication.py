"""Near-duplicates dropped a second, and rightly: ours against rensa and datasketch, texts in, kept rows out.

All compare the sets of word trigrams of the same normal form at a Jaccard index of 0.7 and keep the first of
those alike. Right is what an exhaustive comparison drops. Then ours alone on more texts, and on a flood of
one template.
"""

import importlib.util
import sys
from typing import Any

import numpy as np

from benchmarks.deduplication_systems import datasketch, measured, ours, rensa
from benchmarks.deduplication_texts import Corpus, flood, planted, real
from benchmarks.report import arguments, publish

SYSTEMS = {"ours": ours, "rensa": rensa, "datasketch": datasketch}
FLOODED = 128_000
GROWTH = 5
QUICK, FULL = 100_000, 1_000_000


def compare(corpora: list[Corpus]) -> list[dict[str, Any]]:
    """A row for each system and corpus."""
    return [measured(name, system, corpus) for corpus in corpora for name, system in SYSTEMS.items()]


def flooded() -> dict[str, Any]:
    texts = flood(FLOODED)
    dropped = np.ones(len(texts), np.bool_)
    dropped[0] = False
    return measured("ours", ours, Corpus(f"flood {FLOODED:,}", texts, dropped))


def main() -> None:
    options = arguments(str(__doc__))
    for peer in ("rensa", "datasketch"):
        if importlib.util.find_spec(peer) is None:
            sys.exit(f"{peer} is not installed: make setup-benchmarks")
    largest = QUICK if options.quick else FULL
    smaller = planted(largest // GROWTH)
    rows = compare([smaller, real(5_000)] if options.quick else [planted(50_000), smaller, real()])
    speed = {row["system"]: row["documents_per_s"] for row in rows if row["corpus"] == smaller.name}
    grown = measured("ours", ours, planted(largest))
    rows += [grown, flooded()]
    mine = [row for row in rows if row["system"] == "ours"]
    publish(
        "deduplication",
        f"up to {largest:,} texts of 20 to 80 words with planted copies, and answers of 105 models",
        rows,
        {
            "vs_datasketch": speed["ours"] / speed["datasketch"],
            "vs_rensa": speed["ours"] / speed["rensa"],
            "recall": min(row["recall"] for row in mine),
            "precision": min(row["precision"] for row in mine),
            "flood_seconds": rows[-1]["seconds"],
            "growth": speed["ours"] / grown["documents_per_s"],
        },
        options.json,
    )


if __name__ == "__main__":
    main()
