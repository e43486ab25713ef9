from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.evidence.calibrated import calibrated
from feedback_pipeline.evidence.calibration import ENOUGH_LABELS, ENOUGH_USERS, calibrate, calibration_of
from feedback_pipeline.evidence.labels import Labelled, people_said
from feedback_pipeline.evidence.reliability_plot import reliability_plot
from feedback_pipeline.evidence.score_mapping import fit_mapping
from feedback_pipeline.schemas import EVIDENCE
from feedback_pipeline.warehouse import Warehouse

DAY = date(2026, 1, 5)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DETECTOR = {"extractor": "session_rephrase", "kind": "rephrase", "extractor_version": "3"}


def detector_with(right, scores=None, users=30) -> Labelled:
    """A detector's labels, spread evenly over users."""
    n = len(right)
    labels = pl.DataFrame(
        {
            "evidence_id": [f"e{number:06}" for number in range(n)],
            "user_id": [f"u{number % users}" for number in range(n)],
            "score": pl.Series(scores, dtype=pl.Float64)
            if scores is not None
            else pl.Series([None] * n, dtype=pl.Float64),
            "right": pl.Series(right, dtype=pl.Boolean),
            "observed_at": [NOON + timedelta(seconds=number) for number in range(n)],
        }
    ).with_columns(**{name: pl.lit(value) for name, value in DETECTOR.items()})
    return Labelled(pl.DataFrame([DETECTOR | {"signals": n}]), labels)


def only_row(given_labels: Labelled) -> dict:
    return calibrate(given_labels, DAY).row(0, named=True)


