"""The real data sets through their declarations, against counts made from the files themselves."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from feedback_pipeline.ingestion.landing import import_files
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, RAW_EVENTS
from feedback_pipeline.settings import PROJECT_ROOT
from feedback_pipeline.warehouse import Warehouse

REAL_DATA = Path(os.environ.get("FEEDBACK_REALDATA") or PROJECT_ROOT.parent / "shared" / "realdata")
DAYS = (date(2025, 1, 6), date(2026, 3, 1))
USERS = Pseudonyms(b"key")
FILES = {
    "ifllm": "ifllm/dev.jsonl",
    "ifllm_tasks": "ifllm/dev_tasks.jsonl",
    "realhumaneval": "realhumaneval/dev.jsonl",
    "qa_feedback": "qa_feedback/dev.jsonl",
    "oasst_en100": "oasst_en100/dev.jsonl",
}


@dataclass(frozen=True)
class Loaded:
    """A data set as it is in its file, and as it comes out of ingestion."""

    records: list[dict[str, Any]]
    lines: pl.DataFrame
    interactions: pl.DataFrame
    feedback: pl.DataFrame

    def of_kind(self, kind: str) -> pl.DataFrame:
        return self.feedback.filter(pl.col("kind") == kind)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    missing = [str(REAL_DATA / file) for file in FILES.values() if not (REAL_DATA / file).is_file()]
    if missing:
        pytest.skip(f"real data not found: {', '.join(missing)}; FEEDBACK_REALDATA names the folder that holds it")
    zone = tmp_path_factory.mktemp("raw")
    return {source: _load(source, zone / source) for source in FILES}


def _load(source: str, zone: Path) -> Loaded:
    file = REAL_DATA / FILES[source]
    landed = import_files(source, [file], zone, days=DAYS)
    days = sorted({part.day for part in landed})
    warehouse = Warehouse(zone.parent / f"{source}.duckdb")
    for day in days:
        store_day(warehouse, zone, day, USERS)
    return Loaded(
        [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()],
        *(warehouse.partitions(table, days) for table in (RAW_EVENTS, INTERACTIONS, FEEDBACK_EVENTS)),
    )


@pytest.mark.parametrize(
    ("source", "field"), [("ifllm", "user_id"), ("ifllm_tasks", "user_id"), ("realhumaneval", "programmer_id")]
)
def test_no_session_has_a_users_id_in_its_own(loaded: dict[str, Loaded], source: str, field: str) -> None:
    data = loaded[source]
    users = {str(record[field]) for record in data.records}
    sessions = [*data.interactions["session_id"], *data.feedback["session_id"]]
    assert sessions
    assert not users & {part for session in sessions for part in session.split("/")}


def reasons(data: Loaded) -> dict[str, int]:
    return Counter(data.lines.filter(pl.col("outcome") == "rejected")["reason"])


@pytest.mark.parametrize("source", FILES)
def test_every_line_is_accepted_or_rejected_with_a_reason(loaded: dict[str, Loaded], source: str) -> None:
    data = loaded[source]
    assert data.lines.height == len(data.records)
    assert set(data.lines["outcome"]) <= {"accepted", "rejected"}
    assert data.lines.filter((pl.col("outcome") == "rejected") != pl.col("reason").is_not_null()).is_empty()
    assert data.interactions["interaction_id"].is_unique().all()
    assert data.feedback["feedback_id"].is_unique().all()


@pytest.mark.parametrize("source", ["ifllm", "realhumaneval", "qa_feedback", "oasst_en100"])
def test_feedback_is_about_answers_that_are_there(loaded: dict[str, Loaded], source: str) -> None:
    data = loaded[source]
    about = data.feedback.select(pl.concat_list("interaction_id", "other_interaction_id").explode().drop_nulls())
    assert set(about.to_series()) <= set(data.interactions["interaction_id"])
    assert data.feedback["interaction_id"].null_count() == 0


def test_ifllm_turns_and_sessions(loaded: dict[str, Loaded]) -> None:
    data = loaded["ifllm"]
    second = [record for record in data.records if record["llm_response_2"]]
    assert data.interactions.height == len(data.records) + len(second) == 1438
    assert reasons(data) == {}
    sessions = {f"{USERS.of(str(record['user_id']))}/{record['task_id']}" for record in data.records}
    assert set(data.interactions["session_id"]) == sessions
    assert len(sessions) == 282
    by_id = {row["interaction_id"]: row for row in data.interactions.iter_rows(named=True)}
    for record in data.records:
        row = by_id[f"ifllm-{record['query_ID']}-1"]
        assert (row["response"], row["model_version"]) == (record["llm_response_1"], record["llm_name_1"])
        assert row["observed_at"] == datetime.fromisoformat(record["query_timestamp"] + "+00:00")
    for record in second:
        row = by_id[f"ifllm-{record['query_ID']}-2"]
        assert (row["response"], row["model_version"]) == (record["llm_response_2"], record["llm_name_2"])


def test_ifllm_prompts_are_what_the_site_sent(loaded: dict[str, Loaded]) -> None:
    data = loaded["ifllm"]
    asked = dict(data.interactions.select("interaction_id", "prompt_messages").iter_rows())
    for record in data.records:
        sent = record["user_query"] + (" respond using bullet points" if record["adjustment"] == "1" else "")
        assert asked[f"ifllm-{record['query_ID']}-1"] == [{"role": "user", "content": sent}]
    assert sum(messages[0]["content"].endswith(" respond using bullet points") for messages in asked.values()) == sum(
        1 + bool(record["llm_response_2"]) for record in data.records if record["adjustment"] == "1"
    )


def test_ifllm_answers_that_are_errors_of_the_product_are_kept(loaded: dict[str, Loaded]) -> None:
    data = loaded["ifllm"]
    shown = [record[field] for record in data.records for field in ("llm_response_1", "llm_response_2")]
    errors = data.interactions.filter(pl.col("response").str.starts_with("AI Error."))
    assert errors.height == sum(answer.startswith("AI Error.") for answer in shown) == 11


def test_ifllm_ratings(loaded: dict[str, Loaded]) -> None:
    data = loaded["ifllm"]
    given = {
        f"ifllm-{record['query_ID']}-{n}": float(record[f"likert_{n}"])
        for record in data.records
        for n in (1, 2)
        if record[f"likert_{n}"]
    }
    ratings = data.of_kind("rating")
    assert dict(ratings.select("interaction_id", "rating").iter_rows()) == given
    assert len(given) == ratings.height == 1385
    assert ratings.select("rating_min", "rating_max").unique().rows() == [(1.0, 5.0)]


def test_ifllm_choices_between_two_answers_are_preferences_and_other_comparisons_are_not(
    loaded: dict[str, Loaded],
) -> None:
    data = loaded["ifllm"]
    chosen, compared = {}, {}
    for record in data.records:
        first, second = f"ifllm-{record['query_ID']}-1", f"ifllm-{record['query_ID']}-2"
        if record["preference"] and record["llm_response_2"]:
            better = {"1.0": first, "2.0": second}[record["preference"]]
            chosen[better] = second if better == first else first
        elif record["preference"]:
            compared[first] = record["preference"]
    preferences = data.of_kind("preference")
    assert dict(preferences.select("interaction_id", "other_interaction_id").iter_rows()) == chosen
    assert len(chosen) == preferences.height == 439
    labels = {"1.0": "better_than_previous_turn", "0.0": "not_better_than_previous_turn"}
    surveys = data.of_kind("survey")
    assert dict(surveys.select("interaction_id", "label").iter_rows()) == {k: labels[v] for k, v in compared.items()}
    assert len(compared) == surveys.height == 366
    assert data.feedback.height == 1385 + 439 + 366


def test_ifllm_tasks_copies_and_comments_name_their_session(loaded: dict[str, Loaded]) -> None:
    data = loaded["ifllm_tasks"]
    for kind, field, count in (("copy", "copy_sentence", 293), ("comment", "feedback", 45)):
        said = {f"{USERS.of(str(r['user_id']))}/{r['task_id']}": r[field] for r in data.records if r[field].strip()}
        assert dict(data.of_kind(kind).select("session_id", "text").iter_rows()) == said
        assert data.of_kind(kind).height == count
    assert data.interactions.is_empty()
    # Some finished tasks are of sessions that the other file of the export does not have.
    assert len(set(data.feedback["session_id"]) & set(loaded["ifllm"].interactions["session_id"])) == 277


def test_ifllm_tasks_without_anything_usable_are_rejected(loaded: dict[str, Loaded]) -> None:
    data = loaded["ifllm_tasks"]
    empty = sum(not record["copy_sentence"].strip() and not record["feedback"].strip() for record in data.records)
    assert reasons(data) == {"nothing to take: nothing usable at copy_sentence, feedback": empty}
    assert empty == 368


def test_realhumaneval_turns_sessions_and_copies(loaded: dict[str, Loaded]) -> None:
    data = loaded["realhumaneval"]
    asked = [record for record in data.records if record["messages"]]
    assert data.interactions.height == len(asked) == 588
    assert reasons(data) == {"prompt_messages: no messages at `messages`": 1}
    sessions = {f"{USERS.of(str(record['programmer_id']))}/{record['task_name']}" for record in asked}
    assert set(data.interactions["session_id"]) == sessions
    rows = {row["interaction_id"]: row for row in data.interactions.iter_rows(named=True)}
    start = datetime.fromisoformat("2026-01-19T09:00:00Z")
    for record in asked:
        row = rows[f"realhumaneval-{record['row']}"]
        assert (row["response"], row["model_version"]) == (record["response"], record["model"])
        assert row["turn"] == sum(message["role"] == "user" for message in record["messages"]) - 1
        assert (row["observed_at"] - start).total_seconds() == pytest.approx(record["timestamp"], abs=1e-6)
    copied = Counter(
        (f"realhumaneval-{record['row']}", event["type"], event["copied"])
        for record in asked
        for event in record["copy_events"]
    )
    assert Counter(data.of_kind("copy").select("interaction_id", "label", "text").iter_rows()) == copied
    assert copied.total() == data.feedback.height == 314


def test_realhumaneval_histories_of_broken_alternation_are_kept_as_they_are(loaded: dict[str, Loaded]) -> None:
    data = loaded["realhumaneval"]
    kept = dict(data.interactions.select("interaction_id", "prompt_messages").iter_rows())
    broken = [
        record
        for record in data.records
        if any(before["role"] == after["role"] for before, after in pairwise(record["messages"]))
    ]
    assert len(broken) == 46
    for record in broken:
        assert kept[f"realhumaneval-{record['row']}"] == record["messages"]


def answers_of(data: Loaded) -> dict[str, str]:
    """From a first answer, different for each question, to the id of the question."""
    first = data.interactions.filter(pl.col("interaction_id").str.ends_with("-1"))
    return dict(first.select("response", pl.col("interaction_id").str.head(-2)).iter_rows())


def test_qa_feedback_answers(loaded: dict[str, Loaded]) -> None:
    data = loaded["qa_feedback"]
    assert data.interactions.height == 4 * len(data.records) == 1020
    assert reasons(data) == {}
    ids = answers_of(data)
    rows = {row["interaction_id"]: row for row in data.interactions.iter_rows(named=True)}
    for record in data.records:
        for n in (1, 2, 3, 4):
            row = rows[f"{ids[record['prediction 1']]}-{n}"]
            assert row["response"] == record[f"prediction {n}"]
            assert row["prompt_messages"] == [{"role": "user", "content": record["question"]}]
            assert row["session_id"] == ids[record["prediction 1"]]


def test_qa_feedback_error_spans_with_category_and_offsets(loaded: dict[str, Loaded]) -> None:
    data = loaded["qa_feedback"]
    ids = answers_of(data)
    categories = {
        "Irrelevant": "irrelevant",
        "Redundant": "redundant",
        "Unverifiable": "factually_incorrect",
        "Wrong-Grounding": "factually_incorrect",
        "Incoherent": "other",
    }
    marked = Counter(
        (
            f"{ids[record['prediction 1']]}-1",
            error["error type"],
            categories[error["error type"]],
            error["start"],
            error["end"],
            record["prediction 1"][error["start"] : error["end"]],
        )
        for record in data.records
        for error in record["feedback"]["errors"]
    )
    columns = ("interaction_id", "label", "category", "range_start", "range_end", "text")
    assert Counter(data.of_kind("highlight").select(columns).iter_rows()) == marked
    assert marked.total() == 709


def test_qa_feedback_missing_information_and_edits(loaded: dict[str, Loaded]) -> None:
    data = loaded["qa_feedback"]
    ids = answers_of(data)
    missing = Counter(
        (f"{ids[record['prediction 1']]}-1", lack["error type"], "incomplete")
        for record in data.records
        for lack in record["feedback"]["missing-info"]
    )
    assert Counter(data.of_kind("reason").select("interaction_id", "label", "category").iter_rows()) == missing
    assert missing.total() == 424
    edited = {
        f"{ids[record['prediction 1']]}-1": record["feedback"]["corrected-prediction"]
        for record in data.records
        if record["feedback"]["corrected-prediction"] not in ("", record["prediction 1"])
    }
    edits = data.of_kind("inline_edit")
    assert dict(edits.select("interaction_id", "proposed_text").iter_rows()) == edited
    assert len(edited) == edits.height == 248
    assert edits["range_start"].null_count() == edits.height


def test_qa_feedback_preferences_and_ties(loaded: dict[str, Loaded]) -> None:
    data = loaded["qa_feedback"]
    ids = answers_of(data)
    pairs = [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)]
    compared = Counter[tuple[str, str, str | None]]()
    for record in data.records:
        for (first, second), choice in zip(pairs, record["preference"], strict=True):
            one, two = (f"{ids[record['prediction 1']]}-{n}" for n in (first, second))
            compared[{0: (one, two, "tie"), 1: (one, two, None), 2: (two, one, None)}[choice]] += 1
    columns = ("interaction_id", "other_interaction_id", "label")
    assert Counter(data.of_kind("preference").select(columns).iter_rows()) == compared
    assert compared.total() == 1530
    assert sum(label == "tie" for _, _, label in compared.elements()) == 213


def messages_of(records: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Every message with its tree and the messages above it."""

    def below(
        tree: str, message: dict[str, Any], above: list[dict[str, Any]]
    ) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
        yield tree, message, above
        for reply in message["replies"]:
            yield from below(tree, reply, [*above, message])

    for record in records:
        yield from below(record["message_tree_id"], record["prompt"], [])


