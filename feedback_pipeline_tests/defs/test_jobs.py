import shutil
from pathlib import Path

import dagster as dg
import pytest

from feedback_pipeline.definitions import defs
from feedback_pipeline.defs.automation import landed_files
from feedback_pipeline.defs.store import Store
from feedback_pipeline.schemas import TABLES
from feedback_pipeline.settings import Settings
from feedback_pipeline.simulation import SimulationConfig, simulate
from feedback_pipeline.warehouse import Warehouse

DAYS = ("2026-01-05", "2026-01-07")
NIGHTLY_TABLES = (
    "raw_events",
    "interactions",
    "feedback_events",
    "evidence",
    "evidence_calibration",
    "dissatisfaction_rates",
    "verdicts",
    "routes",
)


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    simulate(SimulationConfig(days=3, interactions_per_day=20), folder / "raw", folder / "truth")
    return folder / "raw"


def settle_in(home, logs, monkeypatch):
    models = Settings.from_environment().models
    monkeypatch.setenv("FEEDBACK_HOME", str(home))
    monkeypatch.setenv("FEEDBACK_LANDING_ZONE", str(logs))
    monkeypatch.setenv("FEEDBACK_USER_KEY", "key")
    # The classifier of reasons is fitted once for all runs of the tests.
    models.mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to(models)
    return home


@pytest.fixture
def home(tmp_path, logs, monkeypatch):
    return settle_in(tmp_path, logs, monkeypatch)


@pytest.fixture(scope="module")
def range_run(tmp_path_factory, logs):
    """A home after one run over the three days, and the run's result."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        home = settle_in(tmp_path_factory.mktemp("range"), logs, monkeypatch)
        return home, run_nightly(*DAYS)


@pytest.fixture(scope="module")
def day_run(tmp_path_factory, logs):
    """The result of a run of the first day, in a home of its own."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        settle_in(tmp_path_factory.mktemp("day"), logs, monkeypatch)
        yield run_nightly(DAYS[0])


def run_nightly(*days: str) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def("nightly")
    if len(days) == 1:
        return job.execute_in_process(partition_key=days[0])
    tags = {"dagster/asset_partition_range_start": days[0], "dagster/asset_partition_range_end": days[1]}
    return job.execute_in_process(tags=tags)


def test_what_is_deployed_runs_unattended():
    repository = defs.get_repository_def()

    assert {schedule.name: schedule.default_status for schedule in repository.schedule_defs} == {
        "nightly_schedule": dg.DefaultScheduleStatus.RUNNING,
        "retraining_schedule": dg.DefaultScheduleStatus.RUNNING,
    }
    assert {sensor.name: sensor.default_status for sensor in repository.sensor_defs} == {
        "landed_files": dg.DefaultSensorStatus.RUNNING
    }


def test_every_asset_says_what_a_row_is_and_where_it_belongs():
    graph = defs.get_repository_def().asset_graph

    assert {key.path[-1] for key in graph.get_all_asset_keys()} == {
        *TABLES,
        "exchange_index",
        "late_arrivals",
        "earlier_themes",
    }
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.description.startswith("One row per")
        assert node.group_name != "default"
        assert node.kinds


@pytest.mark.slow
def test_a_range_of_days_in_one_run_gives_what_single_days_in_any_order_give(range_run, home):
    for day in ("2026-01-05", "2026-01-07", "2026-01-06", "2026-01-07"):
        run_nightly(day)

    one, other = Warehouse(range_run[0] / "warehouse.duckdb"), Warehouse(home / "warehouse.duckdb")
    for name in NIGHTLY_TABLES:
        query = f"SELECT * FROM {name} ORDER BY ALL"
        assert one.read(query).height
        assert one.read(query).equals(other.read(query)), name


