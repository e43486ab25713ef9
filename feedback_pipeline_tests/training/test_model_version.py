import fcntl
import json
import math
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from feedback_pipeline.schemas import MODEL_VERSIONS
from feedback_pipeline.training.adapter_files import ADAPTER_FILE
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.manifest import ArtifactDamagedError
from feedback_pipeline.training.model_version import (
    load_version,
    model_version_id,
    trained_version,
)
from feedback_pipeline.training.stages import NothingToTrainOnError
from feedback_pipeline.training.training_data import TrainingData

TINY = TrainingConfig(num_train_epochs=1, per_device_train_batch_size=2, lora_r=2, lora_alpha=4, replay_fraction=0)
EXAMPLES = pl.DataFrame(
    {
        "example_id": [f"e{n}" for n in range(4)],
        "prompt": [[{"role": "user", "content": f"What is code {n}?"}] for n in range(4)],
        "completion": [[{"role": "assistant", "content": f"It is NV-{n}."}] for n in range(4)],
    }
)


def _train(base, adapters, examples=EXAMPLES, config=TINY, lines=None):
    report = (lines if lines is not None else []).append
    return trained_version(TrainingData(examples), "2026-01-05-d", "hash of the data", base, adapters, config, report)


def test_the_id_changes_with_data_base_and_every_part_of_the_configuration():
    base, other = (BaseModel("Org/Some-Model-Instruct", Path(), sha, "") for sha in ("a", "b"))
    configs = [TINY, *(TINY.model_copy(update=change) for change in ({"seed": 8}, {"lora_r": 3}, {"max_length": 99}))]

    ids = [model_version_id(base, "d", config) for config in configs]
    ids += [model_version_id(other, "d", TINY), model_version_id(base, "e", TINY)]

    assert len(set(ids)) == len(ids)
    assert ids[0] == model_version_id(base, "d", TINY)
    assert ids[0].startswith("some-model-")


def test_nothing_to_train_on_is_an_error_and_leaves_no_folder(tmp_path):
    base = BaseModel("m", tmp_path, "sha", "")

    with pytest.raises(NothingToTrainOnError):
        _train(base, tmp_path / "adapters", EXAMPLES.clear())
    assert not (tmp_path / "adapters").exists()


@pytest.fixture(scope="module")
def trained(tiny_base, tmp_path_factory):
    adapters, lines = tmp_path_factory.mktemp("adapters"), []
    return _train(tiny_base, adapters, lines=lines), adapters, lines


@pytest.mark.slow
def test_an_adapter_is_written_whole_with_all_it_takes_to_make_it_again(tiny_base, trained, day):
    version, adapters, lines = trained
    folder = adapters / version.model_version

    assert [path.name for path in adapters.iterdir()] == [version.model_version]
    assert {ADAPTER_FILE, "adapter_config.json", "training.json"} <= {path.name for path in folder.iterdir()}
    assert not list(folder.glob("*.bin")) + list(folder.glob("*.pt"))
    recorded = json.loads((folder / "training.json").read_text())
    assert recorded["base_hash"] == tiny_base.sha256
    assert recorded["dataset_hash"] == "hash of the data"
    assert TrainingConfig.model_validate(recorded["config"]) == TINY
    assert {"torch", "peft", "trl", "transformers"} <= set(recorded["libraries"])
    assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == tiny_base.reference
    assert (version.examples, version.steps) == (4, 2)
    assert any(line.startswith("step 2/2") for line in lines)
    assert version.row(day, "adapters/x").schema == MODEL_VERSIONS.schema


@pytest.mark.slow
def test_examples_whose_prompt_leaves_no_room_for_their_answer_are_left_out_and_counted(tiny_base, tmp_path):
    prompts = EXAMPLES["prompt"].to_list()
    prompts[1] = [{"role": "user", "content": "so and so, " * 200}]
    examples, lines = EXAMPLES.with_columns(prompt=pl.Series(prompts)), []

    version = _train(tiny_base, tmp_path, examples, TINY.model_copy(update={"max_length": 256}), lines)

    assert version.examples == 3
    assert version.notes[-1] == "sft: 1 examples left out, as `max_length` ends before their answers"
    assert version.notes[-1] in lines


