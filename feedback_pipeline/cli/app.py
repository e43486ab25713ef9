"""The command itself: its error handling, and what its topics share."""

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer

from feedback_pipeline.inspection.terminal import Terminal, visible, visible_json
from feedback_pipeline.settings import Settings
from feedback_pipeline.warehouse import Warehouse

app = typer.Typer(
    help="`feedback-pipeline`: what Dagster's own command does not do.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Terminal()

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def main() -> None:
    """Run the command; an error that a user can mend is one line and exit code 1."""
    try:
        app(standalone_mode=True)
    except (OSError, ValueError, LookupError, duckdb.Error) as error:
        message = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
        print(f"error: {visible(' '.join(message.split()))}", file=sys.stderr)
        sys.exit(1)


def warehouse() -> Warehouse:
    """The warehouse of the deployment that the environment names."""
    return Warehouse(Settings.from_environment().warehouse)


def print_json(value: Any) -> None:
    """Print rows or an object for machines, times in ISO 8601."""
    print(visible_json(json.dumps(value, default=_plain, ensure_ascii=False, indent=2)))


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value)} has no JSON form")
