"""Whole trainings of a tiny model: the same to the byte, killed or not; of every method; and those that must fail."""

import random
import shutil
import signal
import subprocess
import sys

import pytest
import torch
import training_rows
from training_rows import CONFIG, examples, train

from feedback_pipeline.evaluation.suites import general_suite
from feedback_pipeline.training.base_model import resolve_base_model
from feedback_pipeline.training.manifest import ArtifactDamagedError, check_seal
from feedback_pipeline.training.model_version import MEASURED_FILE, Parent
from feedback_pipeline.training.replay import general_prompts
from feedback_pipeline.training.tokenizer_check import SanityCheckError
from feedback_pipeline.training.training_data import TrainingData

SUPERVISED = TrainingData(examples().sft)
WITHOUT_REPLAY = CONFIG.model_copy(update={"replay_fraction": 0})


def files_of(folder):
    sealed = check_seal(folder)
    assert sealed.pop(MEASURED_FILE)
    return sealed


@pytest.fixture(scope="module")
def undisturbed(tiny_base, tmp_path_factory):
    """Supervised, then on pairs: with dropout, so that the random generators matter."""
    adapters = tmp_path_factory.mktemp("undisturbed")
    version = train(tiny_base, adapters, examples(), CONFIG)
    return version, adapters / version.model_version


