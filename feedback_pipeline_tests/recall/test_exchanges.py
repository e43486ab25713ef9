from datetime import UTC, date, datetime

import polars as pl

from feedback_pipeline.recall.exchanges import QUESTION_CHARACTERS, RESPONSE_CHARACTERS
from feedback_pipeline.recall.exchanges import exchanges as exchanges_of
from feedback_pipeline.schemas import EVIDENCE, INTERACTIONS, VERDICTS

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = date(2026, 1, 5)

SESSIONS = pl.DataFrame({"session_id": ["s"], "session_started_at": [NOON]})


def exchanges(verdicts, evidence, interactions):
    return exchanges_of(verdicts, evidence, interactions, SESSIONS)


def answered(interaction_id="a", question="Where is my invoice?", response="Under Billing.", **columns):
    usual = {
        "interaction_id": interaction_id,
        "prompt_messages": [{"role": "user", "content": question}],
        "response": response,
        "observed_at": NOON,
        "arrival_day": DAY,
        "event_id": "e",
    }
    return INTERACTIONS.conform(pl.DataFrame([usual | columns]))


def verdict(interaction_id="a", as_of=DAY, evidence_ids=("v1",), p=0.9):
    row = {"interaction_id": interaction_id, "as_of": as_of, "evidence_ids": list(evidence_ids), "p_satisfied": p}
    return VERDICTS.conform(pl.DataFrame([row]))


def signal(evidence_id="v1", kind="thumb", reason=None):
    return EVIDENCE.conform(pl.DataFrame([{"evidence_id": evidence_id, "kind": kind, "reason": reason}]))


def test_the_text_is_the_last_user_message_and_the_answer():
    turns = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "Where is my invoice?"},
        {"role": "tool", "content": "{}"},
    ]
    rows = exchanges(verdict(), signal(), answered(prompt_messages=turns))
    assert rows["text"].to_list() == ["Where is my invoice?\nUnder Billing."]


def test_the_text_has_the_question_where_it_is_told_from_the_prompt_around_it():
    turns = [{"role": "user", "content": "Use these passages: … Question: Where is my invoice?"}]
    rows = exchanges(verdict(), signal(), answered(prompt_messages=turns).with_columns(question=pl.lit("Where?")))
    assert rows["text"].to_list() == ["Where?\nUnder Billing."]


def test_a_long_question_does_not_hide_the_answer():
    rows = exchanges(verdict(), signal(), answered(question="q" * 50_000, response="r" * 50_000))
    assert rows["text"].to_list() == ["q" * QUESTION_CHARACTERS + "\n" + "r" * RESPONSE_CHARACTERS]


def test_personal_data_is_replaced_before_the_text_is_cut():
    asked = "q" * (QUESTION_CHARACTERS - 5) + " ana@example.org"
    rows = exchanges(verdict(), signal(), answered(question=asked, response="Write to ana@example.org or c@d.org"))
    assert rows["text"].to_list() == [f"{asked[: QUESTION_CHARACTERS - 4]}<EMA\nWrite to <EMAIL_1> or <EMAIL_2>"]


def test_an_interaction_without_messages_keeps_its_answer():
    rows = exchanges(verdict(), signal(), answered(prompt_messages=None))
    assert rows["text"].to_list() == ["Under Billing."]


def test_a_verdict_on_an_unknown_interaction_gives_no_row():
    rows = exchanges(pl.concat([verdict("a"), verdict("gone")]), signal(), answered("a"))
    assert rows["interaction_id"].to_list() == ["a"]


def test_an_interaction_without_verdict_gives_no_row():
    assert exchanges(verdict("a"), signal(), pl.concat([answered("a"), answered("b")])).height == 1


def test_kinds_and_categories_are_those_of_the_evidence_folded():
    evidence = pl.concat(
        [
            signal("v1", "thumb"),
            signal("v2", "reason", "incomplete"),
            signal("v3", "reason", "factually_incorrect"),
            signal("later", "correction", "unsafe"),
        ]
    )
    row = exchanges(verdict(evidence_ids=["v1", "v2", "v3"]), evidence, answered()).row(0, named=True)
    assert row["kinds"] == ["reason", "thumb"]
    assert row["categories"] == ["factually_incorrect", "incomplete"]


def test_evidence_that_is_not_at_hand_leaves_empty_lists():
    row = exchanges(verdict(), EVIDENCE.empty(), answered()).row(0, named=True)
    assert (row["kinds"], row["categories"]) == ([], [])


def test_the_newest_verdict_counts():
    verdicts = pl.concat([verdict(as_of=date(2026, 1, 7), p=0.1), verdict(as_of=DAY, p=0.9)])
    row = exchanges(verdicts, signal(), answered()).row(0, named=True)
    assert (row["as_of"], row["p_satisfied"]) == (date(2026, 1, 7), 0.1)


def test_the_revision_answered_last_counts():
    later = datetime(2026, 1, 5, 13, tzinfo=UTC)
    revisions = pl.concat([answered(response="new", observed_at=later), answered(response="old")])
    assert exchanges(verdict(), signal(), revisions)["text"].to_list() == ["Where is my invoice?\nnew"]


def test_no_verdicts_give_no_rows():
    assert exchanges(VERDICTS.empty(), EVIDENCE.empty(), INTERACTIONS.empty()).height == 0
