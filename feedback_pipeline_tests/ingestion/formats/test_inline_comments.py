"""Comments on documents, in the shapes of the Drive API's and Notion's references."""

import json
from datetime import UTC, datetime

import pytest
from inline_comments_writer import KINDS, OPTIONS, write
from reader import reader
from twelve_conversations import feedback, interactions

from feedback_pipeline.ingestion.formats.inline_comments import parse
from feedback_pipeline.ingestion.records import RecordError

GOOGLES = {
    "kind": "drive#comment",
    "id": "AAAAQ2x",
    "createdTime": "2024-05-05T16:22:18.456Z",
    "modifiedTime": "2024-05-06T08:00:00.000Z",
    "author": {"kind": "drive#user", "displayName": "An editor", "me": False},
    "content": "This is outdated.",
    "htmlContent": "This is outdated.",
    "quotedFileContent": {"mimeType": "text/html", "value": "It&#39;s release 4.8 &amp; later"},
    "deleted": False,
    "resolved": True,
    "replies": [{"kind": "drive#reply", "id": "AAAAQ2y", "content": "Done, thanks", "action": "resolve"}],
    "interaction_id": "a-1",
    "user_id": "u-1",
}
NOTIONS = {
    "object": "comment",
    "id": "7a793800-3e55-4d5e-8009-2261de026179",
    "parent": {"type": "page_id", "page_id": "5c6a2821-6bb1-4a7e-b6e1-c50111515c3d"},
    "discussion_id": "f4be6752-a539-4da2-a8a9-c3953e13bc0b",
    "created_time": "2022-07-15T21:17:00.000Z",
    "last_edited_time": "2022-07-15T21:17:00.000Z",
    "created_by": {"object": "user", "id": "e450a39e"},
    "rich_text": [
        {"type": "text", "text": {"content": "Hello ", "link": None}, "plain_text": "Hello ", "href": None},
        {"type": "mention", "mention": {"type": "user"}, "plain_text": "@Ann", "href": None},
    ],
    "metadata": {"session_id": "s-1"},
}


read, only, _ = reader(parse)


def test_the_twelve_conversations_come_back():
    said = read(*write(interactions(), feedback()), **OPTIONS)
    assert said == [each for each in feedback() if each.kind in KINDS]


def test_a_quoted_passage_is_a_highlight_without_a_range_and_the_text_a_comment():
    highlight, comment = read(GOOGLES)
    assert (highlight.feedback_id, highlight.kind) == ("AAAAQ2x-highlight", "highlight")
    assert (highlight.range_start, highlight.range_end) == (None, None)
    assert (comment.feedback_id, comment.kind, comment.text) == ("AAAAQ2x", "comment", "This is outdated.")
    assert {each.interaction_id for each in (highlight, comment)} == {"a-1"}
    assert comment.observed_at == datetime(2024, 5, 5, 16, 22, 18, 456000, tzinfo=UTC)


def test_a_quote_of_html_is_unescaped_and_a_plain_one_is_not():
    assert read(GOOGLES)[0].text == "It's release 4.8 & later"
    plain = {**GOOGLES, "quotedFileContent": {"mimeType": "text/plain", "value": "&amp; is an entity"}}
    assert read(plain)[0].text == "&amp; is an entity"


def test_a_suggested_replacement_makes_the_passage_an_inline_edit():
    edit, comment = read({**GOOGLES, "quotedFileContent": {"value": "4.8"}, "replacement": "4.9"})
    assert (edit.feedback_id, edit.kind, edit.text, edit.proposed_text) == ("AAAAQ2x-edit", "inline_edit", "4.8", "4.9")
    assert (edit.range_start, comment.kind) == (None, "comment")


def test_a_suggestion_needs_no_comment():
    bare = {**NOTIONS, "rich_text": [], "quote": "4.8", "replacement": "4.9"}
    assert (only(bare).kind, only(bare).text) == ("inline_edit", "4.8")


def test_a_replacement_of_nothing_quoted_is_rejected():
    with pytest.raises(RecordError, match="replacement: nothing is quoted"):
        read({**NOTIONS, "replacement": "4.9"})


def test_a_blank_replacement_is_none():
    assert [each.kind for each in read({**GOOGLES, "replacement": ""})] == ["highlight", "comment"]


def test_notions_rich_text_is_read_as_plain_text():
    said = only(NOTIONS)
    assert (said.kind, said.text, said.session_id) == ("comment", "Hello @Ann", "s-1")
    assert said.observed_at == datetime(2022, 7, 15, 21, 17, tzinfo=UTC)


def test_notions_author_serves_as_the_user_and_googles_is_not_told():
    assert only(NOTIONS).user_id == "e450a39e"
    assert only({**NOTIONS, "metadata": {"user_id": "u-1"}}).user_id == "u-1"
    assert {each.user_id for each in read({**GOOGLES, "user_id": None})} == {None}


def test_replies_are_about_the_comment_and_left_out():
    assert "Done, thanks" not in [each.text for each in read(GOOGLES)]


@pytest.mark.parametrize("deleted", [True, "true"])
def test_a_deleted_comment_takes_back_what_it_said_before(deleted):
    before = {(each.kind, each.feedback_id) for each in read(GOOGLES, GOOGLES | {"replacement": "Release 4.9"})}
    gone = {name: GOOGLES[name] for name in GOOGLES if name not in ("content", "htmlContent", "quotedFileContent")}
    taken_back = read({**gone, "deleted": deleted})
    assert {(each.kind, each.feedback_id) for each in taken_back} == before
    assert all(each.retracted and each.text is None for each in taken_back)


@pytest.mark.parametrize("record", [GOOGLES, NOTIONS], ids=["google", "notion"])
def test_a_row_of_texts_is_read_like_an_object(record):
    row = {name: json.dumps(value) if not isinstance(value, str) else value for name, value in record.items()}
    assert read(row) == read(record)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({**NOTIONS, "rich_text": []}, "content: missing, and nothing is quoted"),
        ({**GOOGLES, "id": None}, "id: missing"),
        ({**GOOGLES, "createdTime": None}, "createdTime: None"),
        ({**NOTIONS, "created_time": "today"}, "created_time: 'today'"),
        ({**GOOGLES, "content": ["a"]}, "content: a list"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(record, reason):
    with pytest.raises(RecordError, match=reason):
        read(record)
