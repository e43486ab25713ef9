"""LoRA adapters: the base model, the configuration, the fine-tune, the version it becomes."""
