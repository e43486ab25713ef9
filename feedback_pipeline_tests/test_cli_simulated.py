"""`simulate` as people use it: week after week into one landing zone, answered by a model of the deployment."""

import gzip
import json

import pytest
from command_output import as_json

SMALL = ("--days", "2", "--interactions-per-day", "10", "--users", "5", "--questions", "1")


@pytest.fixture
def home(tmp_path, tiny_base, monkeypatch):
    monkeypatch.setenv("FEEDBACK_BASE_MODEL", str(tiny_base.folder))
    return tmp_path / "home"


def test_the_next_days_of_a_simulation_are_answered_by_the_model_that_is_deployed_then(run, home, tiny_base, tmp_path):
    world = str(tmp_path / "world")
    first = as_json(run, "simulate", world, *SMALL, "--days-until", "1")
    second = as_json(run, "simulate", world, *SMALL, "--days-from", "1", "--answers-by", "champion")

    lines = {
        day: gzip.decompress((tmp_path / "world/raw/assistant" / day / "part-000.jsonl.gz").read_bytes()).splitlines()
        for day in ("2026-01-05", "2026-01-06")
    }
    assert "answered_by" not in first
    # Before the first promotion that is the base.
    assert (second["answered_by"], second["asked"], second["right"]) == (tiny_base.version, 24, 0)
    assert f'"model":"{tiny_base.version}"'.encode() not in b"".join(lines["2026-01-05"])
    whole = [line for line in lines["2026-01-06"] if line.endswith(b"}}}")]
    assert whole
    assert {json.loads(line)["response"]["model"] for line in whole} == {tiny_base.version}

    code, _, error = run("simulate", world, *SMALL, "--days-from", "1")
    assert code == 1
    assert "go on with day 2" in error


def test_a_version_that_was_never_trained_cannot_answer(run, tmp_path):
    code, _, error = run("simulate", str(tmp_path / "world"), *SMALL, "--answers-by", "smollm2-135m-000000000000")

    assert code == 1
    assert "no adapter smollm2-135m-000000000000" in error
    assert not (tmp_path / "world").exists()
