import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from feedback_pipeline.evidence.nightly import evidence_of
from feedback_pipeline.evidence.rated_answers import rated_answers, rates_of
from feedback_pipeline.evidence.rates import dissatisfaction_rates
from feedback_pipeline.evidence.rates_plot import rates_plot
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import EVIDENCE
from feedback_pipeline.simulation import SimulationConfig, simulate
from feedback_pipeline.warehouse import Warehouse

DAY = date(2026, 1, 5)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two simulated days, of which answers are often vague or refused, and the truth about them."""
    folder = tmp_path_factory.mktemp("world")
    config = SimulationConfig(
        days=2,
        users=400,
        interactions_per_day=1500,
        refusals=0.2,
        vague_answers=0.2,
        malformed_lines=0,
        late_feedback=0.2,
    )
    simulate(config, folder / "raw", folder / "truth")
    warehouse = Warehouse(folder / "warehouse.duckdb")
    for number in range(2):
        store_day(warehouse, folder / "raw", DAY + timedelta(days=number), Pseudonyms(b"key"))
        rows = evidence_of(warehouse, DAY + timedelta(days=number))
        warehouse.replace_partition(EVIDENCE, DAY + timedelta(days=number), rows)
    told = [json.loads(line) for line in (folder / "truth" / "interactions.jsonl").read_text().splitlines()]
    truth = pl.DataFrame(
        {
            "interaction_id": [row["interaction_id"] for row in told],
            "good": [row["outcome"] in ("right", "small_talk") for row in told],
        }
    )
    return warehouse, truth


def giving(world, chance: pl.Expr, seed: int) -> pl.DataFrame:
    """The simulated answers, of which people honestly rate each with a chance of its own."""
    warehouse, truth = world
    answers = rated_answers(warehouse, DAY + timedelta(days=1)).join(truth, on="interaction_id", maintain_order="left")
    drawn = pl.Series(np.random.default_rng(seed).uniform(size=answers.height))
    return answers.with_columns(satisfied=pl.when(drawn < chance).then("good"))


LONG = pl.col("response_characters") > pl.col("response_characters").median()
UNEVEN = pl.when(LONG).then(0.6).otherwise(0.15)


@pytest.mark.parametrize("seed", range(5))
def test_where_long_answers_are_rated_more_the_corrected_rate_is_nearer_to_the_truth(world, seed):
    answers = giving(world, UNEVEN, seed)
    truth = 1 - answers["good"].mean()

    row = dissatisfaction_rates(answers, DAY).row(0, named=True)

    assert not row["raw_lower"] <= truth <= row["raw_upper"]
    assert abs(row["corrected"] - truth) < abs(row["raw"] - truth) / 2
    assert row["corrected_lower"] <= truth <= row["corrected_upper"]
    assert row["effective_n"] < row["rated"]


def test_where_everyone_is_as_likely_to_rate_there_is_nothing_to_correct(world):
    row = dissatisfaction_rates(giving(world, pl.lit(0.3), 0), DAY).row(0, named=True)

    assert row["corrected"] == pytest.approx(row["raw"], abs=0.02)


def test_few_ratings_are_shown_and_not_corrected(world):
    row = dissatisfaction_rates(giving(world, pl.lit(0.003), 0), DAY).row(0, named=True)

    assert 0 < row["rated"] < 30
    assert row["raw"] is not None
    assert row["corrected"] is None


def test_without_any_rating_there_is_no_rate(world):
    rates = dissatisfaction_rates(giving(world, pl.lit(0.0), 0), DAY)

    assert rates["raw"].null_count() == rates.height
    assert rates_plot(rates) is None


def test_a_day_without_answers_has_no_rows(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.replace_partition(EVIDENCE, DAY, EVIDENCE.empty())

    assert rates_of(warehouse, DAY).is_empty()


def test_every_dimension_adds_up_and_late_feedback_counts_from_its_arrival(world):
    warehouse, _ = world
    first, second = (rates_of(warehouse, DAY + timedelta(days=number)) for number in range(2))

    for rates in (first, second):
        sums = rates.group_by("dimension").agg(pl.col("interactions", "rated").sum())
        assert sums["interactions"].n_unique() == sums["rated"].n_unique() == 1
    rated = {row["as_of"]: row["rated"] for row in pl.concat([first, second]).filter(dimension="all").to_dicts()}
    now = rated_answers(warehouse, DAY + timedelta(days=1))
    of_first = now.join(rated_answers(warehouse, DAY), on="interaction_id", how="semi")
    assert of_first["satisfied"].count() > rated[DAY]
    assert rates_plot(second).startswith(b"\x89PNG")
    assert rates_of(warehouse, DAY).equals(first)
