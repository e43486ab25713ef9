"""What the classifier sees of texts: vectors of meaning, n-grams of characters and of words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer

from feedback_pipeline.evidence.reasons.reading import TextEncoder
from feedback_pipeline.evidence.reasons.sentences import sentences

# The encoder knows what is meant; how it is put, in any language and with slips, the characters tell, and "no
# errors" from "errors" the words. Hashes need no vocabulary to be kept.
_CHARACTERS = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), n_features=2**12, alternate_sign=False)
_WORDS = HashingVectorizer(ngram_range=(1, 3), token_pattern=r"\w+", n_features=2**12, alternate_sign=False)


@dataclass(frozen=True)
class Parts:
    """Features of each distinct text and sentence, and which of these rows belong to which text.

    `whole` has a row number a text, `pieces` those of its sentences.
    """

    features: csr_matrix
    whole: npt.NDArray[np.int64]
    pieces: tuple[npt.NDArray[np.int64], ...]


def parts_of(texts: Sequence[str], encoder: TextEncoder) -> Parts:
    """Encode every distinct text and sentence once."""
    split = [sentences(text) for text in texts]
    distinct = sorted({*texts, *(sentence for each in split for sentence in each)})
    row = {text: number for number, text in enumerate(distinct)}
    vectors = csr_matrix(encoder.encode(distinct).astype(np.float64))
    return Parts(
        csr_matrix(hstack([vectors, _CHARACTERS.transform(distinct), _WORDS.transform(distinct)])),
        np.array([row[text] for text in texts], dtype=np.int64),
        tuple(np.array([row[sentence] for sentence in each], dtype=np.int64) for each in split),
    )
