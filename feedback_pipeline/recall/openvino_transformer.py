"""The transformer of a sentence-transformers model as OpenVINO runs it on a CPU (extra `fast`).

Importing this module imports torch, which takes seconds: import it where something is encoded.
"""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Lock
from typing import Any

import torch

from feedback_pipeline.hardware import has_bfloat16

# Of other shapes than the one it was traced with, padded and not.
_PROBES = (["one", "a second text, of more words than the first"], ["a text that comes alone"])
# bfloat16 stays above 0.999; a graph that tracing got wrong falls far below.
_SAME = 0.98
_log = logging.getLogger(__name__)


class OpenVinoTransformer:
    """Takes the place of the model's first module: features in, features with `token_embeddings` out."""

    def __init__(self, compiled: Any, inputs: list[str]) -> None:
        self._request = compiled.create_infer_request()
        self._inputs = inputs
        self._lock = Lock()  # a request serves one caller at a time

    def __call__(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """`features` of shape (texts, tokens), with the last layer's vectors of shape (texts, tokens, width)."""
        tokens = {place: features[name].numpy() for place, name in enumerate(self._inputs)}
        with self._lock:
            vectors = self._request.infer(tokens)[0]
        return features | {"token_embeddings": torch.from_numpy(vectors)}


def converted(model: Any) -> OpenVinoTransformer | None:
    """`model`'s transformer for OpenVINO, or None: not installed, a GPU there, or not to be converted.

    Takes about a second for the embedded model. A transformer that OpenVINO cannot run, or for which it
    gives other vectors than PyTorch, is logged as a warning and left to PyTorch.
    """
    if find_spec("openvino") is None or model.device.type != "cpu":
        return None
    probes = [model.tokenizer(probe, padding=True, return_tensors="pt") for probe in _PROBES]
    try:
        transformer = _compiled(model, list(probes[0]))
    except Exception as error:  # what a foreign architecture raises on the way is anyone's guess
        _log.warning("OpenVINO cannot convert this encoder, PyTorch runs it: %s", error)
        return None
    if not all(_same(model[0], transformer, dict(probe)) for probe in probes):
        _log.warning("OpenVINO gives other vectors for this encoder, PyTorch runs it")
        return None
    return transformer


def _compiled(model: Any, inputs: list[str]) -> OpenVinoTransformer:
    openvino = _openvino()
    example = tuple(torch.ones(2, 7, dtype=torch.long) for _ in inputs)
    with _quiet():
        graph = openvino.convert_model(_Positional(model[0].auto_model, inputs), example_input=example)
    properties = {
        "INFERENCE_PRECISION_HINT": "bf16" if has_bfloat16() else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",  # all threads on one batch
    }
    return OpenVinoTransformer(openvino.Core().compile_model(graph, "CPU", properties), inputs)


class _Positional(torch.nn.Module):
    """Tracing wants inputs by their places, and one tensor out."""

    def __init__(self, transformer: torch.nn.Module, inputs: list[str]) -> None:
        super().__init__()
        self.transformer = transformer
        self.inputs = inputs

    def forward(self, *values: torch.Tensor) -> Any:
        return self.transformer(**dict(zip(self.inputs, values, strict=True)), return_dict=False)[0]


def _same(expected: Any, transformer: OpenVinoTransformer, probe: dict[str, torch.Tensor]) -> bool:
    with torch.inference_mode():
        wanted, found = (each(dict(probe))["token_embeddings"] for each in (expected, transformer))
    if wanted.shape != found.shape:
        return False
    cosine = torch.nn.functional.cosine_similarity(wanted.float(), found, dim=2)
    return bool((cosine[probe["attention_mask"].bool()] > _SAME).all())


def _openvino() -> Any:
    # It reports its use to its makers, unless the package that does is not there.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None bars an import
    import openvino

    return openvino


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what tracing says about shapes, which the probes check. Leaves logging as it was: converting does not."""
    from transformers.utils import logging as transformers_logging

    root = logging.getLogger()
    before = root.level, root.handlers[:], root.filters[:]
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(level)
        root.setLevel(before[0])
        root.handlers[:], root.filters[:] = before[1:]
