"""Conversations of logs that tell no sessions: each line sends along what was said before."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from feedback_pipeline.evidence.implicit import implicit_evidence
from feedback_pipeline.ingestion.conversations import with_conversations
from feedback_pipeline.schemas import BY_OPENING, FEEDBACK_EVENTS, INTERACTIONS

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
SAID = [
    "How do I reset the lamp?",
    "Hold the button.",
    "That's wrong",
    "Sorry, turn the dial.",
    "Thanks, perfect",
    "Fine.",
]


def line(turns: int, said=SAID, name="", user="u", minutes=0, **more) -> dict:
    """The answer to the question after so many turns, with the conversation up to it as its prompt."""
    messages = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(said[: 2 * turns + 1])]
    return {
        "interaction_id": f"{name}{turns}",
        "user_id": user,
        "turn": turns,
        "prompt_messages": messages,
        "response": said[2 * turns + 1],
        "observed_at": NINE + timedelta(minutes=minutes + turns),
        **more,
    }


def read(*lines: dict) -> pl.DataFrame:
    rows = pl.DataFrame(list(lines), schema_overrides={"prompt_messages": INTERACTIONS.schema["prompt_messages"]})
    return with_conversations(INTERACTIONS.conform(rows)).sort("interaction_id")


def sessions(*lines: dict) -> list[str]:
    return read(*lines)["session_id"].to_list()


def test_the_turns_of_a_conversation_are_one_session_and_follow_each_other():
    rows = read(*(line(turns) for turns in range(3)))

    assert rows["session_id"].n_unique() == 1
    assert rows["session_id"][0].startswith(BY_OPENING)
    evidence = implicit_evidence(rows, FEEDBACK_EVENTS.empty(), NINE.date()).sort("interaction_id")
    assert evidence.select("interaction_id", "kind").rows() == [("0", "complaint_followup"), ("1", "positive_followup")]


@pytest.mark.parametrize(
    "other",
    [
        {"user": "v"},
        {"said": ["Another question?", *SAID[1:]]},
        {"said": [SAID[0], "Another answer.", *SAID[2:]]},
        {"minutes": 24 * 60},
        {"user": None},
    ],
    ids=["user", "question", "answer", "day", "nobody"],
)
def test_another_users_or_days_conversation_or_one_that_opens_otherwise_is_another(other):
    assert len(set(sessions(line(0), line(1), line(0, name="x", **other)))) == 2


def test_spaces_around_what_was_said_do_not_matter():
    first = line(0) | {"response": f" {SAID[1]}\n"}
    assert len(set(sessions(first, line(1), line(2)))) == 1


def test_what_a_log_tells_stays_and_without_a_user_an_answer_stands_alone():
    assert sessions(line(0, session_id="s"), line(1, user=None), line(2, session_id="s", user=None)) == ["s", "1", "s"]


def test_a_prompt_that_goes_on_without_the_first_answer_stands_alone():
    asked = [{"role": "user", "content": text} for text in SAID[::2]]
    assert sessions(line(2) | {"prompt_messages": asked}) == ["2"]


def test_an_agents_last_words_before_the_next_question_are_its_answer():
    step, result = {"role": "assistant", "content": "Let me look."}, {"role": "tool", "content": "Hold it."}
    later = line(1)
    asked, answered, again = later["prompt_messages"]
    assert len(set(sessions(line(0), later | {"prompt_messages": [asked, step, result, answered, again]}))) == 1


def test_the_same_opening_again_and_again_is_no_question_asked_again():
    pings = [line(0, ["ping", "pong"], name=f"p{n}-", minutes=n) for n in range(9)]
    rows = read(*pings)

    assert rows["session_id"].n_unique() == 1
    assert implicit_evidence(rows, FEEDBACK_EVENTS.empty(), NINE.date()).is_empty()
