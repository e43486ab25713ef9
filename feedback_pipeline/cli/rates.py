"""How many answers dissatisfy."""

from typing import Annotated, Literal

import typer

from feedback_pipeline.cli.app import AsJson, app, console, print_json, warehouse
from feedback_pipeline.inspection.render import print_rows

_NEWEST = """
FROM dissatisfaction_rates WHERE dimension = $by AND as_of = (SELECT max(as_of) FROM dissatisfaction_rates)
ORDER BY value
"""


@app.command()
def rates(
    by: Annotated[
        Literal["all", "model_version", "user_role", "environment"], typer.Option(help="Told apart by.")
    ] = "all",
    as_json: AsJson = False,
) -> None:
    """Show the newest share of dissatisfying answers: as people say, and corrected for who says anything."""
    found = warehouse().read(_NEWEST, {"by": by}).rows(named=True)
    if as_json:
        print_json(found)
    elif found:
        print_rows(console, f"Dissatisfaction, week up to {found[0]['as_of']}", found)
    else:
        console.print("no rates yet: run the nightly job first")