@pytest.mark.slow
@pytest.mark.usefixtures("day_run")
def test_checks_can_be_executed_alone_as_the_web_ui_does():
    # These are made with their assets, in the same step.
    with_assets = {"every_line_is_accounted_for", "train_and_test_share_nothing"}
    keys = defs.get_repository_def().asset_graph.asset_check_keys
    own_steps = [key for key in keys if key.name not in with_assets]
    alone = dg.define_asset_job("alone", dg.AssetSelection.checks(*own_steps))
    job = dg.Definitions.merge(defs, dg.Definitions(jobs=[alone])).resolve_job_def("alone")

    found = job.execute_in_process().get_asset_check_evaluations()

    assert {check.check_name for check in found} == {key.name for key in own_steps}
    assert all(check.passed for check in found)


@pytest.mark.slow
def test_a_materialization_shows_rows_columns_and_a_preview(day_run):
    assert day_run.success
    assert all(check.passed for check in day_run.get_asset_check_evaluations())
    for name in ("raw_events", "evidence", "routes"):
        (event,) = [e for e in day_run.get_asset_materialization_events() if e.asset_key.path[-1] == name]
        metadata = event.materialization.metadata
        assert metadata["dagster/partition_row_count"].value > 0
        assert metadata["preview"].value.startswith("| column | row 1 | ")
        if name == "evidence":
            assert metadata["kinds"].value.startswith("| kind | what | signals | ")
            assert metadata["four_weeks"].value.startswith("![plot]")
            assert "reason_rules" in metadata["reasons"].value or "reason_classifier" in metadata["reasons"].value
            assert metadata["reasons_read_by_fallback"].value == 0
        if name == "routes":
            assert "| training | a better answer was proposed | " in metadata["rules"].value
        assert [c.name for c in metadata["dagster/column_schema"].value.columns] == list(TABLES[name].columns)


@pytest.mark.slow
def test_a_range_of_days_shows_the_rows_of_each(range_run):
    home, result = range_run

    rows = Warehouse(home / "warehouse.duckdb").read("SELECT count(*) FROM evidence WHERE arrival_day = '2026-01-06'")
    shown = [e for e in result.get_asset_materialization_events() if e.asset_key.path[-1] == "evidence"]
    for event in shown:
        assert f"| 2026-01-06 | {rows.item()} |" in event.materialization.metadata["rows_by_partition"].value


@pytest.fixture
def tick():
    """What a tick of the sensor asks for, given the cursor the tick before left."""
    with dg.DagsterInstance.ephemeral() as instance:

        def of(cursor: str | None = None) -> dg.SensorResult:
            context = dg.build_sensor_context(instance=instance, cursor=cursor, resources={"store": Store()})
            return landed_files(context)

        of.instance = instance
        yield of


@pytest.fixture
def own_logs(home, logs, monkeypatch):
    monkeypatch.setenv("FEEDBACK_LANDING_ZONE", str(home / "raw"))
    return Path(shutil.copytree(logs, home / "raw"))


def test_files_that_stopped_changing_ask_for_one_run_over_their_days(home, tick):
    first = tick()
    second = tick(first.cursor)

    assert not first.run_requests
    (request,) = second.run_requests
    assert request.tags["dagster/asset_partition_range_start"] == DAYS[0]
    assert request.tags["dagster/asset_partition_range_end"] == DAYS[1]
    assert tick(second.cursor).run_requests[0].run_key == request.run_key


def test_a_file_that_grew_since_the_last_tick_is_waited_for(own_logs, tick):
    first = tick()
    with next((own_logs / "feedback" / DAYS[1]).glob("*.jsonl")).open("ab") as file:
        file.write(b"{}\n")

    (request,) = tick(first.cursor).run_requests

    assert request.tags["dagster/asset_partition_range_end"] == "2026-01-06"


def test_marked_days_are_complete_at_once(own_logs, tick):
    for folder in own_logs.glob("*/2026-01-06"):
        (folder / "_SUCCESS").touch()

    assert [request.partition_key for request in tick().run_requests] == ["2026-01-06"]


def test_days_ingested_since_their_files_landed_ask_for_nothing(home, tick):
    for day in ("2026-01-05", "2026-01-06", "2026-01-07"):
        tick.instance.report_runless_asset_event(dg.AssetMaterialization("raw_events", partition=day))

    assert not tick(tick().cursor).run_requests


def test_settings_come_from_the_environment(home, logs):
    assert (Settings.from_environment().home, Settings.from_environment().landing_zone) == (home, logs)
