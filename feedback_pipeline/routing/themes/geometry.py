"""Unit vectors, their centroids, and how near a point must be to belong."""

import numpy as np
import numpy.typing as npt
from scipy.stats import t
from sklearn.cluster import HDBSCAN

Vectors = npt.NDArray[np.float64]

# One in a hundred members of a theme may be left to wait.
_LEFT_OUT = 0.01
LEAST_CLUSTER = 5
LEAST_POOL = 100


def centroid(vectors: Vectors) -> Vectors:
    """The mean direction of unit `vectors` (n, d), of length 1."""
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12))


def similarities_without_self(vectors: Vectors) -> Vectors:
    """Each vector's cosine with the centroid of the others: what a new point of the group would have."""
    others = vectors.sum(axis=0) - vectors
    lengths = np.maximum(np.linalg.norm(others, axis=1), 1e-12)
    return np.asarray((vectors * others).sum(axis=1) / lengths)


def spread(vectors: Vectors) -> tuple[float, float]:
    """Mean similarity of members, and the least that a further member should have.

    The lower bound of a one-sided 99 % prediction interval from the members' own similarities
    (Student's t), so that a small group claims no more certainty than it has.
    """
    similar = similarities_without_self(vectors)
    n = len(similar)
    margin = t.ppf(1 - _LEFT_OUT, n - 1) * similar.std(ddof=1) * np.sqrt(1 + 1 / n)
    return float(similar.mean()), float(similar.mean() - margin)


def same_group(few: Vectors, many: Vectors) -> bool:
    """Whether `few` lie among `many`: members of both are about as near to the other's centroid as to their own.

    "About" is half a standard deviation of the similarity within the larger group.
    """
    own, to_many = similarities_without_self(few), few @ centroid(many)
    return bool(own.mean() - to_many.mean() <= 0.5 * similarities_without_self(many).std())


def clusters(vectors: Vectors) -> npt.NDArray[np.int64]:
    """HDBSCAN's label of each unit vector (n, d), -1 where it belongs to none. Deterministic.

    Fewer than `LEAST_POOL` are left alone: with so few, whatever is denser than its surroundings is a
    mixture. The least cluster grows with the square root of n: what is dense in a small pool is chance
    in a large one.
    """
    if len(vectors) < LEAST_POOL:
        return np.full(len(vectors), -1)
    least = max(LEAST_CLUSTER, round(float(np.sqrt(len(vectors))) / 2))
    model = HDBSCAN(min_cluster_size=least, min_samples=2, copy=True)
    return np.asarray(model.fit_predict(vectors), dtype=np.int64)
