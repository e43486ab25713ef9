"""Recurring problems and their trends."""

from datetime import datetime
from typing import Annotated

import typer

from feedback_pipeline.cli.app import AsJson, app, console, print_json, warehouse


@app.command()
def themes(
    rising: Annotated[
        bool, typer.Option("--rising", help="Only the flagged: rising, come back, or new with a change of the product.")
    ] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only those first seen on this day or later.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the recurring problems of the newest night, each with its rate, four weeks' trend and flags."""
    from feedback_pipeline.inspection.theme_view import print_themes
    from feedback_pipeline.inspection.themes import themes as themes_of

    days = {"since": since.date()} if since else {}
    found = themes_of(warehouse(), rising, **days)
    if as_json:
        print_json(found)
    elif found:
        print_themes(console, found)
    else:
        console.print("no such themes")


@app.command()
def theme(
    theme_id: Annotated[str, typer.Argument(metavar="ID", help="A theme's id, or the beginning of it.")],
    as_json: AsJson = False,
) -> None:
    """Show one recurring problem: its trend, what happened to it, and what was asked and answered."""
    from feedback_pipeline.inspection.theme_view import print_theme
    from feedback_pipeline.inspection.themes import theme as theme_of

    found = theme_of(warehouse(), theme_id)
    if as_json:
        print_json(found)
    else:
        print_theme(console, found)
