"""What is sealed is what is loaded, to the bit."""

import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from feedback_pipeline.training.manifest import MANIFEST_FILE, ArtifactDamagedError, check_seal, seal


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapter")
    save_file(
        {"lora_A": np.random.default_rng(0).random((8, 16), dtype=np.float32)}, folder / "adapter_model.safetensors"
    )
    (folder / "adapter_config.json").write_text(json.dumps({"r": 8}))
    seal(folder)
    return folder


def test_an_untouched_folder_passes(sealed):
    assert set(check_seal(sealed)) == {"adapter_model.safetensors", "adapter_config.json"}


@given(st.sampled_from(["adapter_model.safetensors", "adapter_config.json", MANIFEST_FILE]), st.integers(0, 10**6))
def test_any_single_flipped_bit_is_an_error_that_names_the_file(sealed, name, place):
    file = sealed / name
    intact = file.read_bytes()
    flipped = bytearray(intact)
    flipped[place // 8 % len(flipped)] ^= 1 << place % 8
    file.write_bytes(flipped)
    try:
        with pytest.raises(ArtifactDamagedError, match=name):
            check_seal(sealed)
    finally:
        file.write_bytes(intact)


def test_flipped_bits_that_safetensors_loads_without_complaint_are_caught_all_the_same(sealed):
    file, rng, unnoticed = sealed / "adapter_model.safetensors", random.Random(1), 0
    intact = file.read_bytes()
    for _ in range(100):
        flipped = bytearray(intact)
        flipped[-rng.randrange(1, 8 * 16 * 4)] ^= 1 << rng.randrange(8)
        file.write_bytes(flipped)
        unnoticed += load_file(file)["lora_A"].shape == (8, 16)
        with pytest.raises(ArtifactDamagedError, match="SHA-256"):
            check_seal(sealed)
    file.write_bytes(intact)

    assert unnoticed == 100


def test_a_file_lost_or_put_there_is_an_error_but_what_only_people_read_is_not(sealed):
    planted = sealed / "adapter_model.bin"
    planted.write_bytes(b"cos\nsystem\n")
    with pytest.raises(ArtifactDamagedError, match=r"adapter_model.bin was not there"):
        check_seal(sealed)
    planted.unlink()

    (sealed / "MODEL_CARD.md").write_text("What it is.")
    check_seal(sealed)

    config = sealed / "adapter_config.json"
    config.rename(sealed.parent / "away.json")
    with pytest.raises(ArtifactDamagedError, match=r"adapter_config.json is missing"):
        check_seal(sealed)
    (sealed.parent / "away.json").rename(config)


def test_a_pickle_is_not_sealed(tmp_path):
    (tmp_path / "training_args.bin").write_bytes(b"")

    with pytest.raises(ArtifactDamagedError, match=r"training_args\.bin is a pickle"):
        seal(tmp_path)


def test_a_folder_without_a_manifest_is_not_trusted(tmp_path):
    with pytest.raises(ArtifactDamagedError, match=r"manifest\.json is missing"):
        check_seal(tmp_path)
