"""Lineage for people: the tree behind an example, and what lies downstream of something received."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from feedback_pipeline.governance.impact import Impact
from feedback_pipeline.inspection.render import evidence_line, shortened
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS

_LISTED = 5


def print_why(console: Console, found: Mapping[str, Any]) -> None:
    """An example, and under it what it rests on, down to files and lines."""
    origin = found["origin"].replace("_", " ")
    tree = Tree(
        f"[bold]example {found['example_id']}[/bold] {found['format']}, {origin}, {found['split'] or 'no split'}"
    )
    for name in ("completion", "chosen", "rejected"):
        if found[name]:
            tree.add(f"[green]{name}[/green] {escape(shortened(found[name][0]['content']))}")
    for decision in found["decisions"]:
        tree.add(f"week of {decision['week']}: {'kept' if decision['kept'] else escape(decision['filter_reason'])}")
    if found["duplicate_of"]:
        tree.add(f"in its place stands {found['duplicate_of']}")
    for duplicate in found["stood_for"]:
        tree.add(f"stands for {duplicate['example_id']} too ({duplicate['filter_reason']})")
    tree.add(f"in dataset versions: {', '.join(found['dataset_versions']) or 'none'}")
    if verdict := found["verdict"]:
        tree.add(
            f"verdict as of {verdict['as_of']}: satisfied with probability {verdict['p_satisfied']:.2f}; "
            f"{verdict['destination']}: {escape(verdict['route_reason'] or '')}"
        )
    pieces = tree.add(f"rests on evidence ({len(found['evidence'])})")
    for piece in found["evidence"]:
        withdrawn = "[red]withdrawn[/red] " if piece["withdrawn"] else ""
        branch = pieces.add(withdrawn + escape(evidence_line(piece)))
        branch.add(escape(f"{piece['trigger_id']} by {piece['user_id'] or 'nobody named'}"))
        branch.add(_line(piece))
    if answer := found["interaction"]:
        branch = tree.add(
            f"interaction {escape(answer['interaction_id'])}, answered by {escape(answer['model_version'])}"
        )
        branch.add(f"[cyan]user[/cyan]  {escape(shortened(answer['query']))}")
        branch.add(f"[green]model[/green] {escape(shortened(answer['response']))}")
        branch.add(_line(answer))
    console.print(tree, highlight=False)


def print_impact(console: Console, impact: Impact) -> None:
    """How much of each stage lies downstream with the first of it; every version, model and decision."""
    tree = Tree(f"[bold]{impact.subject.kind} {escape(impact.subject.name)}[/bold]")
    examples = _once(impact.examples, "example_id")
    held = impact.dataset_versions.group_by("dataset_version", "format", "split").len("examples").sort(pl.all())
    _add(tree, "lines", impact.raw_events, lambda row: f"{row['source']}/{row['file']}:{row['line_number']}")
    answers = _once(impact.interactions, *INTERACTIONS.identity)
    said = _once(impact.feedback_events, *FEEDBACK_EVENTS.identity)
    _add(tree, "interactions", answers, lambda row: str(row["interaction_id"]))
    _add(tree, "pieces of feedback", said, lambda row: f"{row['kind']} {row['feedback_id']}")
    _add(tree, "pieces of evidence", impact.evidence, lambda row: f"{row['kind']} on {row['interaction_id']}")
    _add(tree, "verdicts", impact.verdicts, lambda row: f"{row['interaction_id']} as of {row['as_of']}")
    _add(tree, f"examples ({examples['kept'].sum():,} kept)", examples, _example)
    _add(tree, "parts of dataset versions", held, _held, listed=held.height)
    _add(tree, "model versions", impact.model_versions, _model, listed=impact.model_versions.height)
    _add(tree, "decisions", impact.promotions, _decision, listed=impact.promotions.height)
    console.print(tree, highlight=False)


def impact_values(impact: Impact) -> dict[str, Any]:
    """An impact as plain values."""
    frames = {field.name: getattr(impact, field.name) for field in fields(impact) if field.name != "subject"}
    subject = {"kind": impact.subject.kind, "name": impact.subject.name}
    return {"subject": subject} | {name: frame.rows(named=True) for name, frame in frames.items()}


def _add(
    tree: Tree, title: str, rows: pl.DataFrame, told: Callable[[dict[str, Any]], str], listed: int = _LISTED
) -> None:
    branch = tree.add(f"{rows.height:,} {title}" if rows.height else f"[dim]no {title}[/dim]")
    for row in rows.head(listed).iter_rows(named=True):
        branch.add(escape(told(row)))
    if rows.height > listed:
        branch.add(f"[dim]… and {rows.height - listed:,} more (--json has all)[/dim]")


def _once(rows: pl.DataFrame, *key: str) -> pl.DataFrame:
    return rows.unique(key, keep="last", maintain_order=True)


def _example(row: dict[str, Any]) -> str:
    became = "kept, " + row["split"] if row["kept"] else row["filter_reason"]
    return f"{row['example_id']} {row['format']} from {row['origin']}: {became}"


def _held(row: dict[str, Any]) -> str:
    return f"{row['dataset_version']} {row['format']}/{row['split']}: {row['examples']:,}"


def _model(row: dict[str, Any]) -> str:
    champion = ", CHAMPION" if row["champion"] else ""
    if row["relation"] == "descended":
        return f"{row['model_version']} descended from {row['parent_version']}{champion}"
    trained = f" on {row['dataset_version']}" if row["relation"] == "trained" else ""
    return f"{row['model_version']} {row['relation']}{trained}, {row['examples']:,} examples{champion}"


def _decision(row: dict[str, Any]) -> str:
    return f"week of {row['week']}: {row['candidate']} {row['decision']} against {row['reference']}"


def _line(row: Mapping[str, Any]) -> str:
    place = f"{row['file']}:{row['line_number']}" if row["file"] else "line no longer there"
    return f"[dim]{escape(place)} (event {(row['event_id'] or '')[:12]}…)[/dim]"
