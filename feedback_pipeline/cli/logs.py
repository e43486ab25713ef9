"""Where logs come from: exports and webhooks."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

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
    from feedback_pipeline.ingestion.landing import LandedFile, LandingError, import_files

    def show(landed: Iterable[LandedFile]) -> None:
        report = [asdict(file) for file in landed]
        if as_json:
            print_json(report)
        else:
            render.print_rows(console, f"Landed for {source}", report)

    zone, today = Settings.from_environment().landing_zone, datetime.now(UTC).date()
    try:
        show(import_files(source, files, zone, arrival.date() if arrival else None, days=(FIRST_DAY, today)))
    except LandingError as error:
        if error.landed:
            show(error.landed)
        raise


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
