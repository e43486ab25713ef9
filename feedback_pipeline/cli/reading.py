"""What was received and what it says: state, ledger, recall, trace."""

from datetime import date, datetime
from typing import Annotated

import typer

from feedback_pipeline.cli.app import AsJson, app, console, print_json, warehouse
from feedback_pipeline.inspection import render
from feedback_pipeline.settings import Settings


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the state of the whole: lines, evidence, examples, datasets, adapters, the gate's decisions."""
    from feedback_pipeline.inspection.status import status as state_of

    state = state_of(warehouse())
    if as_json:
        print_json(state)
    else:
        render.print_status(console, state)


@app.command()
def trace(
    session_or_interaction: Annotated[str, typer.Argument(help="A session's or an interaction's id.")],
    as_json: AsJson = False,
) -> None:
    """Tell the whole session in order: questions, answers, model versions and every piece of evidence."""
    from feedback_pipeline.inspection.trace import trace as story_of

    exchanges = story_of(warehouse(), session_or_interaction)
    if as_json:
        print_json(exchanges)
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
    """Account for every line and every piece of feedback, by source, file and arrival day; name files never read."""
    from feedback_pipeline.ingestion.arrivals import never_read
    from feedback_pipeline.inspection.accounts import accounts, rejected_lines

    days = since.date() if since else date.min, until.date() if until else date.max
    if rejected:
        lines = rejected_lines(warehouse(), source, *days)
        if as_json:
            print_json(lines)
        else:
            render.print_rejected(console, lines)
        return
    found = accounts(warehouse(), source, *days)
    outside = [file for file in never_read(Settings.from_environment().landing_zone) if _is_of(source, file)]
    if as_json:
        print_json({**found, "never_read": outside})
    else:
        render.print_accounts(console, found)
        render.print_never_read(console, outside)


def _is_of(source: str | None, file: str) -> bool:
    return source is None or file.startswith(f"{source}/")
