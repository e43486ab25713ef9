"""What a thumb up and a thumb down weigh where there are more of one."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class ThumbWeights:
    """Factors of the losses of desirable and undesirable answers, the rarer kind's above 1."""

    up: float
    down: float


def thumb_weights(labels: pl.Series) -> ThumbWeights:
    """Weights that give both kinds the same say: weight times count is equal.

    The KTO paper (Ethayarajh et al. 2024, arXiv:2402.01306, section 4.2) asks for a ratio of these products
    between 1 and 4/3.
    """
    ups = int(labels.sum())
    downs = labels.len() - ups
    if not ups or not downs:
        return ThumbWeights(1.0, 1.0)
    return ThumbWeights(max(1.0, downs / ups), max(1.0, ups / downs))
