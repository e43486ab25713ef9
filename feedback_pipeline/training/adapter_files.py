"""The files of a PEFT adapter."""

import json
from pathlib import Path
from typing import Any

ADAPTER_FILE = "adapter_model.safetensors"
ADAPTER_CONFIG_FILE = "adapter_config.json"
ADAPTER_NAME = "default"


def save_adapter(model: Any, folder: Path) -> None:
    """Write the trained adapter of a `PeftModel` into `folder`, and not the copy that preferences are measured from."""
    # PEFT would look up the base on the Hub to see whether its vocabulary grew; ours never does.
    model.save_pretrained(folder, save_embedding_layers=False, selected_adapters=[ADAPTER_NAME])
    file = folder / ADAPTER_CONFIG_FILE
    config = json.loads(file.read_text())
    # A set, which PEFT writes in an order that every process draws anew.
    if isinstance(config["target_modules"], list):
        config["target_modules"] = sorted(config["target_modules"])
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
