"""One stage of a training: from an adapter, or none, to the next."""

import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feedback_pipeline.hardware import has_bfloat16
from feedback_pipeline.matmul import onednn_matmul
from feedback_pipeline.training.adapter_files import save_adapter
from feedback_pipeline.training.atomic_folder import whole_folder
from feedback_pipeline.training.base_model import BaseModel
from feedback_pipeline.training.chat_template import load_tokenizer
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.manifest import check_seal, seal
from feedback_pipeline.training.micro_batch import fitting_batch
from feedback_pipeline.training.stages import NothingToTrainOnError, Stage
from feedback_pipeline.training.tokenizer_check import check_round_trip

_LOGGED = ("step", "loss", "eval_loss", "learning_rate")
_RESULT_FILE = "result.json"


@dataclass(frozen=True)
class StageResult:
    """What a stage did. Losses are nats a token for `sft`, and of no unit for preferences.

    `initial_loss` is that of a few short examples before the first step, `train_loss` the mean over the steps of the
    last epoch. `log` has the loss of every step, `left_out` is how many examples have no answer within `max_length`.
    """

    method: str
    examples: int
    validation_examples: int
    tokens: int
    steps: int
    initial_loss: float
    train_loss: float
    micro_batch: int
    seconds: float
    log: list[dict[str, float]]
    left_out: int = 0


def run_stage(
    stage: Stage,
    start: Path | None,
    base: BaseModel,
    folder: Path,
    config: TrainingConfig,
    progress: Callable[[str], None],
) -> StageResult:
    """Train from the adapter in `start`, or from none, and write what comes of it to `folder`.

    Checkpoints lie beside it; where there are any, the training goes on from the newest. Raises
    `NothingToTrainOnError` and `SanityCheckError`.
    """
    # This takes seconds to import, and the definitions of the pipeline import this module.
    from feedback_pipeline.training.trainers import LEAST_BATCH

    checkpoints = folder.with_name(f"{folder.name}-checkpoints")
    checkpoints.mkdir(parents=True, exist_ok=True)

    def run(micro_batch: int) -> StageResult:
        return _run(stage, start, base, folder, checkpoints, config, micro_batch, progress)

    least = LEAST_BATCH[stage.method]
    effective = max(least, config.effective_batch_size)
    # A pair is two answers, whose activations would take twice the memory: half as many at a time, as many a step.
    most = max(least, config.per_device_train_batch_size // (2 if stage.method == "dpo" else 1))
    first = max(size for size in range(least, most + 1) if effective % size == 0 or size == least)
    return fitting_batch(run, effective, first, least, progress)


def _run(
    stage: Stage,
    start: Path | None,
    base: BaseModel,
    folder: Path,
    checkpoints: Path,
    config: TrainingConfig,
    micro_batch: int,
    progress: Callable[[str], None],
) -> StageResult:
    from transformers import set_seed

    from feedback_pipeline.training.checkpoints import newest_checkpoint
    from feedback_pipeline.training.initial_loss import check_initial_loss
    from feedback_pipeline.training.trainers import stage_trainer

    # LoRA's weights are drawn when the model gets them, before any trainer seeds anything.
    set_seed(config.seed)
    model = adapted_model(base, start, config)
    tokenizer = load_tokenizer(base.folder)
    check_round_trip(tokenizer, model.get_input_embeddings().num_embeddings)
    trainer = stage_trainer(stage, model, tokenizer, config, micro_batch, checkpoints)
    # TRL drops an example whose answer begins beyond max_length.
    examples = len(trainer.train_dataset)
    if not examples:
        raise NothingToTrainOnError(f"no example has an answer within {config.max_length} tokens (`max_length`)")
    with onednn_matmul():
        initial_loss = check_initial_loss(trainer, stage, tokenizer, config)
        progress(f"{stage.method}: {examples} examples, loss {initial_loss:.3f} before the first step")
        _add_callbacks(trainer, stage, config, folder, progress)
        checkpoint = newest_checkpoint(checkpoints, progress)
        if checkpoint:
            progress(f"going on from {checkpoint.name}")
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    result = _result(trainer, stage, examples, initial_loss, micro_batch)
    trainer.model.peft_config["default"].base_model_name_or_path = base.reference
    with whole_folder(folder) as unfinished:
        save_adapter(trainer.model, unfinished)
        (unfinished / _RESULT_FILE).write_text(json.dumps(asdict(result)))
        seal(unfinished)
    shutil.rmtree(checkpoints)
    return result


def finished_stage(folder: Path) -> StageResult | None:
    """What `run_stage` returned when it wrote `folder`, None where it did not. Raises `ArtifactDamagedError`."""
    if not folder.is_dir():
        return None
    check_seal(folder)
    return StageResult(**json.loads((folder / _RESULT_FILE).read_text()))


def adapted_model(base: BaseModel, start: Path | None, config: TrainingConfig) -> Any:
    """The base model with the adapter to be trained: that in `start`, or a new one drawn from PyTorch's generator."""
    import torch
    from peft import PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    from feedback_pipeline.training.fast_layers import use_fast_layers

    # The base is frozen, so bfloat16 costs it nothing but time where the processor lacks it; LoRA stays in float32.
    dtype = torch.bfloat16 if has_bfloat16() else torch.float32
    on_cpu = not torch.cuda.is_available()
    # The backward pass of the fused attention costs a CPU a fifth of a step.
    attention = "eager" if on_cpu else "sdpa"
    model = AutoModelForCausalLM.from_pretrained(base.folder, dtype=dtype, attn_implementation=attention)
    if start:
        check_seal(start)
        adapted = PeftModel.from_pretrained(model, start, is_trainable=True)
    else:
        adapted = get_peft_model(model, _new_lora(config))
    if on_cpu:
        use_fast_layers(adapted)
    return adapted


def _new_lora(config: TrainingConfig) -> Any:
    from peft import LoraConfig

    targets = config.target_modules
    return LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )


