"""`feedback-pipeline`: what Dagster's own command does not do."""

import json
import sys
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from rich.console import Console

from feedback_pipeline.inspection import render
from feedback_pipeline.settings import FIRST_DAY, Settings
from feedback_pipeline.warehouse import Warehouse

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the state of the whole: lines, evidence, examples, datasets, adapters, the gate's decisions."""
    from feedback_pipeline.inspection.status import status as state_of

    state = state_of(_warehouse())
    if as_json:
        _print_json(state)
    else:
        render.print_status(console, state)


@app.command()
def recall(
    text: Annotated[str, typer.Argument(help="What to look for, in any words.")],
    where: Annotated[
        str | None, typer.Option(help="SQL filter on the metadata, such as \"user_role = 'admin'\".")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many exchanges.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Find the exchanges nearest in meaning, with their feedback and metadata."""
    from feedback_pipeline.inspection.recalled import with_evidence
    from feedback_pipeline.recall.encoder import load_encoder
    from feedback_pipeline.recall.search import search

    settings = Settings.from_environment()
    found = with_evidence(_warehouse(), search(settings.index, load_encoder(settings.encoder), text, k=k, where=where))
    if as_json:
        _print_json(found)
    else:
        render.print_recalled(console, found)


@app.command()
def trace(
    session_or_interaction: Annotated[str, typer.Argument(help="A session's or an interaction's id.")],
    as_json: AsJson = False,
) -> None:
    """Tell the whole session in order: questions, answers, model versions and every piece of evidence."""
    from feedback_pipeline.inspection.trace import trace as story_of

    exchanges = story_of(_warehouse(), session_or_interaction)
    if as_json:
        _print_json(exchanges)
    else:
        render.print_trace(console, exchanges)


@app.command()
def ledger(
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First arrival day; by default the oldest.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last arrival day; by default the newest.")
    ] = None,
    rejected: Annotated[bool, typer.Option("--rejected", help="Print each rejected line with its reason.")] = False,
    as_json: AsJson = False,
) -> None:
    """Account for every line and every piece of feedback, by source, file and arrival day."""
    from feedback_pipeline.inspection.accounts import accounts, rejected_lines

    days = since.date() if since else date.min, until.date() if until else date.max
    found = rejected_lines(_warehouse(), source, *days) if rejected else accounts(_warehouse(), source, *days)
    if as_json:
        _print_json(found)
    elif isinstance(found, list):
        render.print_rejected(console, found)
    else:
        render.print_accounts(console, found)


@app.command()
def champion(
    path: Annotated[bool, typer.Option("--path", help="Print only the folder of the PEFT adapter.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the promoted version, its base model, dataset and decision."""
    from feedback_pipeline.evaluation.registry import champion as promoted

    settings = Settings.from_environment()
    current = promoted(_warehouse())
    if current is None:
        raise LookupError("no champion yet: nothing was promoted")
    found = asdict(current) | {"folder": str(settings.home / (current.folder or ""))}
    if path:
        print(found["folder"])
    elif as_json:
        _print_json(found)
    else:
        render.print_rows(console, "Champion", [{"": name, "value": value} for name, value in found.items()])


@app.command("import")
def import_(
    source: Annotated[str, typer.Argument(help="A declared source.")],
    files: Annotated[list[Path], typer.Argument(help="Exports to land.")],
    arrival: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Arrival day of everything; by default its event day.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Land exports of a source in the landing zone, split by day; nothing is refused in silence."""
    from feedback_pipeline.ingestion.landing import import_files

    landed = import_files(
        source,
        files,
        Settings.from_environment().landing_zone,
        arrival.date() if arrival else None,
        days=(FIRST_DAY, datetime.now(UTC).date()),
    )
    report = [asdict(file) for file in landed]
    if as_json:
        _print_json(report)
    else:
        render.print_rows(console, f"Landed for {source}", report)


@app.command()
def receive(
    host: Annotated[
        str, typer.Option(help="Address to listen on, with a proxy that speaks TLS before it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8080,
) -> None:
    """Receive webhooks: POST /SOURCE, answered with 200 once the event is on disk in the landing zone."""
    try:
        from feedback_pipeline.receiving.server import serve
    except ModuleNotFoundError as error:
        raise ValueError(f"{error}: pip install 'feedback-pipeline[receive]'") from None
    serve(host, port)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Receives raw/ (a landing zone) and truth/ (what was planted).")],
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 7,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = datetime(2026, 1, 5),
    days: Annotated[int, typer.Option(min=1)] = 14,
    interactions_per_day: Annotated[int, typer.Option(min=1)] = 45,
    users: Annotated[int, typer.Option(min=1)] = 90,
    rate: Annotated[
        list[str] | None, typer.Option(help="A rate of trouble, such as corrections=0.3; may be given several times.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="They change the speed, not what is written.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Write the logs of a simulated product assistant, and apart from them the truth behind them."""
    from feedback_pipeline.simulation import SimulationConfig
    from feedback_pipeline.simulation import simulate as write_logs

    rates = dict(_rate(text) for text in rate or [])
    if unknown := set(rates) - {name for name, value in asdict(SimulationConfig()).items() if type(value) is float}:
        raise ValueError(f"no such rate: {', '.join(sorted(unknown))}")
    config = replace(
        SimulationConfig(),
        seed=seed,
        start=start.date(),
        days=days,
        interactions_per_day=interactions_per_day,
        users=users,
    )
    summary = asdict(write_logs(replace(config, **rates), folder / "raw", folder / "truth", processes))
    if as_json:
        _print_json(summary)
    else:
        render.print_counts(console, f"Written to {folder}", summary)


def main() -> None:
    """Run the command; an error that a user can mend is one line and exit code 1."""
    try:
        app(standalone_mode=True)
    except (OSError, ValueError, LookupError, duckdb.Error) as error:
        message = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(1)


def _rate(text: str) -> tuple[str, Any]:
    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError:
        raise ValueError(f"--rate {text}: not a name and a number, such as corrections=0.3") from None


def _warehouse() -> Warehouse:
    return Warehouse(Settings.from_environment().warehouse)


def _print_json(value: Any) -> None:
    print(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value)} has no JSON form")
