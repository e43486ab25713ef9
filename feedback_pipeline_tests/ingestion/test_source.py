import inspect
from pathlib import Path

import pytest

from feedback_pipeline.ingestion.formats.registry import RECORD_FORMATS
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


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        ("format: langfuse\noptions: {thumbs: myscore}", "options.thumbs: "),
        ("format: langfuse\noptions: {thumb: [liked]}", "options.thumb: "),
        ("format: langfuse\noptions: {question: a..b}", "options.question: "),
        ("format: langfuse\noptions: {comment_ranges: characters}", "options.comment_ranges: "),
        ("format: zendesk\noptions: {ids: interaction_id}", "options.ids: "),
        ("format: zendesk\noptions: {ids: {interaction: external_id}}", "options.ids.interaction: "),
        ("format: otel_genai\noptions: {interaction_id: trace}", "options.interaction_id: "),
        ("format: openwebui\noptions: {time_unit: min}", "options.time_unit: "),
        ("format: openwebui\noptions: {edits: [yes]}", "options.edits: "),
        ('format: chameleon\noptions: {thumbs: {"Yes": good}}', "options.thumbs.Yes: "),
        (f"format: adapter\nadapter: {OASST}:parse\noptions: {{observed: 2026-01-05}}", "options: missing a required"),
    ],
)
def test_options_that_a_format_cannot_use_are_refused_before_any_line(
    tmp_path: Path, declared: str, complaint: str
) -> None:
    with pytest.raises(SourceError) as error:
        load_source(declare(tmp_path, declared))
    assert str(error.value).startswith(f"{tmp_path / 'source.yaml'}: {complaint}")


@pytest.mark.parametrize("name", RECORD_FORMATS)
def test_every_option_that_a_format_names_is_told_on_its_page(name: str) -> None:
    record_format = RECORD_FORMATS[name]
    page = inspect.getmodule(record_format.parse).__doc__ or ""
    told = page.partition("`options`:")[2]
    assert [option for option in record_format.options.model_fields if f"`{option}`" not in told] == []


def test_the_number_of_a_ticket_field_names_it_without_quotation_marks(tmp_path: Path) -> None:
    source = load_source(declare(tmp_path, "format: zendesk\noptions: {ids: {session_id: 360001}}"))
    rating = {"id": 1, "score": "bad", "updated_at": "2026-01-05T09:13:02Z"}
    assert source.parser
    [said] = source.parser({**rating, "custom_fields": [{"id": 360001, "value": "s-1"}]})
    assert said.session_id == "s-1"


def test_a_declared_id_stands_beside_our_own_name_of_it(tmp_path: Path) -> None:
    source = load_source(declare(tmp_path, "format: zendesk\noptions: {ids: {interaction_id: external_id}}"))
    rating = {"id": 1, "score": "bad", "updated_at": "2026-01-05T09:13:02Z"}
    assert source.parser
    [by_ours] = source.parser({**rating, "interaction_id": "a-1"})
    [by_theirs] = source.parser({**rating, "interaction_id": "a-1", "ticket": {"external_id": "a-2"}})
    assert (by_ours.interaction_id, by_theirs.interaction_id) == ("a-1", "a-2")


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
