"""What every benchmark prints: a table for people, or one JSON object."""

import argparse
import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table


def options(description: str) -> argparse.ArgumentParser:
    """`--quick`: the same comparison on less work; `--json`: one object for machines."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="less work, done within 50 seconds on 2 cores")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def arguments(description: str, **more: str) -> argparse.Namespace:
    """What every benchmark is told, and `more` flags."""
    parser = options(description)
    for name, meaning in more.items():
        parser.add_argument(f"--{name}", action="store_true", help=meaning)
    return parser.parse_args()


def publish(name: str, work: str, rows: list[dict[str, Any]], ratios: dict[str, float], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"name": name, "work": work, "rows": rows, "ratios": ratios}))
        return
    # In a file or a pipe a table of ten columns would be cut to 80 characters.
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(title=f"{name}: {work}", title_justify="left")
    for column in rows[0]:
        table.add_column(column)
    for row in rows:
        table.add_row(*(f"{value:,.3g}" if isinstance(value, float) else str(value) for value in row.values()))
    console.print(table)
    for key, value in ratios.items():
        console.print(f"{key}: {value:,.4g}", highlight=False)
