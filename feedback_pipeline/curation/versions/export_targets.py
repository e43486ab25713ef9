"""What other tools read: rows of a version in the shape each wants them in.

The shapes are those of TRL's conversational datasets, of OpenAI's fine-tuning guides (supervised and direct
preference optimization), of axolotl 0.19 and of LLaMA-Factory 0.9.5, each looked up in its documentation and in the
code that reads it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from feedback_pipeline.curation.dataset_version import TRAINING_COLUMNS

Row = Mapping[str, Any]
Shape = Callable[[Row], dict[str, Any] | None]
Configs = Callable[[Mapping[tuple[str, str], str]], dict[str, Any]]


@dataclass(frozen=True)
class Target:
    """A tool: how each format it can learn from is written, and the configuration that names the files.

    A shape answers None for a conversation that the tool could not read. `configs` takes file names by format and
    split, and answers what to write into which file. `note` is what whoever trains has to know.
    """

    shapes: Mapping[str, Shape]
    configs: Configs = lambda _: {}
    note: str | None = None


def _as_trl(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in TRAINING_COLUMNS[row["format"]]}


def _openai_sft(row: Row) -> dict[str, Any] | None:
    # Without a weight of 0 the answers given before would be learned too.
    earlier = [message | {"weight": 0} if message["role"] == "assistant" else message for message in row["prompt"]]
    return _openai(row, {"messages": earlier + row["completion"]})


def _openai_preference(row: Row) -> dict[str, Any] | None:
    pair = {"preferred_output": row["chosen"], "non_preferred_output": row["rejected"]}
    return _openai(row, {"input": {"messages": row["prompt"]}, **pair})


def _openai(row: Row, shaped: dict[str, Any]) -> dict[str, Any] | None:
    return shaped if _roles(row) <= {"system", "developer", "user", "assistant"} else None


def _axolotl_sft(row: Row) -> dict[str, Any]:
    earlier = [message | {"train": False} for message in row["prompt"]]
    return {"messages": earlier + [message | {"train": True} for message in row["completion"]]}


def _axolotl_preference(row: Row) -> dict[str, Any] | None:
    known = _roles(row) <= {"system", "user", "assistant", "tool"}
    return {"messages": row["prompt"], "chosen": row["chosen"][0], "rejected": row["rejected"][0]} if known else None


def _axolotl_unpaired(row: Row) -> dict[str, Any]:
    return {"completion": row["prompt"] + row["completion"], "label": row["label"]}


def _llama_factory_sft(row: Row) -> dict[str, Any] | None:
    return {"messages": row["prompt"] + row["completion"]} if _takes_turns(row) else None


def _llama_factory_preference(row: Row) -> dict[str, Any] | None:
    pair = {"chosen": row["chosen"], "rejected": row["rejected"]}
    alone = {name: answer[0] for name, answer in pair.items()}
    return {"messages": row["prompt"], **alone} if _takes_turns(row) else None


def _llama_factory_unpaired(row: Row) -> dict[str, Any] | None:
    whole = {"messages": row["prompt"] + row["completion"], "label": row["label"]}
    return whole if _takes_turns(row) else None


def _roles(row: Row) -> set[str]:
    return {message["role"] for message in row["prompt"]}


def _takes_turns(row: Row) -> bool:
    """Whether user and assistant alternate after a system message at most: LLaMA-Factory skips all else in silence."""
    roles = [message["role"] for message in row["prompt"]]
    turns = roles[1:] if roles[:1] == ["system"] else roles
    return len(turns) % 2 == 1 and all(role == ("user", "assistant")[i % 2] for i, role in enumerate(turns))


_AXOLOTL: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sft": (
        {},
        {"type": "chat_template", "field_messages": "messages", "message_field_training": "train"},
    ),
    "preference": (
        {"rl": "dpo"},
        {
            "type": "chat_template.default",
            "field_messages": "messages",
            "field_chosen": "chosen",
            "field_rejected": "rejected",
        },
    ),
    "unpaired": ({"rl": "kto", "remove_unused_columns": False}, {"type": "chatml.argilla_chat"}),
}
_SECTIONS = {"train": "datasets", "test": "test_datasets"}


def _axolotl_configs(files: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    configs: dict[str, Any] = {}
    for (example_format, split), file in files.items():
        settings, reading = _AXOLOTL[example_format]
        config = configs.setdefault(f"{example_format}.yaml", dict(settings))
        config[_SECTIONS[split]] = [{"path": file, "ds_type": "json", "split": "train", **reading}]
    return configs


_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}
_LLAMA_FACTORY: dict[str, dict[str, Any]] = {
    "sft": {"columns": {"messages": "messages"}},
    "preference": {"ranking": True, "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"}},
    "unpaired": {"columns": {"messages": "messages", "kto_tag": "label"}},
}


def _llama_factory_configs(files: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    described = {
        f"feedback_{example_format}_{split}": {
            "file_name": file,
            "formatting": "sharegpt",
            **_LLAMA_FACTORY[example_format],
            "tags": _TAGS,
        }
        for (example_format, split), file in files.items()
    }
    return {"dataset_info.json": described}


TARGETS = {
    "trl": Target(dict.fromkeys(TRAINING_COLUMNS, _as_trl)),
    "openai": Target(
        {"sft": _openai_sft, "preference": _openai_preference},
        note="train is the training file, test the validation file of a job",
    ),
    "axolotl": Target(
        {"sft": _axolotl_sft, "preference": _axolotl_preference, "unpaired": _axolotl_unpaired},
        _axolotl_configs,
        "merge a YAML file into your configuration; its paths are those of this folder. Unpaired examples are for "
        "models that speak ChatML: axolotl has no KTO by a model's own chat template",
    ),
    "llama-factory": Target(
        {"sft": _llama_factory_sft, "preference": _llama_factory_preference, "unpaired": _llama_factory_unpaired},
        _llama_factory_configs,
        "set dataset_dir to this folder, and mask_history: true, or earlier answers of a conversation are learned too",
    ),
}
