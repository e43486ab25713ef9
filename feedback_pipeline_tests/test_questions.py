import polars as pl
import pytest

from feedback_pipeline.questions import asked, told_by
from feedback_pipeline.schemas import INTERACTIONS

TALK = [("system", "Be brief."), ("user", "First?"), ("assistant", "Yes."), ("user", "Second?")]
AROUND = "Use these passages:\nQuestion: none of ours\n---\nA lamp.\nQuestion: {}\nAnswer:"
AT_THE_END = r"(?s).*\nQuestion: (.*?)\s*\nAnswer:"


def told(*conversations, questions=None):
    messages = [[{"role": role, "content": content} for role, content in each] for each in conversations]
    rows = pl.DataFrame({"prompt_messages": messages, "question": questions or [None] * len(messages)})
    return INTERACTIONS.conform(rows.cast({"prompt_messages": INTERACTIONS.schema["prompt_messages"]}))


def test_the_last_thing_a_user_said_is_the_question():
    talks = told(TALK, [*TALK, ("assistant", "Still there?")], [])
    assert talks.select(asked()).to_series().to_list() == ["Second?", "Second?", None]


def test_what_was_told_apart_is_the_question():
    assert told(TALK, questions=["Really?"]).select(asked()).to_series().to_list() == ["Really?"]


@pytest.mark.parametrize(
    ("message", "question"),
    [
        (AROUND.format("How do I\nreset the lamp? "), "How do I\nreset the lamp?"),
        (AROUND.format("  "), None),
        ("How do I reset the lamp?", None),
    ],
    ids=["of several lines, after a passage that looks like one", "blank", "no prompt around it"],
)
def test_a_pattern_tells_the_question_from_the_prompt_around_it(message, question):
    found = told([("user", "Before?"), ("assistant", "So."), ("user", message)]).select(told_by(AT_THE_END))
    assert found["question"].to_list() == [question]


def test_without_a_pattern_nothing_is_told_apart():
    assert told(TALK).select(told_by(None))["question"].to_list() == [None]
