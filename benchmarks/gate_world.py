"""A world of score tables: users with several cases each, ties, and candidates tried night after night on them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class World:
    """Paired differences between candidate and champion, of mean `effect` and standard deviation 1.

    Every night brings another candidate. Half of the variance is the champion's luck on a case or with a
    user, which every candidate meets again as long as the case is in the suite. Each night a share of the
    users leave with their cases, and others come.
    """

    users: int = 150
    mean_cases: float = 4.0
    between_users: float = 0.15
    champions_share: float = 0.5
    ties: float = 0.3
    refreshed: float = 0.02
    effect: float = 0.0

    def nights(self, runs: int, nights: int, seed: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.intp]]]:
        """For each night the differences (runs, cases), sorted by user, and where each user's cases begin."""
        rng = np.random.Generator(np.random.SFC64(seed))
        sizes = rng.geometric(1 / self.mean_cases, size=self.users)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        user_of = np.repeat(np.arange(self.users), sizes)
        # Some cases move more than others: tails are heavier than normal.
        scales = rng.lognormal(0, 0.5, size=sizes.sum()).astype(np.float32)
        scales *= np.sqrt((1 - self.between_users) / np.mean(scales**2) / (1 - self.ties))
        user_scale = np.float32(np.sqrt(self.between_users / (1 - self.ties)))
        ours, theirs = (np.float32(np.sqrt(share)) for share in (1 - self.champions_share, self.champions_share))
        shift = np.float32(self.effect / (1 - self.ties))

        def drawn(columns: int) -> NDArray[np.float32]:
            return rng.standard_normal((runs, columns), dtype=np.float32)

        luck_with_users, luck_on_cases = drawn(self.users), drawn(len(user_of))
        for _ in range(nights):
            users = (luck_with_users * theirs + drawn(self.users) * ours) * user_scale
            differences = (luck_on_cases * theirs + drawn(len(user_of)) * ours) * scales
            differences += users[:, user_of]
            differences += shift
            differences *= rng.integers(0, 256, size=differences.shape, dtype=np.uint8) >= 256 * self.ties
            yield differences, starts
            new = rng.random(self.users) < self.refreshed
            luck_with_users[:, new] = drawn(int(new.sum()))
            luck_on_cases[:, new[user_of]] = drawn(int(new[user_of].sum()))
