import json

import pytest
from curation_rows import WEEK, example, kept, preference, said, words
from datasets import load_dataset

from feedback_pipeline.curation.dataset_files import write_dataset
from feedback_pipeline.curation.dataset_version import assemble, content_hash, provenance
from feedback_pipeline.curation.versions.folder import shown_card
from feedback_pipeline.schemas import DATASETS

SFT = [example(f"x{i}", words(i), words(i + 10), split="test" if i == 2 else "train") for i in range(3)]
PAIRS = [preference(f"p{i}", words(i), words(i + 10), split=split) for i, split in enumerate(["train", "test"])]
THUMBS = [example("t1", format="unpaired", origin="thumb", label=True, split="train")]


def write(folder, *rows, parent=None):
    examples = kept(*rows)
    dataset = assemble(examples, WEEK)
    return write_dataset(dataset, folder, provenance(examples, WEEK, parent, "0.1.0"))


@pytest.fixture
def version(tmp_path):
    return tmp_path / write(tmp_path / "datasets", *SFT, *PAIRS, *THUMBS)["folder"][0]


@pytest.mark.parametrize(
    ("config", "columns", "sizes"),
    [
        ("sft", {"prompt", "completion"}, {"train": 2, "test": 1}),
        ("preference", {"prompt", "chosen", "rejected"}, {"train": 1, "test": 1}),
        ("unpaired", {"prompt", "completion", "label"}, {"train": 1}),
    ],
)
def test_datasets_loads_each_format(version, tmp_path, config, columns, sizes):
    loaded = load_dataset(str(version), config, cache_dir=str(tmp_path / "cache"))
    assert {split: part.num_rows for split, part in loaded.items()} == sizes
    lineage = {"example_id", "interaction_id", "group_id", "origin", "reason"}
    assert set(loaded["train"].column_names) == columns | lineage
    assert loaded["train"][0]["prompt"][0]["role"] == "user"


def test_the_loaded_conversations_are_those_curated(version, tmp_path):
    loaded = load_dataset(str(version), "preference", split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded[0]["chosen"] == said("assistant", words(0))
    assert loaded[0]["rejected"] == said("assistant", words(10))


def test_a_format_without_examples_is_left_out(tmp_path):
    folder = tmp_path / write(tmp_path / "datasets", *SFT)["folder"][0]
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "composition.png", "manifest.json", "sft"]
    with pytest.raises(ValueError, match="unpaired"):
        load_dataset(str(folder), "unpaired", cache_dir=str(tmp_path / "cache"))


def test_the_rows_of_the_version_say_what_was_written(tmp_path):
    rows = write(tmp_path / "datasets", *SFT, *PAIRS, parent="2025-12-29-abc")
    assert rows.schema == DATASETS.schema
    assert rows.select("format", "split", "examples").rows() == [
        ("preference", "train", 1),
        ("preference", "test", 1),
        ("sft", "train", 2),
        ("sft", "test", 1),
    ]
    assert rows["content_hash"].unique().to_list() == [content_hash(kept(*SFT, *PAIRS))]
    assert rows["dataset_version"][0] == f"2026-01-05-{rows['content_hash'][0][:12]}"
    assert rows["folder"][0] == f"datasets/{rows['dataset_version'][0]}"


def test_the_manifest_tells_where_the_version_comes_from(tmp_path):
    rows = write(tmp_path / "datasets", *SFT, parent="2025-12-29-abc")
    manifest = json.loads((tmp_path / rows["folder"][0] / "manifest.json").read_text())
    assert manifest["content_hash"] == rows["content_hash"][0]
    assert manifest["parents"] == ["2025-12-29-abc"]
    assert manifest["decisions"] == {"kept": 3}
    assert list(manifest["weeks"]) == ["2026-01-05"]
    assert manifest["policy"]["near_duplicate"] == 0.7
    assert manifest["policy"]["trust"]["user_share"] == 0.01


def test_the_card_shows_figures_and_a_picture_that_lies_beside_it(version):
    card = (version / "README.md").read_text()

    assert "| sft | accepted | 2 | 1 | 3 | 0 % |" in card
    assert "(composition.png)" in card
    assert (version / "composition.png").read_bytes().startswith(b"\x89PNG")
    assert "data:image/png;base64," in shown_card(version)
    assert not shown_card(version).startswith("---")


def test_the_same_dataset_is_written_to_the_same_bytes(version, tmp_path):
    other = tmp_path / "elsewhere" / version.name
    write(other.parent, *reversed([*SFT, *PAIRS, *THUMBS]))

    files = sorted(path.relative_to(version) for path in version.rglob("*") if path.is_file())
    assert all((version / file).read_bytes() == (other / file).read_bytes() for file in files)
    listed = json.loads((version / "manifest.json").read_text())["files"]
    assert sorted(listed) == [file.as_posix() for file in files if file.name != "manifest.json"]


def test_a_version_that_is_there_is_not_written_again(tmp_path):
    first = write(tmp_path / "datasets", *SFT)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "datasets").rglob("*")}
    assert write(tmp_path / "datasets", *reversed(SFT)).equals(first)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "datasets").rglob("*")} == before


def test_other_content_under_the_same_name_is_an_error(tmp_path):
    folder = tmp_path / write(tmp_path / "datasets", *SFT)["folder"][0]
    (folder / "manifest.json").write_text('{"content_hash": "other"}')
    with pytest.raises(ValueError, match="another dataset"):
        write(tmp_path / "datasets", *SFT)


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("feedback_pipeline.curation.dataset_files.dataset_card", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(tmp_path / "datasets", *SFT)
    assert list((tmp_path / "datasets").iterdir()) == []


def test_a_dataset_without_examples_is_a_version_without_rows(tmp_path):
    assert write(tmp_path / "datasets").is_empty()
    assert len(list((tmp_path / "datasets").iterdir())) == 1
