import json

import polars as pl
import pytest
from curation_rows import NEXT_WEEK, example, examples, kept, reasons, words

from feedback_pipeline.curation.curate import curate
from feedback_pipeline.curation.external_benchmarks import BenchmarkFileError, load_benchmarks
from feedback_pipeline.schemas import CURATED_EXAMPLES

LONG, SHORT = words(1, 30), "What is two and two?"


def write(folder, suffix):
    """A benchmark of a long and a short question, as a file of one kind."""
    file = folder / f"bench{suffix}"
    rows = [{"id": 1, "question": LONG, "choices": ["Paris"]}, {"id": 2, "question": SHORT, "choices": ["four"]}]
    if suffix == ".jsonl":
        file.write_text("\n".join(map(json.dumps, rows)))
    elif suffix == ".json":
        file.write_text(json.dumps(rows))
    elif suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(file)
    elif suffix == ".csv":
        pl.DataFrame(rows).select("id", "question").write_csv(file)
    else:
        file.write_text(f"{LONG}\n{SHORT}\n")
    return file


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet", ".csv", ".txt"])
def test_what_meets_a_named_file_is_kept_out_and_said_why(tmp_path, suffix):
    benchmarks = load_benchmarks([str(write(tmp_path, suffix))])
    given = [
        example("quoted", f"{words(2)} {LONG[:120].upper()}!"),
        example("answered", words(3), f"{words(4)} {LONG}"),
        example("short", " what is TWO and two"),
        example("longer", f"{SHORT} And three?"),
        example("own", words(5), words(6)),
    ]
    history = kept(example("old", LONG), example("fine", words(7), words(8)))
    found = curate(examples(*given), pl.Series([], dtype=pl.String), history, NEXT_WEEK, kept_out=benchmarks)

    dropped = {name: reason for name, reason in reasons(found).items() if reason}
    assert dropped == dict.fromkeys(["quoted", "answered", "short", "old"], "in_external_benchmark")
    assert list(benchmarks.files) == [f"bench{suffix}"]


def test_a_field_can_be_chosen_and_a_glob_names_several_files(tmp_path):
    write(tmp_path, ".jsonl")
    write(tmp_path, ".json")
    benchmarks = load_benchmarks([f"{tmp_path}/*.json*?field=choices"])
    assert benchmarks.texts.to_list() == ["four", "paris"]
    assert len(benchmarks.files) == 2


def test_without_named_files_nothing_is_dropped():
    assert load_benchmarks([]).meets(CURATED_EXAMPLES.empty()).is_empty()


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("bad.jsonl", b'{"a": "b"}\n{"a": ', "bad.jsonl, line 2: not JSON"),
        ("bad.parquet", b"no", "bad.parquet: "),
        ("bad.txt", b"\xff", "bad.txt: 'utf-8'"),
        ("bad.xml", b"<a/>", "bad.xml: is none of"),
        ("bad.json", b"[1, 2]", "bad.json: holds no text"),
        (None, b"", "no such file"),
    ],
)
def test_a_bad_file_is_told_by_name_line_and_reason(tmp_path, name, content, complaint):
    if name:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BenchmarkFileError, match=complaint):
        load_benchmarks([str(tmp_path / (name or "missing.txt"))])
