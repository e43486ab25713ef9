"""Where logs come from: exports, webhooks, a simulated product."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from feedback_pipeline.cli.app import AsJson, app, console, print_json
from feedback_pipeline.inspection import render
from feedback_pipeline.settings import FIRST_DAY, Settings


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
        print_json(report)
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
        print_json(summary)
    else:
        render.print_counts(console, f"Written to {folder}", summary)


def _rate(text: str) -> tuple[str, Any]:
    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError:
        raise ValueError(f"--rate {text}: not a name and a number, such as corrections=0.3") from None