def drawn(n, true_probability, seed=0):
    """Scores, and labels whose chance to be right is a function of them."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0, 1, n)
    return scores, rng.uniform(0, 1, n) < true_probability(scores)


def evidence(*rows: dict) -> pl.DataFrame:
    usual = {"polarity": -1, "confidence": 0.7, "explicit": False} | DETECTOR
    return EVIDENCE.conform(pl.DataFrame([usual | row for row in rows]))


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_the_probability_is_the_share_that_is_right_at_that_score(method):
    scores, right = drawn(20_000, lambda s: 1 / (1 + np.exp(1 - 1.2 * np.log(s / (1 - s)))))

    mapping = fit_mapping(method, scores, right)

    for score in (0.2, 0.5, 0.8):
        near = abs(scores - score) < 0.03
        assert mapping(np.array([score]))[0] == pytest.approx(right[near].mean(), abs=0.05)


labels = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=5, max_size=60)


@given(labels, st.sampled_from(["isotonic", "platt"]))
def test_a_higher_score_never_means_a_lower_probability_and_none_is_certain(labels, method):
    scores, right = (np.array(column) for column in zip(*labels, strict=True))

    found = fit_mapping(method, scores, right)(np.linspace(0, 1, 101))

    assert (np.diff(found) >= -1e-12).all()
    assert ((found > 0) & (found < 1)).all()


def test_few_labels_leave_a_detector_at_its_prior_and_out_of_training():
    row = only_row(detector_with([True] * (ENOUGH_LABELS - 1)))

    assert (row["method"], row["mapping"], row["trains"]) == ("prior", [], False)
    assert row["lower"] > row["floor"]


def test_many_labels_of_few_users_prove_nothing():
    row = only_row(detector_with([True] * 500, users=ENOUGH_USERS - 1))

    assert (row["method"], row["trains"]) == ("prior", False)


def test_a_detector_without_labels_is_listed():
    row = only_row(detector_with([]))

    assert (row["labels"], row["precision"], row["trains"]) == (0, None, False)


@pytest.mark.parametrize(("n_right", "trains"), [(95, True), (85, False), (40, False)])
def test_only_a_lower_bound_at_the_floor_trains(n_right, trains):
    row = only_row(detector_with([True] * n_right + [False] * (100 - n_right)))

    assert row["precision"] == n_right / 100
    assert row["lower"] < row["precision"] < row["upper"]
    assert row["trains"] is trains


def test_a_score_that_says_nothing_gives_one_probability():
    row = only_row(detector_with([True] * 90 + [False] * 30))

    assert row["method"] == "rate"
    assert row["mapping"] == [{"score": 1.0, "probability": pytest.approx(91 / 122)}]


@pytest.mark.parametrize(("n", "method"), [(300, "platt"), (3000, "isotonic")])
def test_quality_is_told_of_users_the_mapping_was_not_fitted_on(n, method):
    scores, right = drawn(n, lambda s: 0.2 + 0.7 * s)

    row = only_row(detector_with(right, scores))

    base = right.mean()
    assert row["method"] == method
    assert row["brier"] < base * (1 - base)
    assert row["calibration_error"] < 0.1
    assert sum(each["labels"] for each in row["reliability"]) == n


def test_the_order_of_labels_changes_nothing():
    scores, right = drawn(1200, lambda s: s)
    given_labels = detector_with(right, scores)
    shuffled = Labelled(given_labels.detectors, given_labels.labels.sample(fraction=1, shuffle=True, seed=3))

    assert calibrate(given_labels, DAY).equals(calibrate(shuffled, DAY))


def test_evidence_has_the_confidence_its_detector_has_earned():
    calibration = calibrate(detector_with([True] * 97 + [False] * 3), DAY)

    found = calibrated(evidence({}, {"extractor_version": "4"}, {"explicit": True}), calibration)

    assert found["confidence"].to_list() == pytest.approx([98 / 102, 0.7, 0.7])
    assert found["trusted"].to_list() == [True, False, True]


def test_where_the_answer_is_unsure_so_is_the_confidence():
    calibration = calibrate(detector_with([True] * 97 + [False] * 3), DAY)

    found = calibrated(evidence({"join_confidence": 0.5}), calibration)

    assert found["confidence"].item() == pytest.approx(0.5 + (98 / 102 - 0.5) / 2)


def test_a_reliability_diagram_is_drawn_of_calibrated_detectors_only():
    assert reliability_plot(calibrate(detector_with([True] * 5), DAY)) is None
    assert reliability_plot(calibrate(detector_with([True] * 100), DAY)).startswith(b"\x89PNG")


def statements(*rows: dict) -> pl.DataFrame:
    usual = {"interaction_id": "i", "user_id": "u", "kind": "thumb", "polarity": 1, "user_role": "customer"}
    return pl.DataFrame(
        [
            usual | {"evidence_id": f"e{n}", "observed_at": NOON + timedelta(minutes=n)} | row
            for n, row in enumerate(rows)
        ]
    )


@pytest.mark.parametrize(
    ("said", "satisfied"),
    [
        ([{}], [True]),
        ([{}, {"polarity": -1}], [False]),
        ([{}, {"polarity": -1, "user_id": "v"}], []),
        ([{}, {"kind": "correction", "polarity": -1}, {"kind": "rating"}], [False]),
        ([{}, {"user_id": "v"}, {"polarity": -1, "user_id": "w", "user_role": "reviewer"}], [False]),
    ],
    ids=["a thumb", "the last thumb counts", "a tie is no label", "who corrects is not satisfied", "reviewers outrank"],
)
def test_a_label_is_what_people_decided(said, satisfied):
    assert people_said(statements(*said))["satisfied"].to_list() == satisfied


@pytest.fixture
def warehouse(tmp_path):
    """60 answers asked about again on the first day; their thumbs, mostly down, arrive on the second."""
    made = Warehouse(tmp_path / "warehouse.duckdb")
    signals = [
        {"evidence_id": f"s{n}", "interaction_id": f"i{n}", "user_id": f"u{n % 20}", "observed_at": NOON, "score": 0.9}
        for n in range(60)
    ]
    thumbs = [
        {
            "evidence_id": f"t{n}",
            "interaction_id": f"i{n}",
            "user_id": f"u{n % 20}",
            "observed_at": NOON,
            "kind": "thumb",
            "polarity": 1 if n < 3 else -1,
            "explicit": True,
            "extractor": "feedback_event",
            "joined_by": "interaction",
            "join_confidence": 1.0,
            "trigger_id": f"t{n}",
        }
        for n in range(60)
    ]
    made.replace_partition(EVIDENCE, DAY, evidence(*signals).with_columns(arrival_day=pl.lit(DAY)))
    made.replace_partition(
        EVIDENCE, DAY + timedelta(days=1), evidence(*thumbs).with_columns(arrival_day=pl.lit(DAY + timedelta(days=1)))
    )
    return made


def test_labels_count_from_their_arrival(warehouse):
    before, after = (calibration_of(warehouse, DAY + timedelta(days=n)).row(0, named=True) for n in (0, 1))

    assert (before["signals"], before["labels"], before["method"]) == (60, 0, "prior")
    assert (after["signals"], after["labels"], after["n_right"], after["trains"]) == (60, 60, 57, True)


def test_a_withdrawn_thumb_labels_nothing_any_more(warehouse):
    day = DAY + timedelta(days=2)
    gone = warehouse.partitions(EVIDENCE, [DAY + timedelta(days=1)]).with_columns(
        arrival_day=pl.lit(day), withdrawn=pl.lit(True)
    )
    warehouse.replace_partition(EVIDENCE, day, gone)

    assert calibration_of(warehouse, day)["labels"].to_list() == [0]


def test_what_a_reviewer_says_outranks_the_user(warehouse):
    day = DAY + timedelta(days=2)
    thumbs = warehouse.partitions(EVIDENCE, [DAY + timedelta(days=1)]).head(20)
    reviews = thumbs.with_columns(
        arrival_day=pl.lit(day), evidence_id="r" + pl.col("evidence_id"), trigger_id="r" + pl.col("trigger_id")
    ).with_columns(user_id=pl.lit("rita"), user_role=pl.lit("reviewer"), polarity=pl.lit(1, pl.Int8))
    warehouse.replace_partition(EVIDENCE, day, reviews)

    assert calibration_of(warehouse, day)["n_right"].item() <= 40


def test_what_left_the_window_no_longer_counts(warehouse):
    assert calibration_of(warehouse, DAY + timedelta(days=40)).is_empty()
