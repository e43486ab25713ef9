"""A trainer's state between two steps, without pickle: tensors in safetensors, the rest in JSON.

Importing this module imports torch, which takes seconds: import it where training begins.
"""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

OPTIMIZER_FILE = "optimizer.safetensors"
RANDOM_FILE = "random.safetensors"
STATE_FILE = "state.json"


def save_training_state(folder: Path, optimizer: Any, scheduler: Any, seconds: float) -> None:
    """Write the optimizer's, the scheduler's and all random generators' state into `folder`.

    `seconds` is the wall time spent so far.
    """
    state = optimizer.state_dict()
    tensors = {
        f"{number}.{name}": value.contiguous()
        for number, values in state["state"].items()
        for name, value in values.items()
    }
    save_file(tensors, folder / OPTIMIZER_FILE)
    save_file(_torch_generators(), folder / RANDOM_FILE)
    kind, keys, *position = np.random.get_state()
    rest = {
        "param_groups": state["param_groups"],
        "scheduler": scheduler.state_dict(),
        "python": random.getstate(),
        "numpy": [kind, np.asarray(keys).tolist(), *position],
        "seconds": seconds,
    }
    (folder / STATE_FILE).write_text(json.dumps(rest))


def load_optimizer(folder: Path, optimizer: Any, scheduler: Any) -> None:
    """Restore what `save_training_state` wrote of the two."""
    rest = json.loads((folder / STATE_FILE).read_text())
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in load_file(folder / OPTIMIZER_FILE).items():
        number, name = key.split(".")
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": rest["param_groups"]})
    scheduler.load_state_dict(rest["scheduler"])


def load_random_generators(folder: Path) -> None:
    """Restore what `save_training_state` wrote of Python's, NumPy's and PyTorch's generators."""
    rest = json.loads((folder / STATE_FILE).read_text())
    version, words, gauss = rest["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(tuple(rest["numpy"]))
    generators = load_file(folder / RANDOM_FILE)
    torch.set_rng_state(generators.pop("cpu"))
    # A checkpoint of more GPUs than there are now has states that nobody needs.
    for device in range(min(len(generators), torch.cuda.device_count())):
        torch.cuda.set_rng_state(generators[f"cuda{device}"], device)


def seconds_spent(folder: Path) -> float:
    """The wall time that `save_training_state` was told."""
    return float(json.loads((folder / STATE_FILE).read_text())["seconds"])


def _torch_generators() -> dict[str, torch.Tensor]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state()} | {f"cuda{device}": state for device, state in enumerate(cuda)}