@pytest.mark.slow
def test_only_the_tokens_there_are_are_counted_and_not_the_padding(tiny_base, trained):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_base.folder)
    texts = [row["prompt"] + row["completion"] for row in EXAMPLES.to_dicts()]
    lengths = [len(tokenizer.apply_chat_template(text, tokenize=True, return_dict=False)) for text in texts]

    assert trained[0].tokens == sum(lengths)


@pytest.mark.slow
def test_peft_loads_the_adapter(tiny_base, trained):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    version, adapters, _ = trained
    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(tiny_base.folder), adapters / version.model_version
    )

    weights = {name: weight for name, weight in model.named_parameters() if "lora_B" in name}
    assert len(weights) == 2 * 7
    assert any(bool(weight.abs().max() > 0) for weight in weights.values())


@pytest.mark.slow
def test_the_same_data_in_any_order_gives_the_same_adapter_to_the_byte_and_another_seed_another(
    tiny_base, trained, tmp_path
):
    again = _train(tiny_base, tmp_path, EXAMPLES.reverse())
    other = _train(tiny_base, tmp_path, config=TINY.model_copy(update={"seed": 8}))

    assert again.adapter_hash == trained[0].adapter_hash
    assert other.adapter_hash != trained[0].adapter_hash


@pytest.mark.slow
def test_what_was_trained_is_not_trained_again_and_damage_to_it_is_seen(tiny_base, trained):
    version, adapters, _ = trained
    lines: list[str] = []

    assert _train(tiny_base, adapters, lines=lines) == version
    assert lines[-1] == f"{version.model_version} was trained before"

    weights = adapters / version.model_version / ADAPTER_FILE
    intact = weights.read_bytes()
    weights.write_bytes(intact[:-1] + bytes([intact[-1] ^ 1]))
    with pytest.raises(ArtifactDamagedError, match="train it again"):
        load_version(weights.parent)
    weights.write_bytes(intact)


@pytest.mark.slow
def test_who_waited_for_another_training_of_the_same_version_takes_what_that_made(tiny_base, trained, tmp_path):
    version, adapters, _ = trained
    work = tmp_path / f".{version.model_version}"
    work.mkdir()
    lines: list[str] = []
    with ThreadPoolExecutor() as pool:
        with (work / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write("of the other training")
            lock.flush()
            waiting = pool.submit(_train, tiny_base, tmp_path, lines=lines)
            # Whoever is about to wait for the lock has emptied its file.
            while (work / "lock").stat().st_size and not waiting.done():
                time.sleep(0.01)
            shutil.copytree(adapters / version.model_version, tmp_path / version.model_version)

        assert waiting.result() == version

    assert lines[-1] == f"{version.model_version} was trained before"
    assert not [line for line in lines if line.startswith("step")]
    assert not work.exists()


@pytest.mark.slow
def test_pairs_train_a_mixture_of_experts(tiny_base, tmp_path):
    import torch
    from transformers import AutoTokenizer, Qwen3MoeConfig, Qwen3MoeForCausalLM

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(tiny_base.folder)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "head_dim": 8}
    config = Qwen3MoeConfig(vocab_size=len(tokenizer), num_hidden_layers=2, **sizes, **experts)
    Qwen3MoeForCausalLM(config).save_pretrained(tmp_path / "experts")
    tokenizer.save_pretrained(tmp_path / "experts")
    base = resolve_base_model(str(tmp_path / "experts"), tmp_path)
    refused = pl.Series([[{"role": "assistant", "content": "No idea."}]] * EXAMPLES.height)
    pairs = TrainingData(preference=EXAMPLES.rename({"completion": "chosen"}).with_columns(rejected=refused))
    config = TINY.model_copy(update={"method": "dpo"})

    version = trained_version(pairs, "d", "hash", base, tmp_path / "adapters", config, lambda line: None)

    assert version.method == "dpo"
    assert version.stages[0]["initial_loss"] == pytest.approx(math.log(2), abs=0.01)