def test_oasst_every_assistant_message_answers_the_path_above_it(loaded: dict[str, Loaded]) -> None:
    data = loaded["oasst_en100"]
    roles = {"prompter": "user", "assistant": "assistant"}
    rows = {row["interaction_id"]: row for row in data.interactions.iter_rows(named=True)}
    answers = [found for found in messages_of(data.records) if found[1]["role"] == "assistant"]
    assert len(answers) == len(rows) == 443
    assert reasons(data) == {}
    for tree, message, above in answers:
        row = rows[message["message_id"]]
        assert (row["session_id"], row["response"]) == (tree, message["text"])
        assert row["prompt_messages"] == [{"role": roles[m["role"]], "content": m["text"]} for m in above]
        assert row["turn"] == (len(above) - 1) // 2
        assert row["model_version"] == message.get("model_name", "unknown")


def test_oasst_reactions_are_thumbs(loaded: dict[str, Loaded]) -> None:
    data = loaded["oasst_en100"]
    reactions = Counter[tuple[str, str]]()
    for _, message, _ in messages_of(data.records):
        if message["role"] == "assistant":
            for emoji, label in (("+1", "up"), ("-1", "down")):
                reactions[message["message_id"], label] += message.get("emojis", {}).get(emoji, 0)
    thumbs = data.of_kind("thumb")
    assert Counter(thumbs.select("interaction_id", "label").iter_rows()) == +reactions
    assert Counter(thumbs["label"]) == {"up": 518, "down": 254}


def test_oasst_neighbouring_ranks_are_preferences_for_the_lower(loaded: dict[str, Loaded]) -> None:
    data = loaded["oasst_en100"]
    neighbours = set()
    for _, message, _ in messages_of(data.records):
        ranked = {reply["rank"]: reply["message_id"] for reply in message["replies"] if reply.get("rank") is not None}
        if message["role"] == "prompter":
            neighbours |= {(ranked[rank], ranked[rank + 1]) for rank in ranked if rank + 1 in ranked}
    preferences = data.of_kind("preference").select("interaction_id", "other_interaction_id").rows()
    assert set(preferences) == neighbours
    assert len(preferences) == len(neighbours) == 273
