import logging
import os
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from exchange_rows import exchange

from feedback_pipeline.recall.encoder import EncoderMissingError, identity, load_encoder
from feedback_pipeline.recall.index import upsert
from feedback_pipeline.recall.openvino_transformer import OpenVinoTransformer, converted
from feedback_pipeline.recall.search import search
from feedback_pipeline.settings import EMBEDDED_ENCODER

EXCHANGES_OF_A_PRODUCT = {
    "refund": "How do I get my money back for an order?\nOpen the order and choose Refund.",
    "password": "I cannot sign in any more.\nReset your password on the login page.",
    "export": "Can I download my data as a spreadsheet?\nYes, under Settings, Export as CSV.",
    "weather": "What is the weather like in Lisbon?\nSunny and 24 degrees.",
    "recipe": "How long do I boil an egg?\nSeven minutes for a soft yolk.",
}


@pytest.fixture(scope="module", params=[False, True], ids=["by PyTorch", "by OpenVINO"])
def encoder(request):
    return load_encoder(EMBEDDED_ENCODER, fast=request.param)


@pytest.fixture(scope="module")
def index(encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    upsert(folder, pl.concat([exchange(key, text) for key, text in EXCHANGES_OF_A_PRODUCT.items()]), encoder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("paraphrase", "expected"),
    [
        ("customer wants to be reimbursed for a purchase", "refund"),
        ("locked out of the account, forgot credentials", "password"),
        ("save everything to an Excel file", "export"),
    ],
)
def test_a_paraphrase_finds_its_exchange_first(index, encoder, paraphrase, expected):
    assert search(index, encoder, paraphrase)["interaction_id"][0] == expected


def test_vectors_are_unit_length_float32_in_the_order_of_the_texts(encoder):
    texts = ["a much longer text about invoices and billing " * 20, "short", ""]
    vectors = encoder.encode(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, encoder.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        # What else is in the batch changes the order of bfloat16 sums, and so the last digits.
        assert encoder.encode([text])[0] @ vector == pytest.approx(1, abs=2e-4)


def test_no_texts_give_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, encoder.dimension)


def copy_of(encoder, folder):
    return shutil.copytree(encoder.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))


def test_a_local_folder_takes_the_place_of_the_embedded_model(encoder, tmp_path):
    local = load_encoder(str(copy_of(encoder, tmp_path / "mine")))
    assert identity(local) == f"mine@{encoder.version}"
    assert local.encode(["invoice"])[0] @ encoder.encode(["invoice"])[0] == pytest.approx(1, abs=2e-4)


def test_the_version_changes_with_the_weights_and_not_with_the_readme(encoder, tmp_path):
    folder = copy_of(encoder, tmp_path / "mine")
    (folder / "README.md").write_text("other words")
    assert load_encoder(str(folder)).version == encoder.version
    with (folder / "model.safetensors").open("r+b") as weights:
        weights.seek(-1, os.SEEK_END)
        weights.write(b"\x01")
    assert load_encoder(str(folder)).version != encoder.version


def test_an_encoder_that_cannot_be_had_is_named(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EncoderMissingError, match="'nobody/nothing' is neither"):
        load_encoder("nobody/nothing")


def test_knowing_an_encoder_does_not_load_torch():
    code = (
        "import sys; from feedback_pipeline.recall.encoder import load_encoder;"
        f"load_encoder({EMBEDDED_ENCODER!r}).version; print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_vectors_find_the_neighbours_that_the_plain_model_finds(encoder):
    from sentence_transformers import SentenceTransformer

    texts = [*EXCHANGES_OF_A_PRODUCT.values(), "", "x", "refund " * 400]
    plain = SentenceTransformer(str(encoder.folder)).encode(texts, normalize_embeddings=True)
    ours = encoder.encode(texts)

    assert (ours * plain).sum(axis=1) == pytest.approx(1, abs=0.002)
    assert (ours @ ours.T - 2 * np.eye(len(texts))).argmax(axis=1).tolist() == (
        plain @ plain.T - 2 * np.eye(len(texts))
    ).argmax(axis=1).tolist()


def test_a_text_that_comes_again_gets_the_same_vector_in_each_place(encoder):
    vectors = encoder.encode(["one", "two", "one", "a third that is longer", "two"])

    assert (vectors[0] == vectors[2]).all()
    assert (vectors[1] == vectors[4]).all()
    assert not np.allclose(vectors[0], vectors[1], atol=0.01)


def test_a_model_with_weights_behind_its_transformer_takes_the_plain_way(encoder, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense

    model = SentenceTransformer(str(encoder.folder))
    model.insert(2, Dense(encoder.dimension, 16))
    model.save(str(tmp_path))

    unusual = load_encoder(str(tmp_path))

    expected = SentenceTransformer(str(tmp_path)).encode(["a", "b"], normalize_embeddings=True)
    assert unusual.encode(["a", "b"]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("fast", [False, True])
def test_openvino_runs_an_encoder_where_it_may(fast):
    encoder = load_encoder(EMBEDDED_ENCODER, fast=fast)

    assert isinstance(encoder._transformer, OpenVinoTransformer) == fast


def test_a_text_is_read_up_to_the_models_limit_and_no_further(encoder):
    limit = "word " * 254
    cut, longer, shorter = encoder.encode([limit, limit + "and more of it", "word " * 20])

    assert cut @ longer == pytest.approx(1, abs=2e-4)
    assert cut @ shorter < 0.99


def test_a_transformer_that_openvino_runs_otherwise_is_left_to_pytorch(caplog):
    """Tracing fixes what a model decides by the shape of its input."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(load_encoder(EMBEDDED_ENCODER).folder))
    model[0].auto_model.forward = _reversed_if_long(model[0].auto_model.forward)

    assert converted(model) is None
    assert "gives other vectors" in caplog.text


def test_a_transformer_that_openvino_cannot_convert_is_left_to_pytorch(caplog):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(load_encoder(EMBEDDED_ENCODER).folder))
    model[0].auto_model.forward = _refusing

    before = logging.getLogger().level
    assert converted(model) is None
    assert "cannot convert" in caplog.text
    assert logging.getLogger().level == before


def test_openvino_does_not_report_its_use():
    code = (
        "import sys; from feedback_pipeline.recall.encoder import load_encoder;"
        f"load_encoder({EMBEDDED_ENCODER!r}).encode(['a']);"
        "print('openvino' in sys.modules, sys.modules['openvino_telemetry'])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["True", "None"]


def _reversed_if_long(forward):
    def changed(return_dict=True, **inputs):
        output = forward(**inputs)
        if inputs["input_ids"].shape[1] > 7:
            output.last_hidden_state = output.last_hidden_state.flip(2)
        return output if return_dict else output.to_tuple()

    return changed


def _refusing(**inputs):
    raise ValueError("not today")
