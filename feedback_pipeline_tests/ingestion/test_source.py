from pathlib import Path

import pytest

from feedback_pipeline.ingestion.source import FORMATS, SourceError, load_source
from feedback_pipeline.settings import PROJECT_ROOT

MAPPING = "format: mapping\nmapping:\n  common: {observed_at: {base: 2026-01-05T12:00:00Z}}\n"
OASST = "feedback_pipeline.ingestion.adapters.oasst"


def declare(folder: Path, text: str) -> Path:
    (folder / "source.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_built_in_format_needs_one_line(tmp_path: Path) -> None:
    source = load_source(declare(tmp_path, "format: events"))
    assert (source.name, source.format, source.timezone, source.delimiter) == (tmp_path.name, "events", "UTC", ",")
    assert source.parser is None


def test_a_mapping_becomes_a_parser(tmp_path: Path) -> None:
    source = load_source(declare(tmp_path, MAPPING + "  feedback: [{kind: copy, session_id: s, text: '{t}'}]"))
    assert source.parser
    [copied] = source.parser({"t": "x"})
    assert copied.session_id == "s"


def test_naive_times_of_a_mapping_are_of_the_declared_zone(tmp_path: Path) -> None:
    text = "format: mapping\ntimezone: Asia/Tokyo\nmapping: {feedback: [{kind: copy, observed_at: {path: t}}]}"
    source = load_source(declare(tmp_path, text))
    assert source.parser
    [copied] = source.parser({"t": "2026-01-05 21:00:00"})
    assert copied.observed_at.isoformat() == "2026-01-05T12:00:00+00:00"


def test_an_adapter_is_given_its_options(tmp_path: Path) -> None:
    text = f"format: adapter\nadapter: {OASST}:parse\noptions: {{observed_at: 2026-01-05T12:00:00Z}}"
    source = load_source(declare(tmp_path, text))
    assert source.parser
    reply = {"role": "assistant", "message_id": "m", "text": "Hello", "replies": []}
    tree = {"role": "prompter", "text": "Hi", "replies": [reply]}
    [answer] = source.parser({"message_tree_id": "t", "prompt": tree})
    assert answer.observed_at.isoformat() == "2026-01-05T12:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("format: openai", f"format: Input should be {', '.join(map(repr, FORMATS[:-1]))} or {FORMATS[-1]!r}"),
        ("fromat: events", "fromat: Extra inputs are not permitted"),
        ("format: [", "expected the node content"),
        ("", "Input should be a valid dictionary"),
        ("format: events\ntimezone: Mars/Base", "timezone: Value error, unknown time zone 'Mars/Base'"),
        ("format: events\ntimezone: ../UTC", "timezone: Value error, unknown time zone '../UTC'"),
        ("format: events\ndelimiter: ';;'", "delimiter: String should have at most 1 character"),
        ("format: mapping", "`mapping` goes with format mapping"),
        ("format: events\nadapter: a:b", "`adapter` goes with format adapter"),
        ("format: events\noptions: {a: 1}", "`options` goes with format adapter"),
        ("format: adapter\nadapter: no_colon", "adapter: String should match pattern"),
        ("format: adapter\nadapter: nowhere.found:parse", "adapter: No module named 'nowhere'"),
        (f"format: adapter\nadapter: {OASST}:nothing", "adapter: module"),
        (MAPPING + "  feedback: [{kind: copy, text: '{a..b}'}]", "mapping.feedback.0: text: 'a..b' is not a path"),
        (MAPPING + "  feedback: [{kind: copy, when: {path: a, equal: 1}}]", "equal: Extra inputs are not permitted"),
        (MAPPING + "  feedback: [{kind: copy, category: {path: a, mapp: {}}}]", "mapp: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_declaration_is_told_in_one_line_with_file_and_field(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(SourceError) as error:
        load_source(declare(tmp_path, text))
    assert str(error.value).startswith(str(tmp_path / "source.yaml"))
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_declaration_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"source\.yaml: there is no such file"):
        load_source(tmp_path)


def test_a_declaration_that_is_not_utf8_is_told_like_any_other_fault(tmp_path: Path) -> None:
    (tmp_path / "source.yaml").write_bytes(b"format: \xff")
    with pytest.raises(SourceError, match=r"source\.yaml: .*utf-8"):
        load_source(tmp_path)


@pytest.mark.parametrize("folder", sorted((PROJECT_ROOT / "sources").iterdir()), ids=lambda folder: str(folder.name))
def test_every_declaration_kept_in_the_project_can_be_read(folder: Path) -> None:
    assert load_source(folder).parser
