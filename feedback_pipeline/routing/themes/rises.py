"""Whether a theme rises against its own past."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from feedback_pipeline.routing.themes.chance import chance_of_more, dispersions
from feedback_pipeline.routing.themes.history import LEAST_PAST, History, Mask

# A jump shows in a day or two, a slope in a week.
WINDOWS = (1, 2, 7)


@dataclass(frozen=True)
class Rise:
    """The window in which a theme stands out most against its past; `p_value` is over all windows, null untested.

    `conversations` came in the window, `expected` of them by the past's rate.
    """

    past_days: int
    dispersion: float
    window_days: int | None = None
    conversations: int | None = None
    expected: float | None = None
    p_value: float | None = None


def rises_of(history: History, quiet: Mapping[str, date | None]) -> list[Rise]:
    """Per theme its strongest window. Untested where its past is short, or nothing arrived on the day.

    So it is for a week after the founding: a theme is founded because its problem came often of late, and what came
    before may have joined others. To test it at once would find a rise in every founding.
    """
    begins = [quiet[theme_id] or date.min for theme_id in history.theme_ids]
    since = np.array([[day >= begin for day in history.days] for begin in begins], dtype=bool).reshape(
        history.valid.shape
    )
    valid: Mask = history.valid & since
    tested = [_in_window(history, valid, window) for window in WINDOWS if history.has_today]
    if not tested:
        return [Rise(int(past), 1.0) for past in valid.sum(axis=1)]
    return [
        min(rises, key=lambda rise: (rise.p_value is None, rise.p_value or 0.0)) for rises in zip(*tested, strict=True)
    ]


def _in_window(history: History, valid: Mask, window: int) -> list[Rise]:
    past = np.arange(len(history.days)) < len(history.days) - window
    spread = dispersions(history.counts[:, past], history.exposure[past], valid[:, past])
    exposure = int(history.exposure[~past].sum())
    rises = []
    for theme, counts, known, dispersion in zip(history.theme_ids, history.counts, valid & past, spread, strict=True):
        days = int(known.sum())
        if (lived := min(days, history.days_since_founding(theme))) < LEAST_PAST:
            rises.append(Rise(lived, dispersion.estimate))
            continue
        now, then = int(counts[~past].sum()), int(counts[known].sum())
        past_exposure = int(history.exposure[known].sum())
        p_value = min(1.0, len(WINDOWS) * chance_of_more(now, exposure, then, past_exposure, dispersion))
        expected = then / past_exposure * exposure
        rises.append(Rise(days, dispersion.estimate, window, now, expected, p_value))
    return rises
