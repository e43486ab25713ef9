"""Reasons from words: what is read, what becomes of it, and what it may not do."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
import yaml

from feedback_pipeline.evidence.changes import changes
from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.evidence.overtaken import overtaken_by
from feedback_pipeline.evidence.reasons import fitting
from feedback_pipeline.evidence.reasons.account import reasons_read
from feedback_pipeline.evidence.reasons.classifier import Classifier
from feedback_pipeline.evidence.reasons.prompt import MEANINGS, Answer
from feedback_pipeline.evidence.reasons.reading import Reading
from feedback_pipeline.evidence.reasons.reading_evidence import unread, with_reasons
from feedback_pipeline.evidence.reasons.rules import certain_reason
from feedback_pipeline.evidence.reasons.sentences import sentences
from feedback_pipeline.evidence.reasons.training_texts import NONE, UNSPECIFIED, training_texts
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS, INTERACTIONS, REASONS, VERDICTS
from feedback_pipeline.settings import EMBEDDED_ENCODER, PROJECT_ROOT, Settings
from feedback_pipeline.warehouse import Warehouse


class Lookup:
    """A reader that knows some texts, and remembers what it was asked."""

    def __init__(self, **against: tuple[str | None, float]) -> None:
        self.known = {text.replace("_", " "): found for text, found in against.items()}
        self.asked: list[list[str]] = []

    def read(self, texts):
        self.asked.append(list(texts))
        return [Reading(*self.known.get(text, (None, 0.3)), "lookup 1") for text in texts]


LOOKUP = {"too_long": ("redundant", 0.9), "bad": (None, 0.9), "a_bit_long": ("redundant", 0.7)}


@pytest.fixture
def read(tmp_path, interactions, feedback, day):
    """The evidence that events give with `Lookup` as reader, and the warehouse it is stored in."""

    def build(*events, reader=None, turns=({},)):
        warehouse = Warehouse(tmp_path / "warehouse.duckdb")
        warehouse.replace_partition(INTERACTIONS, day, interactions(*turns))
        warehouse.replace_partition(FEEDBACK_EVENTS, day, feedback(*events))
        rows = evidence_of(warehouse, day, reader or Lookup(**LOOKUP))
        warehouse.replace_partition(EVIDENCE, day, rows)
        warehouse.replace_partition(VERDICTS, day, verdicts_of(warehouse, day))
        return rows, warehouse

    return build


FOUND = ("polarity", "confidence", "reason", "reason_extractor", "trusted")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("too long", (-1, 0.9, "redundant", "lookup 1", False)),
        ("bad", (-1, 0.9, None, "lookup 1", False)),
        ("a bit long", (0, 0.5, None, "lookup 1", True)),
        ("who wrote it", (0, 0.5, None, "lookup 1", True)),
        (":-)", (0, 0.5, None, None, True)),
    ],
)
def test_a_comment_speaks_against_the_answer_where_it_surely_reads_so(read, text, found):
    rows, _ = read({"kind": "comment", "text": text})

    assert rows.select(FOUND).row(0) == found


def test_what_a_person_said_outright_keeps_its_polarity_and_gets_the_reason(read):
    rows, _ = read({"kind": "thumb", "label": "down", "text": "a bit long"})

    assert rows.select(FOUND).row(0) == (-1, 0.92, "redundant", "lookup 1", True)


def test_neither_praise_nor_a_logged_reason_nor_copied_words_are_read(read):
    reader = Lookup()
    rows, _ = read(
        {"kind": "thumb", "label": "up", "text": "great"},
        {"kind": "reason", "category": "incomplete", "text": "half of it"},
        {"kind": "copy", "text": "answer 0"},
        reader=reader,
    )

    assert reader.asked == []
    assert rows["reason"].to_list() == [None, "incomplete", None]


def test_a_followup_is_read_by_its_opening_and_each_text_once(read):
    question = "That is wrong, it is 30 days.\n```\ncode\n```"
    reader = Lookup(**{"that is wrong, it is 30 days.": ("factually_incorrect", 0.95)})
    rows, _ = read(
        {"kind": "comment", "text": "too long"},
        {"kind": "comment", "text": "too long", "user_id": "v"},
        reader=reader,
        turns=({}, {"question": question}),
    )

    followup = rows.filter(kind="complaint_followup")
    assert sorted(reader.asked[0]) == ["that is wrong, it is 30 days.", "too long"]
    assert followup.select("reason", "reason_extractor").row(0) == ("factually_incorrect", "lookup 1")


def test_a_read_comment_moves_the_verdict_and_brings_nothing_to_training(read, day):
    _, warehouse = read({"kind": "comment", "text": "too long"})

    verdict = warehouse.partitions(VERDICTS, [day]).row(0, named=True)
    assert verdict["dominant_reason"] == "redundant"
    assert verdict["p_satisfied"] == pytest.approx(0.1)
    assert (verdict["p_trusted"], verdict["n_trusted"]) == (0.5, 0)


def test_a_comment_that_may_mean_another_answer_is_less_sure(interactions, feedback, day, tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.replace_partition(INTERACTIONS, day, interactions({}))
    vague = {"kind": "comment", "text": "too long", "interaction_id": None, "join_window_hours": 24.0}
    warehouse.replace_partition(FEEDBACK_EVENTS, day, feedback(vague))

    (row,) = evidence_of(warehouse, day, Lookup(**LOOKUP)).rows(named=True)

    assert row["confidence"] == pytest.approx(0.5 + 0.4 * row["join_confidence"])
    assert row["confidence"] < 0.9


def test_reading_can_be_taken_back_and_a_withdrawn_comment_is_not_read(read, day):
    rows, warehouse = read({"kind": "comment", "text": "too long"}, {"kind": "thumb", "label": "down", "text": "bad"})

    assert unread(rows).equals(evidence_of(warehouse, day))
    gone = changes(unread(rows), unread(rows).head(0), day)
    assert with_reasons(gone, Lookup(**LOOKUP)).equals(gone)


def test_days_are_not_overtaken_because_somebody_read_them(read, day, interactions):
    rows, warehouse = read({"kind": "comment", "text": "too long"})
    before = day - timedelta(days=1)
    late = {"arrival_day": before, "interaction_id": "late", "turn": 9}
    warehouse.replace_partition(INTERACTIONS, before, interactions(late))

    assert overtaken_by(warehouse, [before]) == []
    warehouse.replace_partition(EVIDENCE, day, rows.with_columns(polarity=pl.lit(1, pl.Int8), reason_extractor=None))
    assert overtaken_by(warehouse, [before]) == [day]


def test_who_read_what_is_counted_by_text(read, day):
    _, warehouse = read(
        {"kind": "comment", "text": "too long"},
        {"kind": "comment", "text": "who wrote it", "user_id": "v"},
        {"kind": "reason", "category": "incomplete"},
    )

    counted = reasons_read(warehouse, [day]).select("extractor", "texts", "with_reason", "fallback").rows()
    assert counted == [("lookup 1", 2, 1, False), ("whoever logged it", 1, 1, False)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("It refused to answer.", "unwarranted_refusal"),
        ("Way too wordy", "redundant"),
        ("It isn’t too formal", None),
        ("too vague and it repeats itself", None),
        ("Is it too vague?", None),
        ("fine", None),
    ],
)
def test_a_rule_answers_only_where_its_words_leave_no_doubt(text, reason):
    assert certain_reason(text) == reason


def test_sentences_part_at_contrasts_and_lose_nothing_but_space():
    parts = ["Thanks!", "It helped", "but the table", "is broken"]
    assert sentences("Thanks! It helped, but the table\nis broken") == parts
    assert sentences(":-)") == [":-)"]


def test_training_texts_know_every_reason_and_share_nothing_with_the_simulator():
    simulated = yaml.safe_load((PROJECT_ROOT / "feedback_pipeline/simulation/phrasings.yaml").read_text())
    said = {" ".join(text.lower().split()).strip(".!") for text in _strings(simulated)}
    texts = training_texts()

    assert {text.says for text in texts} == {*REASONS, UNSPECIFIED, NONE}
    assert not {text.text.lower().strip(".!") for text in texts} & said


def _strings(value):
    if isinstance(value, dict | list):
        return [text for each in (value.values() if isinstance(value, dict) else value) for text in _strings(each)]
    return [str(value)]


def test_a_language_model_is_asked_for_the_reasons_of_the_schema():
    assert tuple(MEANINGS) == REASONS
    for reason in REASONS:
        assert Answer(complains=True, reason=reason).reason == reason


REMARKS = {
    "You cover the first half and then simply stop, the remaining steps are absent": "incomplete",
    "Please cut it down, I do not want to read five pages": "redundant",
    "I wanted it in Spanish pesos terms, you have misunderstood what I am after": "misread_intent",
    "the boat was built in 1931 and not in 1913, so your date is wrong": "factually_incorrect",
    "its manner towards our clients is snobbish and impolite": "wrong_tone",
    "the screen of the app goes white whenever I tap on history": "product_issue",
}


def test_the_classifier_is_mostly_right_or_says_that_it_does_not_know():
    settings = Settings.from_environment()
    reader = Classifier(load_encoder(EMBEDDED_ENCODER), settings.models)
    read = [reading.reason for reading in reader.read(list(REMARKS))]
    (praise,) = reader.read(["Wonderful, this was a great help to me and my class"])

    right = sum(reason == known for reason, known in zip(read, REMARKS.values(), strict=True))
    assert right >= 3
    assert right >= 2 * sum(reason is not None for reason in read) / 3
    assert praise.against < 0.5
    assert reader.fitted.precision >= fitting.PRECISION
    assert reader.fitted.coverage > 0.3


class Lengths:
    """An encoder that knows how long a text is; counts its calls."""

    version = "1"
    calls = 0

    def encode(self, texts):
        self.calls += 1
        return np.array([[1, len(text) / 100] for text in texts], dtype=np.float32)


def test_the_classifier_is_fitted_once_and_the_same_way_every_time(tmp_path):
    few, encoder = tuple(text for text in training_texts() if text.language == "nl"), Lengths()
    first = fitting.fitted(few, encoder, tmp_path)
    again = fitting.fitted(few, encoder, tmp_path)

    assert encoder.calls == 1
    assert [file.name for file in tmp_path.iterdir()] == [f"reasons-{fitting.recipe(few, encoder)}.npz"]
    assert (again.threshold, again.precision) == (first.threshold, first.precision)
    assert fitting.fit(few, encoder).heads.says.weights.tolist() == first.heads.says.weights.tolist()
    assert fitting.recipe(few[1:], encoder) != fitting.recipe(few, encoder)
