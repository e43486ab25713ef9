"""The registry's commands, on decisions that are there already."""

import dataclasses
import json
import sys
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from feedback_pipeline import cli
from feedback_pipeline.cli.app import console
from feedback_pipeline.evaluation.error_budget import ErrorBudget
from feedback_pipeline.evaluation.registry import record_decision
from feedback_pipeline.schemas import CHAMPION_WATCH, MODEL_VERSIONS, PROMOTIONS
from feedback_pipeline.training.adapter_files import ADAPTER_FILE
from feedback_pipeline.training.manifest import file_sha256, seal
from feedback_pipeline.training.model_version import MEASURED_FILE, RECORD_FILE, ModelVersion
from feedback_pipeline.warehouse import Warehouse

NOBODY = (
    "error: no model version, dataset version or example 'm-z', and nothing received is called 'm-z'; looked for it as "
    "event, file, interaction, feedback, user (by pseudonym: there is no user key)\n"
)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command on three decided weeks; gives exit code, output and errors."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    comparison = {
        "suite": "target",
        "metric": "nll",
        "estimate": 0.25,
        "lower": 0.1,
        "upper": 0.4,
        "n": 9,
        "clusters": 9,
    }
    for number, (name, decision) in enumerate([("a", "promoted"), ("b", "promoted"), ("c", "refused")]):
        row = {
            "week": date(2026, 1, 5) + timedelta(days=7 * number),
            "candidate": f"m-{name}",
            "reference": "m-a" if name == "b" else "base",
            "decision": decision,
            "reason": f"because of {name}",
            "dataset_version": "d",
            "parent_version": "m-a" if name == "c" else None,
            "suite_hash": "s",
            "comparisons": json.dumps([comparison]),
        }
        record_decision(warehouse, PROMOTIONS.conform(pl.DataFrame([row])), datetime.now(UTC), ErrorBudget())
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["feedback-pipeline", *words])
        monkeypatch.setattr(console, "width", 200)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return command


def test_the_history_tells_decisions_states_and_acts(run):
    assert run("rollback", "--why", "worse in production", "--by", "ada")[0] == 0

    found = json.loads(run("promotions", "--json")[1])

    assert {row["candidate"]: row["state"] for row in found["decisions"]} == {
        "m-a": "champion",
        "m-b": "barred",
        "m-c": "-",
    }
    assert [row["act"] for row in found["acts"]] == ["promoted", "promoted", "rolled_back"]
    out = run("promotions")[1]
    assert "rolled back m-b by ada: worse in production → champion m-a" in out


def test_explain_tells_why_a_version_was_refused_and_what_it_rests_on(run):
    run("hold", "m-a", "--why", "poisoned", "--by", "ada")

    found = json.loads(run("explain", "m-c", "--json")[1])

    assert found["decisions"][0]["comparisons"][0]["estimate"] == 0.25
    assert found["parents"] == ["m-a"]
    assert found["barred"].startswith("it continues from m-a: held by ada")
    out = run("explain", "m-c")[1]
    assert "REFUSED against base: because of c" in out
    assert "target nll +0.250 [+0.100, +0.400] (n=9, clusters=9)" in out


def test_explain_tells_what_users_say_of_a_version_in_production(run, tmp_path):
    row = {"day": date(2026, 2, 2), "model_version": "m-b", "predecessor": "m-a", "users": 300, "satisfied": 0.5}
    row |= {"satisfied_before": 0.8, "difference": -0.3, "lower": -0.4, "upper": -0.2, "dropped": True}
    watch = CHAMPION_WATCH.conform(pl.DataFrame([row]))
    Warehouse(tmp_path / "warehouse.duckdb").replace_partition(CHAMPION_WATCH, row["day"], watch)

    assert json.loads(run("explain", "m-b", "--json")[1])["watched"]["dropped"]
    assert "P(satisfied) 0.500, of m-a 0.800: -0.300 [-0.400, -0.200] (users=300)" in run("explain", "m-b")[1]


def test_an_act_says_who_is_champion_now_and_the_person_is_whoever_runs_it(run, monkeypatch):
    monkeypatch.setenv("LOGNAME", "grace")

    done = json.loads(run("hold", "m-b", "--why", "veto", "--json")[1])

    assert (done["champion_before"], done["champion"]) == ("m-b", "m-a")
    assert done["acts"][0]["acted_by"] == "grace"
    assert "m-b (it was m-a)" in run("release", "m-b", "--why", "looked at it")[1]
    assert json.loads(run("deploy", "m-b", "--as", "assistant-7", "--json")[1])["champion"] == "m-b"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("approve", "m-c", "--why", "x"), "error: m-c does not wait for approval\n"),
        (("explain", "m"), "error: several versions begin with 'm'\n"),
        (("rollback", "--to", "m-c", "--why", "x"), "error: m-c is not among those that can be champion: m-a, m-b\n"),
        (("hold", "m-z", "--why", "x"), NOBODY),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(run, words, error):
    assert run(*words) == (1, "", error)


def test_an_act_without_a_reason_is_not_done(run):
    assert run("hold", "m-b")[0] == 2


@pytest.fixture
def adapter(run, tmp_path):
    """Put an adapter of these weights in the champion's folder, and register it as trained."""

    def of(weights):
        folder = tmp_path / "adapters" / "m-b"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ADAPTER_FILE).write_bytes(weights)
        known = {"model_version": "m-b", "adapter_hash": file_sha256(folder / ADAPTER_FILE)}
        record = dict.fromkeys(each.name for each in dataclasses.fields(ModelVersion)) | known
        (folder / RECORD_FILE).write_text(json.dumps(record))
        (folder / MEASURED_FILE).write_text("{}")
        seal(folder)
        row = {"week": date(2026, 1, 12), "folder": "adapters/m-b"} | known
        warehouse = Warehouse(tmp_path / "warehouse.duckdb")
        warehouse.replace_partition(MODEL_VERSIONS, row["week"], MODEL_VERSIONS.conform(pl.DataFrame([row])))
        return warehouse, known["adapter_hash"]

    return of


def test_the_champions_folder_is_told_only_where_it_holds_the_weights_that_were_promoted(run, adapter, tmp_path):
    warehouse, promoted = adapter(b"as judged")
    of_decisions_before_weights_were_recorded = run("champion", "--path")
    with warehouse.transaction() as connection:
        connection.execute("UPDATE promotions SET adapter_hash = ? WHERE candidate = 'm-b'", [promoted])

    told = run("champion", "--path")
    adapter(b"trained again")
    trained_again = run("champion", "--path")

    assert told == of_decisions_before_weights_were_recorded == (0, f"{tmp_path / 'adapters' / 'm-b'}\n", "")
    assert trained_again[0] == 1
    assert "m-b was trained again since it was promoted: judge its week again" in trained_again[2]


def test_a_champions_folder_that_was_sealed_anew_is_not_told(run, adapter, tmp_path):
    warehouse, _ = adapter(b"as judged")
    trained = warehouse.partitions(MODEL_VERSIONS, [date(2026, 1, 12)])
    adapter(b"put there since")
    warehouse.replace_partition(MODEL_VERSIONS, date(2026, 1, 12), trained)

    code, _, told = run("champion", "--path")

    assert code == 1
    assert "holds other weights than those registered as m-b" in told
