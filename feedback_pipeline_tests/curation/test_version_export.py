"""Exports hold what the version holds, in the shapes that other tools read."""

import json

import polars as pl
import pytest
import yaml
from curation_rows import example, kept, preference, said, words
from datasets import load_dataset

from feedback_pipeline.curation.dataset_version import stored_rows
from feedback_pipeline.curation.versions.export import ExportError, export

TURNS = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "How?"},
    {"role": "assistant", "content": "So."},
    {"role": "user", "content": "“Really?”\u2028Yes"},
]
ROWS = stored_rows(
    kept(
        example("s1", words(1), words(11), split="train", prompt=TURNS),
        example("s2", words(2), words(12), split="test"),
        {**preference("p1", words(3), words(13), split="train"), "prompt": TURNS},
        example("t1", words(4), words(14), format="unpaired", origin="thumb", label=False, split="train"),
        example("t2", words(5), words(15), format="unpaired", origin="thumb", label=True, split="train", prompt=TURNS),
    )
)
WHOLE = {"trl", "axolotl", "llama-factory"}


def loaded(file, tmp_path) -> list[dict]:
    return load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache")).to_list()


def plain(messages) -> list[dict]:
    """Messages without what a tool adds to them."""
    listed = messages if isinstance(messages, list) else [messages]
    return [{"role": message["role"], "content": message["content"]} for message in listed]


def put_together(row: dict) -> dict:
    """What an exported row of any tool says: the conversation before, and the answers."""
    told = row.get("input", row)
    conversation = plain(told.get("messages") or told.get("prompt") or told["completion"])
    answers = {
        "chosen": row.get("chosen") or row.get("preferred_output"),
        "rejected": row.get("rejected") or row.get("non_preferred_output"),
    }
    if answers["chosen"]:
        return {"prompt": conversation, **{name: plain(answer) for name, answer in answers.items()}}
    if "prompt" in row:
        conversation += plain(row["completion"])
    return {"prompt": conversation[:-1], "completion": conversation[-1:], "label": row.get("label")}


@pytest.mark.parametrize("to", ["trl", "openai", "axolotl", "llama-factory"])
def test_an_export_loads_with_the_content_of_the_version(to, tmp_path):
    written = export(ROWS, to, tmp_path / "out")

    assert {(file.format, file.split) for file in written} == {
        ("sft", "train"),
        ("sft", "test"),
        ("preference", "train"),
        *([("unpaired", "train")] if to in WHOLE else []),
    }
    for file in written:
        rows = ROWS.filter(format=file.format, split=file.split)
        assert file.examples == rows.height
        for found, row in zip(loaded(file.path, tmp_path), rows.iter_rows(named=True), strict=True):
            told = put_together(found)
            assert told == {name: row[name] for name in told}


def test_only_the_wanted_answer_is_learned_not_the_ones_before_it(tmp_path):
    (openai, _), (axolotl, _) = (export(ROWS, to, tmp_path / to, "sft") for to in ("openai", "axolotl"))

    first = {file: json.loads(file.path.read_text().splitlines()[0])["messages"] for file in (openai, axolotl)}
    assert [message.get("weight") for message in first[openai]] == [None, None, 0, None, None]
    assert [message["train"] for message in first[axolotl]] == [False, False, False, False, True]


def test_a_configuration_names_the_files_and_their_columns(tmp_path):
    export(ROWS, "axolotl", tmp_path / "axolotl")
    export(ROWS, "llama-factory", tmp_path / "llama")

    kto = yaml.safe_load((tmp_path / "axolotl" / "unpaired.yaml").read_text())
    assert (kto["rl"], kto["datasets"][0]["path"]) == ("kto", "unpaired-train.jsonl")
    sft = yaml.safe_load((tmp_path / "axolotl" / "sft.yaml").read_text())
    assert (sft["datasets"][0]["path"], sft["test_datasets"][0]["path"]) == ("sft-train.jsonl", "sft-test.jsonl")
    described = json.loads((tmp_path / "llama" / "dataset_info.json").read_text())
    parts = ("sft_train", "sft_test", "preference_train", "unpaired_train")
    assert list(described) == [f"feedback_{part}" for part in parts]
    assert described["feedback_unpaired_train"]["columns"] == {"messages": "messages", "kto_tag": "label"}
    for description in described.values():
        row = json.loads((tmp_path / "llama" / description["file_name"]).read_text().splitlines()[0])
        assert set(description["columns"].values()) == set(row)


def test_a_conversation_that_a_tool_would_skip_is_left_out_and_counted(tmp_path):
    broken = [*said("user", "Hello?"), *said("user", "Anybody?")]
    tool = [*said("tool", "42"), *said("user", "And?")]
    rows = pl.concat(
        [ROWS, stored_rows(kept(*(example(f"b{i}", split="test", prompt=p) for i, p in enumerate((broken, tool)))))]
    )

    left_out = {to: export(rows, to, tmp_path / to, "sft", "test")[0].left_out for to in (*WHOLE, "openai")}

    assert left_out == {"trl": 0, "axolotl": 0, "openai": 1, "llama-factory": 2}


def test_a_format_that_a_tool_cannot_learn_from_is_an_error_that_says_what_it_can(tmp_path):
    with pytest.raises(ExportError, match="openai has no format for unpaired examples; it takes sft and preference"):
        export(ROWS, "openai", tmp_path, "unpaired")
    with pytest.raises(ExportError, match="no preference and test examples"):
        export(ROWS, "trl", tmp_path, "preference", "test")
    assert list(tmp_path.iterdir()) == []
