"""Themes on a terminal: a line each, and one with its trend drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.bar import Bar
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from feedback_pipeline.inspection.render import shortened, text

_BLOCKS = "▁▂▃▄▅▆▇█"
_SHORT_ID = 8
_BAR_WIDTH = 40


def print_themes(console: Console, themes: Sequence[Mapping[str, Any]]) -> None:
    """A line each theme: size, rate with its interval, four weeks as a sparkline, and flags."""
    table = Table(title=f"Themes as of {themes[0]['day']}", title_justify="left")
    for name in ("theme", "name", "size", "28 days", "rate", "trend", "flags"):
        table.add_column(name, justify="right" if name in ("size", "28 days") else "left")
    for theme in themes:
        table.add_row(
            theme["theme_id"][:_SHORT_ID],
            escape(theme["name"]),
            text(theme["size"]),
            text(theme["recent"]),
            rate(theme),
            sparkline([day["rate"] for day in theme["days"]]),
            escape(flags(theme)),
        )
    console.print(table)


def print_theme(console: Console, theme: Mapping[str, Any]) -> None:
    """One theme: what it is, its days, what happened to it, and what was asked and answered."""
    console.rule(f"theme {theme['theme_id']}: {escape(theme['name'])}")
    if theme["merged_into"]:
        console.print(f"merged into [bold]{theme['merged_into']}[/bold], which has its problems now")
    facts = {
        "problems": f"{theme['size']:,}, of these {theme['recent']:,} in the 28 days up to {theme['day']}",
        "rate": f"{rate(theme)} of {theme['exposure']:,} interactions",
        "reason": theme["dominant_reason"] or "unknown",
        "model versions": ", ".join(theme["model_versions"]) or "unknown",
        "seen": f"{theme['first_seen']} to {theme['last_seen']}",
        "flags": flags(theme),
        "why": theme["why"] or "",
    }
    for name, value in facts.items():
        if value:
            console.print(f"[bold]{name}:[/bold] {escape(value)}", highlight=False)
    for hashed, context in theme["system_contexts"].items():
        console.print(f"[bold]system context {hashed}:[/bold] {escape(shortened(context))}", highlight=False)
    if theme["days"]:
        _print_days(console, theme)
    for change in theme["changes"]:
        console.print(f"{change['day']} {_change(change)}", highlight=False)
    for exemplar in theme["exemplars"]:
        console.print(f"\n[dim]{escape(exemplar['interaction_id'])} · {escape(exemplar['model_version'])}[/dim]")
        console.print(f"[bold cyan]user[/bold cyan]  {escape(shortened(exemplar['question']))}", highlight=False)
        console.print(f"[bold green]model[/bold green] {escape(shortened(exemplar['answer']))}", highlight=False)


def sparkline(values: Sequence[float]) -> str:
    """A character a value, from none to the largest of them."""
    largest = max(values, default=0.0)
    return "".join(_BLOCKS[round(value / largest * (len(_BLOCKS) - 1)) if largest else 0] for value in values)


def rate(theme: Mapping[str, Any]) -> str:
    """The rate with its interval, in per cent."""
    if theme["rate"] is None:
        return "–"
    return f"{theme['rate']:.2%} [{theme['rate_lower']:.2%}, {theme['rate_upper']:.2%}]"


def flags(theme: Mapping[str, Any]) -> str:
    """`rising`, `came back`, `new with …`, or nothing."""
    kind = "came back" if theme["came_back"] else "rising" if theme["rising"] else ""
    return ", ".join(filter(None, [kind, *(f"new with {name}" for name in theme["new_with"] or [])]))


def _print_days(console: Console, theme: Mapping[str, Any]) -> None:
    largest = max(day["rate"] for day in theme["days"]) or 1.0
    table = Table(box=None, show_header=False)
    for day in theme["days"]:
        table.add_row(
            str(day["day"]),
            Bar(largest, 0, day["rate"], width=_BAR_WIDTH),
            f"{day['rate']:.2%}",
            f"{day['conversations']:,} conversations, {day['exposure']:,} interactions",
        )
    console.print(table)


def _change(change: Mapping[str, Any]) -> str:
    number = f"with {change['members']:,} problems"
    if change["change"] == "founded":
        return f"founded {number}"
    way = "merged into" if change["change"] == "merged" else "split off"
    return f"{change['theme_id'][:_SHORT_ID]} {way} {change['other_theme_id'][:_SHORT_ID]}, {number}"
