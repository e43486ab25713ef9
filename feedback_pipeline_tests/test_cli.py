"""The command as people and machines use it, on two simulated nights."""

import json
from datetime import date

import pytest
from command_output import as_json

from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.evidence.rated_answers import rates_of
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.recall.index import upsert
from feedback_pipeline.recall.inputs import exchanges_judged_on
from feedback_pipeline.routing.nightly import routes_of
from feedback_pipeline.schemas import DISSATISFACTION_RATES, EVIDENCE, ROUTES, VERDICTS
from feedback_pipeline.settings import EMBEDDED_ENCODER
from feedback_pipeline.simulation import SimulationConfig, simulate
from feedback_pipeline.warehouse import Warehouse

DAYS = (date(2026, 1, 5), date(2026, 1, 6))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    simulate(SimulationConfig(days=2), home / "raw", home / "truth")
    warehouse = Warehouse(home / "warehouse.duckdb")
    for day in DAYS:
        store_day(warehouse, home / "raw", day, Pseudonyms(b"key"))
        warehouse.replace_partition(EVIDENCE, day, evidence_of(warehouse, day))
        warehouse.replace_partition(VERDICTS, day, verdicts_of(warehouse, day))
        warehouse.replace_partition(ROUTES, day, routes_of(warehouse, day))
        warehouse.replace_partition(DISSATISFACTION_RATES, day, rates_of(warehouse, day))
    return home


def test_status_counts_every_line_and_the_readable_form_says_the_same(run):
    lines = as_json(run, "status")["lines"]

    assert lines["received"] == lines["accepted"] + lines["duplicate"] + lines["rejected"] > 0
    _, out, _ = run("status")
    assert f"received {lines['received']}" in out


def test_the_ledger_adds_up_for_every_file_and_for_feedback(run):
    found = as_json(run, "ledger")

    for row in found["lines"]:
        assert row["received"] == row["accepted"] + row["duplicate"] + row["rejected"]
    assert sum(row["received"] for row in found["lines"]) == as_json(run, "status")["lines"]["received"]
    for row in found["feedback"]:
        assert row["feedback"] == row["joined"] + row["orphan"] + row["lost"]
    assert sum(row["orphan"] for row in found["feedback"]) == as_json(run, "status")["orphans"]


def test_the_ledger_keeps_to_a_source_and_days(run):
    found = as_json(run, "ledger", "--source", "feedback", "--from", "2026-01-06", "--to", "2026-01-06")

    assert {(row["source"], row["arrival_day"]) for row in found["lines"]} == {("feedback", "2026-01-06")}


@pytest.mark.parametrize("view", [(), ("--rejected",)])
def test_the_ledger_says_where_a_source_is_unknown_or_the_days_are_none(run, view):
    assert run("ledger", "--source", "nobody", *view)[::2] == (
        1,
        "error: nothing was read of a source 'nobody'; there are assistant, feedback\n",
    )
    assert run("ledger", "--from", "2026-01-06", "--to", "2026-01-05", *view)[::2] == (
        1,
        "error: the days end (2026-01-05) before they begin (2026-01-06)\n",
    )
    code, out, _ = run("ledger", "--from", "2026-03-01", *view)
    assert (code, len(out.splitlines())) == (0, 1)


def test_rejected_lines_are_told_with_file_line_and_reason(run):
    found = as_json(run, "ledger", "--rejected")

    assert len(found) == as_json(run, "status")["lines"]["rejected"] > 0
    _, out, _ = run("ledger", "--rejected")
    for row in found:
        assert f"{row['source']}/{row['file']}:{row['line_number']} {row['reason']}" in out


def test_trace_tells_a_session_in_order_with_its_evidence_by_session_or_interaction(run, home):
    warehouse = Warehouse(home / "warehouse.duckdb")
    query = "SELECT interaction_id, session_id FROM interactions SEMI JOIN evidence USING (interaction_id) LIMIT 1"
    interaction, session = warehouse.read(query).row(0)

    exchanges = as_json(run, "trace", session)

    assert exchanges == as_json(run, "trace", interaction)
    assert [e["turn"] for e in exchanges] == sorted(e["turn"] for e in exchanges)
    told = next(e for e in exchanges if e["interaction_id"] == interaction)
    assert {"query", "system_context", "response", "model_version"} <= set(told)
    assert told["evidence"]
    _, out, _ = run("trace", session)
    assert told["query"].split()[0] in out