def _add_callbacks(
    trainer: Any, stage: Stage, config: TrainingConfig, folder: Path, progress: Callable[[str], None]
) -> None:
    from feedback_pipeline.training.early_stopping import EarlyStopping
    from feedback_pipeline.training.progress import ProgressCallback

    trainer.add_callback(ProgressCallback(progress))
    if not stage.validation.is_empty():
        trainer.add_callback(EarlyStopping(config.early_stopping_patience))
    if config.report_to == "tensorboard":
        trainer.add_callback(_tensorboard(folder.parents[1] / ".logs" / folder.parent.name.strip(".") / folder.name))


def _tensorboard(logs: Path) -> Any:
    if importlib.util.find_spec("tensorboard") is None:
        raise ModuleNotFoundError(
            "report_to=tensorboard needs TensorBoard: pip install 'feedback-pipeline[tensorboard]'"
        )
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations import TensorBoardCallback

    return TensorBoardCallback(SummaryWriter(str(logs)))


def _result(trainer: Any, stage: Stage, examples: int, initial_loss: float, micro_batch: int) -> StageResult:
    state = trainer.state
    steps = [entry for entry in state.log_history if "loss" in entry]
    last_epoch = [entry["loss"] for entry in steps if entry["epoch"] > steps[-1]["epoch"] - 1]
    return StageResult(
        method=stage.method,
        examples=examples,
        validation_examples=stage.validation.height,
        tokens=int(state.num_input_tokens_seen),
        steps=state.global_step,
        initial_loss=initial_loss,
        train_loss=sum(last_epoch) / len(last_epoch),
        micro_batch=micro_batch,
        seconds=trainer.seconds,
        log=[
            {name: entry[name] for name in _LOGGED if name in entry}
            for entry in state.log_history
            if "loss" in entry or "eval_loss" in entry
        ],
        left_out=stage.examples.height - examples,
    )
