"""Ways to group the problems of night after night; each gives, night by night, a group to every problem so far."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import HDBSCAN, KMeans

from benchmarks.themes_world import Night
from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.recall.exchanges import EXCHANGES
from feedback_pipeline.recall.index import upsert
from feedback_pipeline.routing.themes.nightly import group_day, taken_over
from feedback_pipeline.routing.themes.shown import flagged
from feedback_pipeline.routing.themes.trends_nightly import trends_of
from feedback_pipeline.schemas import INTERACTIONS, THEME_TRENDS, VERDICTS
from feedback_pipeline.warehouse import Warehouse

Groups = dict[str, str | None]
# A cluster is the one of the night before of which it holds at least so much (Jaccard).
_SAME = 0.5
_MEMBERS = """
SELECT interaction_id, theme_id FROM theme_members QUALIFY row_number() OVER (
    PARTITION BY interaction_id ORDER BY day DESC) = 1
"""


def ours(nights: Sequence[Night], encoder: Encoder, folder: Path) -> Iterator[tuple[Groups, pl.DataFrame]]:
    """The nightly functions on a warehouse and an index; besides groups, the night's flagged rows of THEME_TRENDS."""
    warehouse = Warehouse(folder / "warehouse.duckdb")
    for night in nights:
        day = pl.lit(night.day)
        answers = night.interactions.select(*_shared(INTERACTIONS.columns, night.interactions), arrival_day=day)
        warehouse.replace_partition(INTERACTIONS, night.day, answers)
        judged = night.problems.select("interaction_id", as_of=day, p_satisfied=pl.lit(0.1))
        warehouse.replace_partition(VERDICTS, night.day, judged)
        exchanges = night.problems.select(*_shared(EXCHANGES.columns, night.problems), as_of=day)
        upsert(folder / "index", EXCHANGES.conform(exchanges), encoder)
        grouped = group_day(warehouse, folder / "index", encoder, night.day)
        grouped.store(warehouse)
        trends = trends_of(warehouse, night.day)
        warehouse.replace_partition(THEME_TRENDS, night.day, trends)
        merged = grouped.themes.filter(pl.col("merged_into").is_not_null()).select("theme_id", "merged_into")
        into = taken_over(dict(merged.iter_rows()))
        members = dict(warehouse.read(_MEMBERS).iter_rows())
        yield {key: into.get(theme, theme) for key, theme in members.items()}, trends.filter(flagged())


def from_scratch(
    nights: Sequence[Night], encoder: Encoder, method: str, topics: int
) -> Iterator[tuple[Groups, pl.DataFrame]]:
    """All problems so far clustered anew each night, as BERTopic does with HDBSCAN or with KMeans in its place.

    Clusters keep the id of the one of the night before that they share most with. KMeans is told the number of
    topics.
    """
    ids: list[str] = []
    vectors = np.empty((0, encoder.dimension), dtype=np.float32)
    before: dict[str, set[str]] = {}
    founded = 0
    for night in nights:
        ids += night.problems["interaction_id"].to_list()
        vectors = np.concatenate([vectors, encoder.encode(night.problems["text"].to_list())])
        labels = _labels(vectors, method, topics)
        found = {
            int(label): {ids[row] for row in np.flatnonzero(labels == label)} for label in set(labels.tolist()) - {-1}
        }
        names = _matched(before, found)
        for label in found:
            if label not in names:
                founded += 1
                names[label] = f"topic-{founded}"
        before = {names[label]: members for label, members in found.items()}
        yield {key: names.get(int(label)) for key, label in zip(ids, labels, strict=True)}, pl.DataFrame()


def _labels(vectors: npt.NDArray[np.float32], method: str, topics: int) -> npt.NDArray[np.int64]:
    if method == "HDBSCAN":
        return np.asarray(HDBSCAN(min_cluster_size=10, copy=True).fit_predict(vectors))
    return np.asarray(KMeans(min(topics, len(vectors)), n_init=3, random_state=0).fit_predict(vectors))


def _matched(before: dict[str, set[str]], found: dict[int, set[str]]) -> dict[int, str]:
    """The names that clusters carry on, each from one cluster of the night before."""
    if not before or not found:
        return {}
    names, labels = list(before), list(found)
    shared = np.array([[len(before[a] & found[b]) / len(before[a] | found[b]) for b in labels] for a in names])
    pairs = zip(*linear_sum_assignment(-shared), strict=True)
    return {labels[column]: names[row] for row, column in pairs if shared[row, column] >= _SAME}


def _shared(columns: Sequence[str], frame: pl.DataFrame) -> list[str]:
    return [name for name in columns if name in frame.columns]
