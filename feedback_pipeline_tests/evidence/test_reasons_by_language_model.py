"""A language model as reader of reasons, asked over HTTP: what leaves, what counts, and what happens otherwise."""

from dataclasses import replace

import pytest
from chat_endpoint import chat_endpoint

from feedback_pipeline.evidence.reasons.classifier import Classifier
from feedback_pipeline.evidence.reasons.language_model import LanguageModelReader
from feedback_pipeline.settings import RemoteModel, Settings

FORMATTING = {"complains": True, "reason": "formatting"}


class NeverLoaded:
    """An encoder for remarks that a rule is certain of."""

    version = "none"

    def encode(self, texts):
        raise AssertionError(f"encoded {texts}")


@pytest.fixture
def reader(tmp_path):
    """A reader of an endpoint's model; what that does not read is left to the rules."""

    def build(endpoint, **bounds):
        model = RemoteModel("judge", base_url=endpoint.url, key="secret", timeout_seconds=0.5)
        fallback = Classifier(NeverLoaded(), tmp_path / "models")
        return LanguageModelReader(replace(model, **bounds), tmp_path / "answers.sqlite", fallback)

    return build


def test_its_answer_becomes_the_reading(reader):
    with chat_endpoint(lambda remark: FORMATTING if "table" in remark else {"complains": False, "reason": None}) as it:
        wrong, fine = reader(it).read(["the table is unreadable", "fine by me"])

    assert (wrong.reason, fine.reason) == ("formatting", None)
    assert wrong.against > 0.8
    assert fine.against < 0.2
    assert wrong.extractor.startswith("reason_model judge ")
    assert it.keys == ["Bearer secret"] * 2
    assert it.received[0]["response_format"]["json_schema"]["strict"]


def test_personal_data_does_not_leave(reader):
    with chat_endpoint(lambda _: FORMATTING) as it:
        reader(it).read(["write to ada@lovelace.org about the table"])

    assert it.remarks == ["write to <EMAIL_1> about the table"]


def test_what_was_answered_once_is_not_asked_again(reader):
    with chat_endpoint(lambda _: FORMATTING) as it:
        first = reader(it).read(["odd table", "odd table"])
        again = reader(it).read(["odd table"])

    assert it.remarks == ["odd table"]
    assert first == again * 2


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("not JSON", "malformed answer"),
        ({"complains": True, "reason": "bad_vibes"}, "malformed answer"),
        ({"complains": True}, "malformed answer"),
        (500, "status 500"),
        (1.0, "timeout"),
    ],
)
def test_what_it_fails_to_read_the_classifier_reads_and_says_why(reader, said, why):
    with chat_endpoint(lambda _: said) as it:
        (reading,) = reader(it).read(["It refused to answer"])

    assert reading.reason == "unwarranted_refusal"
    assert reading.extractor == f"reason_rules 1, instead of judge: {why}"


def test_a_failure_is_not_remembered_as_an_answer(reader):
    with chat_endpoint(lambda _: 500) as it:
        reader(it).read(["It refused to answer"])
    with chat_endpoint(lambda _: FORMATTING) as it:
        (reading,) = reader(it).read(["It refused to answer"])

    assert reading.reason == "formatting"


def test_an_endpoint_that_is_not_there_is_asked_no_more_than_a_few_times(reader):
    with chat_endpoint(lambda _: FORMATTING) as it:
        pass
    readings = reader(it).read([f"It refused to answer {number}" for number in range(40)])

    assert {reading.reason for reading in readings} == {"unwarranted_refusal"}
    assert sum(reading.extractor.endswith("keeps failing") for reading in readings) > 20


@pytest.mark.parametrize("bounds", [{"requests": 3}, {"tokens": 100}])
def test_a_spent_budget_leaves_the_rest_to_the_classifier(reader, bounds):
    remarks = [f"It refused to answer {number}" for number in range(30)]
    with chat_endpoint(lambda _: FORMATTING) as it:
        readings = reader(it, **bounds).read(remarks)

    spent = [reading for reading in readings if reading.extractor.endswith("judge: budget spent")]
    assert len(spent) == len(remarks) - len(it.remarks)
    assert len(it.remarks) <= 12
    assert {reading.reason for reading in spent} == {"unwarranted_refusal"}


def test_the_environment_says_which_model_and_what_it_may_cost(monkeypatch):
    assert Settings.from_environment().reason_model is None
    for name, value in {"MODEL": "m", "BASE_URL": "http://here/v1", "KEY": "k", "REQUESTS": "7"}.items():
        monkeypatch.setenv(f"FEEDBACK_REASON_{name}", value)

    model = Settings.from_environment().reason_model

    assert model == RemoteModel("m", "http://here/v1", "k", requests=7)
    assert "'k'" not in repr(model)