@pytest.mark.slow
def test_killed_at_any_step_and_run_again_it_ends_with_the_same_files(tiny_base, undisturbed, tmp_path):
    version, folder = undisturbed
    dice = random.Random(3)
    # Of the twelve supervised steps one after the first checkpoint, of the five on pairs another.
    for stage, step in (("sft", dice.randint(3, 11)), ("dpo", dice.randint(3, 4))):
        command = [sys.executable, training_rows.__file__, str(tiny_base.folder), str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            at = None
            for line in process.stdout:
                at = line.split(":")[0] if " before the first step" in line else at
                if at == stage and line.startswith(f"step {step}/"):
                    process.send_signal(signal.SIGKILL)
                    break
        assert process.returncode == -signal.SIGKILL
    told = []

    again = train(tiny_base, tmp_path, examples(), CONFIG, told.append)

    assert any(line.startswith("going on from checkpoint-") for line in told)
    assert files_of(tmp_path / again.model_version) == files_of(folder)
    assert again.train_loss == version.train_loss
    assert [path.name for path in tmp_path.iterdir()] == [again.model_version]


@pytest.mark.slow
def test_undisturbed_twice_it_gives_the_same_bytes_and_no_pickle(tiny_base, undisturbed, tmp_path):
    version = train(tiny_base, tmp_path, examples(), CONFIG)

    assert files_of(tmp_path / version.model_version) == files_of(undisturbed[1])
    assert {path.suffix for path in undisturbed[1].iterdir()} == {".json", ".safetensors"}


def test_preferences_begin_at_the_model_that_was_supervised_and_change_it(undisturbed):
    version, _ = undisturbed
    supervised, preferred = version.stages

    assert version.method == "sft+dpo"
    assert preferred["initial_loss"] == pytest.approx(0.6931, abs=1e-3)
    # Two passes over nine examples and three of replay, in twos; one over nine pairs.
    assert (supervised["steps"], preferred["steps"]) == (12, 5)
    assert len(supervised["log"]) == 12
    assert preferred["log"][-1]["loss"] < 0.6931


@pytest.mark.slow
def test_thumbs_alone_are_learned_from_by_kto(tiny_base, tmp_path):
    version = train(tiny_base, tmp_path, TrainingData(unpaired=examples().unpaired), CONFIG)

    assert version.method == "kto"
    assert version.steps == 5
    # Of the four shortest three are thumbs up, which weigh twice as they are three of nine.
    assert version.stages[0]["initial_loss"] == pytest.approx(0.5 * (3 * 2 + 1) / 4)


@pytest.mark.slow
def test_out_of_memory_halves_the_micro_batch_and_keeps_what_is_learned(tiny_base, tmp_path, monkeypatch):
    from transformers import LlamaModel

    config = WITHOUT_REPLAY.model_copy(update={"per_device_train_batch_size": 4, "lora_dropout": 0.0})
    roomy = train(tiny_base, tmp_path / "roomy", SUPERVISED, config)
    enough = LlamaModel.forward

    def too_small(self, input_ids=None, **inputs):
        if len(input_ids) > 1:
            raise torch.OutOfMemoryError("no memory for so many")
        return enough(self, input_ids=input_ids, **inputs)

    monkeypatch.setattr(LlamaModel, "forward", too_small)
    told: list[str] = []
    tight = train(tiny_base, tmp_path / "tight", SUPERVISED, config, told.append)

    said = [line for line in told if line.startswith("out of memory")]
    assert ["with 4 examples" in line or "with 2 examples" in line for line in said] == [True, True]
    assert (roomy.stages[0]["micro_batch"], tight.stages[0]["micro_batch"]) == (4, 1)
    assert tight.steps == roomy.steps
    assert tight.train_loss == pytest.approx(roomy.train_loss, abs=0.02)


def test_another_error_is_not_taken_for_want_of_memory(tiny_base, tmp_path, monkeypatch):
    from transformers import LlamaModel

    def broken(self, input_ids=None, **inputs):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(LlamaModel, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(tiny_base, tmp_path, SUPERVISED, WITHOUT_REPLAY)


def test_a_loss_that_is_not_what_the_model_says_stops_before_the_first_step(tiny_base, tmp_path, monkeypatch):
    from feedback_pipeline.training import answer_loss

    right = answer_loss.answer_cross_entropy
    monkeypatch.setattr(answer_loss, "answer_cross_entropy", lambda *inputs: 1.1 * right(*inputs))

    with pytest.raises(SanityCheckError, match="nats a token of an answer that the model gives"):
        train(tiny_base, tmp_path, SUPERVISED, CONFIG)


def test_weights_that_do_not_belong_to_the_tokenizer_stop_it_too(tiny_base, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tiny_base.folder)
    model.lm_head.weight.data *= 100
    model.save_pretrained(tmp_path / "other")
    AutoTokenizer.from_pretrained(tiny_base.folder).save_pretrained(tmp_path / "other")

    with pytest.raises(SanityCheckError, match="another model's"):
        train(resolve_base_model(str(tmp_path / "other"), tmp_path), tmp_path, SUPERVISED, CONFIG)


def test_training_stops_when_other_users_answers_get_no_likelier_and_the_best_adapter_stays(tiny_base, tmp_path):
    update = {"learning_rate": 3.0, "save_steps": 1, "max_steps": 40, "warmup_steps": 0, "early_stopping_patience": 2}
    validated = {"validation_fraction": 0.4, "min_validation_examples": 2}
    version = train(tiny_base, tmp_path, SUPERVISED, WITHOUT_REPLAY.model_copy(update=update | validated))

    (stage,) = version.stages
    validation = [entry["eval_loss"] for entry in stage["log"] if "eval_loss" in entry]
    assert stage["examples"] + stage["validation_examples"] == 9
    assert version.steps == len(validation) < 40
    assert min(validation[-2:]) >= min(validation[:-2])


def test_training_goes_on_from_a_champion_which_is_recorded(tiny_base, undisturbed, tmp_path):
    champion, folder = undisturbed
    parent = Parent(champion.model_version, folder)
    told: list[str] = []

    version = train(tiny_base, tmp_path, SUPERVISED, CONFIG, told.append, parent)

    assert version.parent_version == champion.model_version
    assert version.model_version != champion.model_version
    assert version.stages[0]["initial_loss"] < champion.stages[0]["initial_loss"] - 0.01


def test_a_champion_that_is_damaged_is_not_gone_on_from(tiny_base, undisturbed, tmp_path):
    champion, folder = undisturbed
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    file = damaged / "adapter_model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)

    with pytest.raises(ArtifactDamagedError, match=r"adapter_model\.safetensors is not what was written"):
        train(tiny_base, tmp_path, SUPERVISED, CONFIG, parent=Parent(champion.model_version, damaged))


def test_replay_adds_what_the_base_model_answers_to_general_prompts_and_tensorboard_gets_its_log(tiny_base, tmp_path):
    version = train(
        tiny_base,
        tmp_path,
        SUPERVISED,
        CONFIG.model_copy(update={"max_steps": 1, "report_to": "tensorboard"}),
    )
    asked = {suite_case.prompt[0]["content"] for suite_case in general_suite().cases}

    # By default a quarter of nine, rounded up, less what a model of random weights answers with nothing.
    assert 9 < version.examples <= 12
    assert not asked & set(general_prompts())
    assert list((tmp_path / ".logs" / version.model_version / "1-sft").glob("events.out.tfevents.*"))
