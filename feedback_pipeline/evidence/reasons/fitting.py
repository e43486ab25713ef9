"""The classifier's heads, their calibration and threshold, fitted on the training texts and kept in a file."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from feedback_pipeline.evidence.reasons.features import Parts, parts_of
from feedback_pipeline.evidence.reasons.head import Head, Heads, Told, fit_heads, tell
from feedback_pipeline.evidence.reasons.reading import TextEncoder
from feedback_pipeline.evidence.reasons.training_texts import NONE, TrainingText
from feedback_pipeline.evidence.score_mapping import ScoreMapping, fit_mapping
from feedback_pipeline.schemas import REASONS

# Changes whenever the same texts and encoder would give other heads.
_RECIPE = "1"
FOLDS = 3
PRECISION = 0.9
# Above every probability: nothing is answered.
_NEVER = 1.1


@dataclass(frozen=True)
class Fitted:
    """Heads with what their probabilities are worth, all told on texts whose templates they were not fitted on.

    `against` maps the probability of a complaint, where complaints and other texts are equally many; `right`
    that of a complaint's likeliest reason to that of being right. A reason is given from `threshold` on:
    then `precision` of those given are right, and `coverage` of the complaints with a reason get one.
    """

    heads: Heads
    against: ScoreMapping
    right: ScoreMapping
    threshold: float
    precision: float
    coverage: float


def recipe(texts: tuple[TrainingText, ...], encoder: TextEncoder) -> str:
    """What decides the heads: the start of the SHA-256 over texts, encoder version and this module's recipe."""
    digest = hashlib.sha256(f"{_RECIPE}\x1f{encoder.version}".encode())
    for text in texts:
        digest.update(f"\x1e{text.text}\x1f{text.says}\x1f{text.template}".encode())
    return digest.hexdigest()[:12]


def fit(texts: tuple[TrainingText, ...], encoder: TextEncoder) -> Fitted:
    """Fit on all texts; calibrate, and choose the threshold, on what is told of templates that were left out."""
    parts = parts_of([text.text for text in texts], encoder)
    says = np.array([text.says for text in texts])
    heads = fit_heads(parts.features[parts.whole], says)
    told = out_of_fold(parts, says, np.array([text.template for text in texts]))
    complaints = says != NONE
    likeliest, top = heads.says.classes[told.says.argmax(axis=1)], told.says.max(axis=1)
    named = complaints & np.isin(likeliest, REASONS)
    hits = likeliest[named] == says[named]
    right = fit_mapping("isotonic", top[named], hits)
    threshold = _threshold(right(top[named]), hits)
    given = right(top[named]) >= threshold
    return Fitted(
        heads,
        _mapping_of_complaints(told.complains, complaints),
        right,
        threshold,
        precision=float(hits[given].mean()) if given.any() else 0.0,
        coverage=float(given.sum() / np.isin(says, REASONS).sum()),
    )


def out_of_fold(parts: Parts, says: npt.NDArray[np.str_], templates: npt.NDArray[np.str_]) -> Told:
    """What is told of each text by heads that were fitted on other templates."""
    complains, classes = np.zeros(len(says)), np.zeros((len(says), len(set(says) - {NONE})))
    for fitted_on, applied_to in StratifiedGroupKFold(FOLDS).split(says, says, templates):
        told = tell(fit_heads(parts.features[parts.whole[fitted_on]], says[fitted_on]), parts, applied_to)
        complains[applied_to], classes[applied_to] = told.complains, told.says
    return Told(complains, classes)


def _mapping_of_complaints(complains: npt.NDArray[np.float64], complaints: npt.NDArray[np.bool_]) -> ScoreMapping:
    # The share of complaints among a product's comments is not known beforehand: the other texts, which are
    # fewer here, count so often that it is a half.
    others = np.flatnonzero(~complaints)
    even = np.concatenate([np.flatnonzero(complaints), np.resize(others, complaints.sum())])
    return fit_mapping("isotonic", complains[even], complaints[even])


def _threshold(probabilities: npt.NDArray[np.float64], hits: npt.NDArray[np.bool_]) -> float:
    """The lowest probability from which on `PRECISION` of the answers are right."""
    reached = (p for p in np.unique(probabilities) if hits[probabilities >= p].mean() >= PRECISION)
    return float(next(reached, _NEVER))


def fitted(texts: tuple[TrainingText, ...], encoder: TextEncoder, folder: Path) -> Fitted:
    """What `fit` gives, from `folder` where it was fitted before."""
    file = folder / f"reasons-{recipe(texts, encoder)}.npz"
    if not file.exists():
        _save(fit(texts, encoder), file)
    return _load(file)


def _save(made: Fitted, file: Path) -> None:
    """Write beside and rename: a process killed while writing leaves nothing under the name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    heads = {"complains": made.heads.complains, "says": made.heads.says}
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.stem}-", delete=False) as unfinished:
        np.savez(
            unfinished,
            **{f"{name}_{part}": getattr(head, part) for name, head in heads.items() for part in _HEAD},
            against=np.stack([made.against.scores, made.against.probabilities]),
            right=np.stack([made.right.scores, made.right.probabilities]),
            figures=np.array([made.threshold, made.precision, made.coverage]),
        )
    os.replace(unfinished.name, file)


_HEAD = ("classes", "weights", "intercepts")


def _load(file: Path) -> Fitted:
    with np.load(file) as kept:
        complains, says = (Head(*(kept[f"{name}_{part}"] for part in _HEAD)) for name in ("complains", "says"))
        against, right = (ScoreMapping("isotonic", *kept[name]) for name in ("against", "right"))
        return Fitted(Heads(complains, says), against, right, *map(float, kept["figures"]))
