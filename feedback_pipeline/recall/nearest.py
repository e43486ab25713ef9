"""The nearest of all stored vectors to each of many, found exactly.

A product of matrices says roughly how near they are, and by how much it may be wrong, so that what it puts further
below the k-th best is not among the k. The little that is left is compared in float32, about k of each thousand.

Importing this module imports torch and numba, which takes seconds: import it where many vectors are searched.
"""

import numpy as np
import numpy.typing as npt

from feedback_pipeline.compiled import compiled
from feedback_pipeline.recall.rough import ROWS, STRETCH, Values, rough_cosines

Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


class Nearest:
    """The `k` nearest to each of `questions` (n x dimension, of length 1) among the vectors looked at so far.

    `similarities` (n x k, cosines, the nearest first) and `places` (n x k, counted through all that was looked at)
    are -inf and -1 where fewer than `k` were. Of equally near ones the first are kept.
    """

    def __init__(self, questions: Vectors, k: int) -> None:
        self.similarities = np.full((len(questions), k), -np.inf, dtype=np.float32)
        self.places = np.full((len(questions), k), -1, dtype=np.int64)
        self._questions = np.array(questions, dtype=np.float32, order="C")
        self._rough = rough_cosines(self._questions)
        self._seen = 0

    def look_at(self, stored: Vectors) -> None:
        """Take further vectors (rows x dimension, of length 1) into account."""
        for first in range(0, len(stored), ROWS):
            rows = stored[first : first + ROWS]
            for part, values, peaks, unit, error in self._rough.cosines(rows):
                best, where = self.similarities[part], self.places[part]
                _keep(values, peaks, unit, error, self._questions[part], rows, self._seen, best, where)
            self._seen += len(rows)


@compiled
def _keep(
    rough: Values,
    peaks: Values,
    unit: np.float32,
    error: np.float32,
    questions: Vectors,
    stored: Vectors,
    before: int,
    similarities: Vectors,
    places: Places,
) -> None:
    """Put what is nearer than the k-th best of a question into its row of `similarities` and `places`."""
    for question in range(len(questions)):
        best, where = similarities[question], places[question]
        kth = best[-1]
        if kth == -np.inf and peaks.shape[1] >= len(best):
            # The k largest peaks are of k different vectors, all of them at least as near as the least of these.
            kth = np.sort(peaks[question])[-len(best)] * unit - error
        least = (kth - error) / unit
        for start in range(0, len(stored), STRETCH):
            stretch = start // STRETCH
            if stretch < peaks.shape[1] and np.float32(peaks[question, stretch]) <= least:
                continue
            for row in range(start, min(start + STRETCH, len(stored))):
                if np.float32(rough[question, row]) > least:
                    _insert(np.dot(questions[question], stored[row]), before + row, best, where)
                    least = (max(kth, best[-1]) - error) / unit


@compiled
def _insert(similarity: np.float32, place: int, best: Vectors, where: Places) -> None:
    """Put it where it belongs among the best, behind what is as near, and drop the last."""
    rank = len(best) - 1
    if similarity <= best[rank]:
        return
    while rank > 0 and best[rank - 1] < similarity:
        best[rank], where[rank] = best[rank - 1], where[rank - 1]
        rank -= 1
    best[rank], where[rank] = similarity, place
