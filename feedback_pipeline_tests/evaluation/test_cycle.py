"""The claim of the gate, tried on real adapters: knowing is promoted, style without knowledge is refused."""

from datetime import date

import polars as pl
import pytest
from invented_facts import examples, shuffled

from feedback_pipeline.evaluation.gate import GatePolicy, decide
from feedback_pipeline.evaluation.scores import score
from feedback_pipeline.evaluation.shared_weights import SharedWeights
from feedback_pipeline.evaluation.suites import general_suite, target_suite
from feedback_pipeline.training.base_model import resolve_base_model
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.training.model_version import ADAPTER_FILE, AdapterDamagedError, load_version, trained_version

pytestmark = pytest.mark.slow
CONFIG = TrainingConfig(max_steps=40)
POLICY = GatePolicy(resamples=2_000)
SFT = pl.col("format") == "sft"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def base(home):
    return resolve_base_model("smollm2-135m-instruct", home / "models")


@pytest.fixture(scope="module")
def train(home, base):
    def of(sft: pl.DataFrame, name: str, config: TrainingConfig = CONFIG):
        return trained_version(sft, name, name, base, home / "adapters", config, progress=lambda line: None)

    return of


@pytest.fixture(scope="module")
def trained(train):
    sft = examples(range(0, 50), 3, seed=1).filter(SFT)
    return {"honest": train(sft, "honest"), "shuffled": train(shuffled(sft, seed=2), "shuffled")}


@pytest.fixture(scope="module")
def scores(home, base, trained):
    weights = SharedWeights(base)
    suites = (target_suite(examples(range(100, 120), 2, seed=3), seed=7), general_suite())
    models = [weights.base_model(), *(weights.adapted(home / "adapters" / v.model_version) for v in trained.values())]
    return pl.concat([score(model, suite) for model in models for suite in suites])


def test_a_candidate_that_learned_the_facts_is_promoted(scores, trained, base):
    decision = decide(scores, trained["honest"].model_version, base.version, POLICY)

    assert decision.decision == "promoted", decision.reason


def test_a_candidate_trained_on_shuffled_answers_is_refused_though_every_answer_got_likelier(scores, trained, base):
    decision = decide(scores, trained["shuffled"].model_version, base.version, POLICY)

    likelihood = next(c for c in decision.comparisons if (c.suite, c.metric) == ("target", "nll"))
    assert likelihood.lower > 0
    assert decision.decision == "refused", decision.reason
    assert decision.deciding.metric == "choice_accuracy"


def test_an_adapter_says_how_it_can_be_made_again(home, trained):
    row = trained["honest"].row(date(2026, 1, 5), "adapters/x")

    assert row.null_count().sum_horizontal().item() == 0
    folder = home / "adapters" / trained["honest"].model_version
    assert {"adapter_config.json", "adapter_model.safetensors", "training.json"} <= {f.name for f in folder.iterdir()}


def test_the_same_data_and_seed_give_the_same_adapter_to_the_byte(train, trained):
    sft = examples(range(0, 4), 2, seed=1).filter(SFT)
    short = TrainingConfig(max_steps=2)

    one, other = train(sft, "one", short), train(sft.sample(fraction=1, shuffle=True, seed=3), "other", short)

    assert one.adapter_hash == other.adapter_hash


def test_what_was_trained_before_is_not_trained_again_and_a_damaged_adapter_is_noticed(home, train):
    sft = examples(range(0, 4), 2, seed=1).filter(SFT)
    version = train(sft, "one", TrainingConfig(max_steps=2))
    folder = home / "adapters" / version.model_version
    written = (folder / ADAPTER_FILE).stat().st_mtime_ns

    assert train(sft, "one", TrainingConfig(max_steps=2)) == version
    assert (folder / ADAPTER_FILE).stat().st_mtime_ns == written

    damaged = bytearray((folder / ADAPTER_FILE).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / ADAPTER_FILE).write_bytes(damaged)
    with pytest.raises(AdapterDamagedError):
        load_version(folder)
