"""What a person sees of a session: everything that was said, and nothing that the terminal would obey."""

import json
from datetime import date

import pytest
from command_output import as_json

from feedback_pipeline.cli.app import console
from feedback_pipeline.evidence.nightly import evidence_of
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.inspection.render import print_rows
from feedback_pipeline.schemas import EVIDENCE
from feedback_pipeline.warehouse import Warehouse

DAY = date(2026, 1, 5)
ABOUT = {"interaction_id": "a-1", "timestamp": "2026-01-05T10:01:00Z", "user_id": "u"}
HOSTILE = "evil \x1b[2J\x1b]0;owned\x07 \x9b31m :smile: [red]x[/red] \u202egnp"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    answer = {
        "timestamp": "2026-01-05T10:00:00Z",
        "request": {
            "messages": [{"role": "user", "content": "Is it zen:ticket:208?"}],
            "metadata": {"session_id": "s"},
        },
        "response": {"id": "a-1", "model": "m", "choices": [{"index": 0, "message": {"content": HOSTILE}}]},
    }
    land(home, "assistant", "openai_chat", json.dumps(answer), '{"broken \x1b[31m')
    land(
        home,
        "feedback",
        "events\njoin_window_hours: 24",
        *map(
            json.dumps,
            (
                {**ABOUT, "kind": "rating", "rating": 2, "rating_min": 1, "rating_max": 5},
                {**ABOUT, "kind": "tag", "label": "billing"},
                {**ABOUT, "kind": "survey", "rating": 7},
                {**ABOUT, "kind": "thumb", "label": "down", "interaction_id": None, "session_id": "s"},
            ),
        ),
    )
    warehouse = Warehouse(home / "warehouse.duckdb")
    store_day(warehouse, home / "raw", DAY, Pseudonyms(b"key"))
    warehouse.replace_partition(EVIDENCE, DAY, evidence_of(warehouse, DAY))
    return home


def land(home, source, form, *lines):
    folder = home / "raw" / source / str(DAY)
    folder.mkdir(parents=True)
    (folder.parent / "source.yaml").write_text(f"format: {form}")
    (folder / "a.jsonl").write_text("\n".join(lines))


def test_trace_shows_ratings_with_their_scale_labels_and_how_an_answer_was_found(run):
    _, out, _ = run("trace", "s")

    assert "- rating 2 on 1 to 5 — confidence" in out
    assert "· survey 7 — confidence" in out
    assert "· tag billing — confidence 0.50, feedback_event" in out
    assert "- thumb down — confidence 0.90, joined by session at 0.95, feedback_event" in out


def test_what_trace_shows_is_there_for_machines_too(run):
    (exchange,) = as_json(run, "trace", "s")

    rating = next(piece for piece in exchange["evidence"] if piece["kind"] == "rating")
    assert (rating["rating"], rating["rating_min"], rating["rating_max"]) == (2, 1, 5)


def test_nothing_that_was_written_is_a_command_to_the_terminal(run):
    _, out, _ = run("trace", "s")

    assert r"evil \x1b[2J\x1b]0;owned\x07 \x9b31m :smile: [red]x[/red] \u202egnp" in out
    assert "Is it zen:ticket:208?" in out
    assert r'{"broken \x1b[31m' in run("ledger", "--rejected")[1]
    assert r"no session or interaction 'a\x1b[2J'" in run("trace", "a\x1b[2J")[2].replace("\\\\", "\\")


def test_nor_is_what_machines_are_given_and_they_read_it_as_it_was_written(run):
    _, out, _ = run("trace", "s", "--json")

    assert not set(out) & set("\x1b\x07\x9b\u202e")
    assert json.loads(out)[0]["response"] == HOSTILE


def test_files_that_lie_in_no_days_folder_are_named_by_the_ledger(run, home):
    assert as_json(run, "ledger")["never_read"] == []
    strays = ["assistant/20260105/b.jsonl", "assistant/c.jsonl", "d.jsonl", "feedback/2026-01-32/deep/e.jsonl"]
    for name in (*strays, "assistant/.hidden", "feedback/2026-01-05/deep/read.jsonl", "feedback/_tmp/f.jsonl"):
        (home / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "raw" / name).write_text("{}")

    assert as_json(run, "ledger")["never_read"] == strays
    assert as_json(run, "ledger", "--source", "feedback")["never_read"] == strays[3:]
    assert "d.jsonl: never read, for it lies in no folder SOURCE/YYYY-MM-DD/" in run("ledger")[1].splitlines()


def test_a_narrow_table_folds_its_texts_and_cuts_none(monkeypatch, capsys):
    figures = {"day": DAY, "rated": 12_345, "rate": 0.125, "new": False}
    rows = [{"value": f"gpt-4o-mini-2024-07-18-{letter}", **figures} for letter in "ab"]
    monkeypatch.setattr(console, "width", 60)

    print_rows(console, "Rates", rows)

    out, _ = capsys.readouterr()
    assert "…" not in out
    assert all(whole in out for whole in ("2026-01-05", "12,345", "0.125", "no"))
    first = "".join(line.split("│")[1].strip() for line in out.splitlines() if line.startswith("│"))
    assert first == "".join(row["value"] for row in rows)
