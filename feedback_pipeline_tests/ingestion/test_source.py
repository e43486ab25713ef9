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
        ("format: openai", f"format: 'openai' is none of {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"),
        ("fromat: events", "fromat: unknown field; known are format, timezone, times, delimiter, mapping"),
        ("timezone: UTC", "format: missing"),
        ("format: [", "expected the node content"),
        ("", "the file is empty"),
        ("# format: events", "the file is empty"),
        ("events", "fields and values are needed, not 'events'"),
        ("format: events\ntimezone: UTC\nformat: mapping", "`format` is given twice, the second time in line 3"),
        ("format: langfuse\noptions: {thumbs: [a], thumbs: [b]}", "`thumbs` is given twice, the second time in line 2"),
        ("format: events\ntimezone: Mars/Base", "timezone: unknown time zone 'Mars/Base'"),
        ("format: events\ntimes: epoch", "times: 'epoch' is none of epoch_s, epoch_ms or epoch_us"),
        ("format: zendesk\ntimes: epoch_s", "`times` goes with openai_chat, events; other formats know their own"),
        ("format: events\ntimezone: ../UTC", "timezone: unknown time zone '../UTC'"),
        ("format: events\ndelimiter: ';;'", "delimiter: a text of at most 1 character(s) is needed, not ';;'"),
        ("format: events\ndrop: metadata.email", "drop: a list is needed, not 'metadata.email'"),
        ("format: events\ndrop: ['messages.[0]']", "drop.0: 'messages.[0]' does not name a field as metadata.email"),
        ("format: events\nreviewers: maybe", "reviewers: true or false is needed, not 'maybe'"),
        ("format: openai_chat\nquestion_pattern: 'Question: (.*'", "question_pattern: 'Question: (.*' is no regular"),
        ("format: openai_chat\nquestion_pattern: 'Question: .*'", "question_pattern: 'Question: .*' has no group in"),
        ("format: events\nnull_ids: guest", "null_ids: a list is needed, not 'guest'"),
        ("format: events\njoin_window_hours: 200", "join_window_hours: 200 is above 168"),
        ("format: zendesk\ncategories: {slow: late}", "categories.slow: 'late' is none of factually_incorrect"),
        ("format: zendesk\nscales: {ease: [1, 2, 3]}", "scales.ease: 3 values where 2 are needed"),
        ("format: zendesk\nscales: {ease: [1, five]}", "scales.ease.1: a number is needed, not 'five'"),
        ("format: chameleon\noptions: {thumbs: {Yes: up}}", "thumbs: the name True is no text; put it in quotation"),
        ("format: langfuse\noptions: {thumb: [a]}", "options.thumb: unknown field; known are thumbs, generations"),
        (
            "format: zendesk\noptions: {ids: {id: a}}",
            "options.ids.id: unknown field; known are interaction_id",
        ),
        ("format: mapping", "`mapping` goes with format mapping"),
        ("format: events\nadapter: a:b", "`adapter` goes with format adapter"),
        ("format: events\noptions: {a: 1}", "`options` goes with format adapter"),
        ("format: events\nusers: [a]", "`users` goes with format adapter; others know theirs"),
        ("format: adapter\nadapter: no_colon", "adapter: 'no_colon' does not name a function as module:function"),
        ("format: adapter\nadapter: nowhere.found:parse", "adapter: No module named 'nowhere'"),
        (f"format: adapter\nadapter: {OASST}:nothing", "adapter: module"),
        (MAPPING + "  feedback: [{kind: copy, text: '{a..b}'}]", "mapping.feedback.0: text: 'a..b' is not a path"),
        (
            MAPPING + "  feedback: [{kind: copy, when: {path: a, equal: 1}}]",
            "mapping.feedback.0.when.equal: unknown field; known are path, present, absent, equals, not_equals, in,",
        ),
        (
            MAPPING + "  feedback: [{kind: copy, when: [{path: a, equal: 1}]}]",
            "mapping.feedback.0.when.0.equal: unknown field; known are path, present",
        ),
        (
            MAPPING + "  feedback: [{kind: copy, category: {path: a, mapp: {}}}]",
            "mapping.feedback.0.category.mapp: unknown field; known are path, map, default",
        ),
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


def test_a_value_may_be_merged_into_another_and_changed_there(tmp_path: Path) -> None:
    text = (
        "common: &c {observed_at: {path: t}}\n  feedback: [{<<: *c, kind: copy, session_id: s, observed_at: {path: u}}]"
    )
    source = load_source(declare(tmp_path, f"format: mapping\nmapping:\n  {text}"))
    assert source.parser
    [copied] = source.parser({"u": "2026-01-05T12:00:00Z"})
    assert copied.observed_at.isoformat() == "2026-01-05T12:00:00+00:00"


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
