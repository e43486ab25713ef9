"""Scores belong to weights, not to the id that they are filed under."""

import json

import polars as pl
import pytest
from invented_facts import MONDAY, examples
from safetensors.torch import load_file, save_file
from tiny_models import random_model

from feedback_pipeline.evaluation.exams import Exam, Examiner
from feedback_pipeline.evaluation.finite_scores import NotFiniteError
from feedback_pipeline.evaluation.scores import EVALUATOR, score
from feedback_pipeline.evaluation.suites import TARGET, target_suite
from feedback_pipeline.evaluation.unfinished_scores import UnfinishedScores
from feedback_pipeline.schemas import MODEL_VERSIONS, SCORES
from feedback_pipeline.training.adapter_files import ADAPTER_FILE
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.manifest import ArtifactDamagedError, file_sha256, seal
from feedback_pipeline.training.model_version import RECORD_FILE, load_version, trained_version
from feedback_pipeline.training.training_data import TrainingData
from feedback_pipeline.warehouse import Warehouse

EXAM = Exam(target_suite(examples(range(2), 1, seed=1), 7), EVALUATOR, score)


def _other_weights(folder, tell_record=True):
    """What another machine's training leaves under the same id: other weights, whole and sealed."""
    weights = load_file(folder / ADAPTER_FILE)
    save_file({name: each + 0.5 for name, each in weights.items()}, folder / ADAPTER_FILE, {"format": "pt"})
    if tell_record:
        record = json.loads((folder / RECORD_FILE).read_text())
        record["adapter_hash"] = file_sha256(folder / ADAPTER_FILE)
        (folder / RECORD_FILE).write_text(json.dumps(record))
    seal(folder)


@pytest.fixture
def tiny(base, tmp_path):
    return random_model(base, tmp_path / "tiny")


@pytest.fixture
def trained(tiny, tmp_path):
    """A registered adapter, its folder and the warehouse that knows it."""
    warehouse, adapters = Warehouse(tmp_path / "warehouse.duckdb"), tmp_path / "adapters"
    data = TrainingData(examples(range(9), 1, seed=2).filter(pl.col("format") == "sft"))
    version = trained_version(data, "d", "hash", tiny, adapters, TrainingConfig(max_steps=1, lora_r=2), lambda _: None)
    warehouse.replace_partition(MODEL_VERSIONS, MONDAY, version.row(MONDAY, f"adapters/{version.model_version}"))
    return adapters / version.model_version, warehouse


@pytest.fixture
def scores(trained, tiny, tmp_path):
    """The rows that one more cycle has of a version, and of how many cases it was asked."""
    folder, warehouse = trained

    def of(version=folder.name):
        told: list[str] = []
        unfinished = UnfinishedScores(tmp_path / "unfinished.parquet")
        rows = Examiner(warehouse, tiny, folder.parent, MONDAY, unfinished, told.append).scores(version, EXAM)
        unfinished.finish()
        warehouse.replace_partition(SCORES, MONDAY, rows)
        return rows, told

    return of


@pytest.mark.slow
def test_weights_trained_again_under_the_same_id_are_asked_anew_and_then_known(trained, scores):
    folder, warehouse = trained
    first, _ = scores()
    _other_weights(folder)
    retrained = load_version(folder).row(MONDAY, f"adapters/{folder.name}")
    warehouse.replace_partition(MODEL_VERSIONS, MONDAY, retrained)

    second, asked = scores()
    third, not_asked = scores()

    assert asked == [f"scoring {folder.name} on 4 of 4 {TARGET} cases"]
    assert not_asked == []
    assert third.equals(second.sort("example_id", "metric"))
    assert first["adapter_hash"].n_unique() == second["adapter_hash"].n_unique() == 1
    assert first["adapter_hash"][0] != second["adapter_hash"][0] == retrained["adapter_hash"].item()
    assert (first["value"] != second["value"]).any()


@pytest.mark.slow
def test_scores_of_an_adapter_from_before_its_weights_were_recorded_are_asked_anew_and_the_bases_are_not(
    trained, tiny, scores
):
    _, warehouse = trained
    for version, times in ((tiny.version, 0), (trained[0].name, 1)):
        scores(version)
        with warehouse.transaction() as connection:
            connection.execute("ALTER TABLE scores DROP COLUMN adapter_hash")

        assert len(scores(version)[1]) == times


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tell_record", "told"), [(True, "holds other weights than those registered"), (False, "is not what training.json")]
)
def test_a_folder_that_was_written_and_sealed_anew_is_not_scored(trained, scores, tell_record, told):
    _other_weights(trained[0], tell_record)

    with pytest.raises(ArtifactDamagedError, match=told):
        scores()


@pytest.mark.slow
def test_a_score_that_is_no_number_is_told_at_once_and_not_kept(trained, tiny, tmp_path):
    folder, warehouse = trained
    unfinished = UnfinishedScores(tmp_path / "unfinished.parquet")
    examiner = Examiner(warehouse, tiny, folder.parent, MONDAY, unfinished, lambda _: None)

    def broken(model, suite):
        return score(model, suite).with_columns(value=pl.lit(float("nan")))

    with pytest.raises(NotFiniteError, match=f"{folder.name} has nan as .* of the target case"):
        examiner.scores(folder.name, Exam(EXAM.suite, EVALUATOR, broken))

    assert unfinished.kept().is_empty()
