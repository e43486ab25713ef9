"""What the pages of `evidence` and `evidence_calibration` show."""

from datetime import date, timedelta

import polars as pl
import pytest

from feedback_pipeline.evidence.evidence_plot import evidence_plot
from feedback_pipeline.evidence.precision_plot import precision_plot
from feedback_pipeline.evidence.shown import daily_of, detectors_shown, kinds_of
from feedback_pipeline.schemas import EVIDENCE, EVIDENCE_CALIBRATION
from feedback_pipeline.warehouse import Warehouse

DAY = date(2026, 1, 5)


def signal(day: date, name: str, kind: str, polarity: int, **more: object) -> dict:
    usual = {"confidence": 0.5, "explicit": kind == "thumb", "trusted": kind == "thumb", "withdrawn": False}
    about = {"arrival_day": day, "evidence_id": f"{day}{name}", "interaction_id": name}
    return usual | about | {"kind": kind, "polarity": polarity} | more


@pytest.fixture
def warehouse(tmp_path):
    made = Warehouse(tmp_path / "warehouse.duckdb")
    days = {
        DAY: [("a", "thumb", 1), ("b", "thumb", -1)],
        DAY + timedelta(days=1): [("a", "rephrase", -1), ("c", "thumb", -1), ("d", "thumb", 0)],
    }
    for day, signals in days.items():
        rows = [signal(day, *each) for each in signals]
        rows.append(signal(day, "gone", "thumb", -1, withdrawn=True))
        made.replace_partition(EVIDENCE, day, EVIDENCE.conform(pl.DataFrame(rows)))
    return made


def test_kinds_are_counted_over_all_days_of_a_run_without_what_was_withdrawn(warehouse):
    thumbs, rephrases = kinds_of(warehouse, [DAY, DAY + timedelta(days=1)]).rows(named=True)

    assert (thumbs["kind"], thumbs["what"], thumbs["signals"], thumbs["trusted"]) == ("thumb", "said", 4, 4)
    assert (thumbs["against"], thumbs["neither"], thumbs["speaks_for"]) == (2, 1, 1)
    assert (rephrases["kind"], rephrases["what"], rephrases["against"]) == ("rephrase", "behaviour", 1)


def test_days_are_counted_up_to_the_day_and_no_further_back_than_four_weeks(warehouse):
    assert daily_of(warehouse, DAY).rows() == [(DAY, 1, 1)]
    assert daily_of(warehouse, DAY + timedelta(days=28)).rows() == [(DAY + timedelta(days=1), 2, 0)]


def test_evidence_is_drawn_and_nothing_of_none(warehouse):
    picture = evidence_plot(kinds_of(warehouse, [DAY]), daily_of(warehouse, DAY))

    assert picture.startswith(b"\x89PNG")
    assert evidence_plot(kinds_of(warehouse, []), daily_of(warehouse, DAY)) is None


def calibration(*rows: dict) -> pl.DataFrame:
    return EVIDENCE_CALIBRATION.conform(pl.DataFrame(list(rows), schema_overrides={"precision": pl.Float64}))


def test_detectors_are_shown_with_their_interval_the_best_known_first():
    rows = calibration(
        {
            "kind": "rephrase",
            "labels": 3,
            "precision": 2 / 3,
            "lower": 0.2,
            "upper": 0.9,
            "floor": 0.8,
            "trains": False,
        },
        {"kind": "copy", "labels": 50, "precision": 0.96, "lower": 0.87, "upper": 0.99, "floor": 0.8, "trains": True},
    )

    assert detectors_shown(rows)["kind"].to_list() == ["copy", "rephrase"]
    assert detectors_shown(rows)["precision"].to_list() == ["0.96\u00a0[0.87,\u00a00.99]", "0.67\u00a0[0.2,\u00a00.9]"]
    assert precision_plot(rows).startswith(b"\x89PNG")


def test_nothing_is_drawn_of_detectors_without_labels():
    rows = calibration({"kind": "copy", "labels": 0, "precision": None, "floor": 0.8, "trains": False})

    assert precision_plot(rows) is None