@pytest.mark.slow
def test_recall_finds_exchanges_near_in_meaning_with_their_evidence_among_those_a_filter_lets_through(run, home):
    warehouse, encoder = Warehouse(home / "warehouse.duckdb"), load_encoder(EMBEDDED_ENCODER)
    for day in DAYS:
        upsert(home / "index", exchanges_judged_on(warehouse, day), encoder)

    found = as_json(run, "recall", "pairing code of the router", "--where", "array_has(kinds, 'thumb')", "-k", "3")

    assert len(found) == 3
    assert [e["similarity"] for e in found] == sorted((e["similarity"] for e in found), reverse=True)
    assert all("thumb" in {piece["kind"] for piece in exchange["evidence"]} for exchange in found)
    code, _, err = run("recall", "code", "--where", "colour = 'red'")
    assert (code, err.count("\n")) == (1, 1)
    assert "columns: interaction_id" in err
    assert run("recall", "code", "--role", "nobody", "--kind", "thumb", "--until", "2026-01-07") == (
        0,
        "nothing found with user_role nobody, kinds thumb, until 2026-01-07 00:00:00\n",
        "",
    )
    assert run("recall", " ")[::2] == (1, "error: the text to look for is empty\n")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--kind", "thumbs"), "error: kind: there is none called 'thumbs'; there are abandonment, clarification"),
        (("--category", "wrong"), "error: category: there is none called 'wrong'; there are factually_incorrect"),
        (("--language", "English"), "error: language: 'English' is no ISO 639-1 code"),
        (("--min-confidence", "1.5"), "error: min_confidence: 1.5 is not between 0 and 1"),
        (("--max-satisfied", "-1"), "error: max_p_satisfied: -1 is not between 0 and 1"),
        (("--since", "2026-01-06", "--until", "2026-01-06"), "error: since 2026-01-06 00:00 is not before until"),
    ],
)
def test_recall_refuses_filters_that_nothing_could_ever_pass(run, words, error):
    code, out, err = run("recall", "code", *words)

    assert (code, out) == (1, "")
    assert err.startswith(error)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("trace", "nowhere"), "error: no session or interaction 'nowhere'\n"),
        (("champion",), "error: no champion yet: nothing was promoted\n"),
        (("import", "nobody", "nothing.jsonl"), "error: nothing.jsonl: there is no such file\n"),
    ],
)
def test_an_error_is_one_clear_line_and_exit_code_1(run, words, error):
    code, out, err = run(*words)

    assert (code, out, err) == (1, "", error)


def test_before_the_first_night_the_command_says_what_to_run(run, tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))

    code, _, err = run("status")

    assert code == 1
    assert "run the nightly job" in err


def test_imported_exports_are_there_the_second_time_and_nothing_is_landed_twice(run, tmp_path, monkeypatch, home):
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))
    folder = tmp_path / "raw" / "feedback"
    folder.mkdir(parents=True)
    (folder / "source.yaml").write_text("format: events")
    export = next((home / "raw" / "feedback" / "2026-01-05").glob("part-*.jsonl"))

    first, again = (as_json(run, "import", "feedback", str(export)) for _ in range(2))

    assert [file["already_there"] for file in first] == [False] * len(first)
    assert [file["already_there"] for file in again] == [True] * len(first)
    assert sum(file["lines"] for file in first) == export.read_bytes().count(b"\n")


def test_what_was_landed_is_told_beside_what_could_not_be(run, tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))
    (tmp_path / "raw" / "feedback").mkdir(parents=True)
    (tmp_path / "raw" / "feedback" / "source.yaml").write_text("format: events")
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text('{"kind": "copy", "session_id": "s", "timestamp": "2026-01-05T10:00:00Z"}\n')
    bad.write_text("no line of this has a time\n")

    code, out, err = run("import", "feedback", str(bad), str(good), "--json")

    assert code == 1
    assert [file["original"] for file in json.loads(out)] == [str(good)]
    assert err.startswith(f"error: {bad}: no line has a time")


def test_rates_of_the_newest_day_add_up_over_a_dimension(run):
    (overall,) = as_json(run, "rates")
    by_role = as_json(run, "rates", "--by", "user_role")

    assert overall["as_of"] == str(DAYS[-1])
    assert {row["value"] for row in by_role} == {"admin", "agent", "customer"}
    assert sum(row["rated"] for row in by_role) == overall["rated"] > 0
    assert "customer" in run("rates", "--by", "user_role")[1]


def test_rates_of_no_dimension_are_an_error(run):
    assert run("rates", "--by", "mood")[0] != 0
