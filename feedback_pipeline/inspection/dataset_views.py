"""Dataset versions for people: a list, a card, what differs, what was written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape

from feedback_pipeline.curation.versions.catalog import Version
from feedback_pipeline.curation.versions.difference import counted
from feedback_pipeline.curation.versions.export import ExportedFile
from feedback_pipeline.curation.versions.folder import read_card
from feedback_pipeline.curation.versions.verification import Difference
from feedback_pipeline.inspection.render import shortened

_SIGNS = {"came": "[green]+[/green]", "went": "[red]-[/red]", "changed": "[yellow]~[/yellow]"}


def summary(version: Version) -> dict[str, Any]:
    """A version in a few plain values."""
    sizes = {f"{row['format']}/{row['split']}": row["examples"] for row in version.manifest["examples"]}
    return {
        "dataset_version": version.name,
        "week": version.week,
        "stands": version.stands,
        "parents": version.manifest["parents"],
        "examples": sizes,
        "decisions": version.manifest["decisions"],
        "content_hash": version.manifest["content_hash"],
    }


def print_versions(console: Console, listed: Sequence[Mapping[str, Any]]) -> None:
    """A line each version."""
    if not listed:
        console.print("no dataset version yet: run the retraining job first")
    for version in listed:
        replaced = "" if version["stands"] else "[dim], replaced by another run of its week[/dim]"
        sizes = ", ".join(f"{part} {n:,}" for part, n in version["examples"].items()) or "no examples"
        parents = f", after {', '.join(version['parents'])}" if version["parents"] else ""
        console.print(f"[bold]{version['dataset_version']}[/bold] {sizes}{parents}{replaced}", highlight=False)


def print_version(console: Console, version: Version, line: Sequence[str]) -> None:
    """The card, then the line of versions it comes from and where its files lie."""
    # A terminal shows no picture.
    lines = (each for each in read_card(version.folder).split("\n") if not each.startswith("!["))
    console.print(Markdown("\n".join(lines)))
    weeks = ", ".join(f"{week} ({digest[:12]})" for week, digest in version.manifest["weeks"].items())
    console.print(f"\n[bold]Weeks:[/bold] {weeks or 'none'}", highlight=False)
    console.print(f"[bold]Line:[/bold] {' → '.join(reversed(line))}", highlight=False)
    console.print(f"[bold]Folder:[/bold] {escape(str(version.folder))}", highlight=False)
    if not version.stands:
        console.print("[yellow]Another run of its week put another version in its place.[/yellow]")


def print_difference(console: Console, versions: tuple[Version, Version], found: pl.DataFrame, limit: int) -> None:
    """Counts by reason, the first examples of each, and what of policy and code is not the same."""
    before, after = versions
    console.print(f"[bold]{before.name} → {after.name}[/bold]", highlight=False)
    for name in ("code_version", "policy"):
        if before.manifest[name] != after.manifest[name]:
            changed = _changed(before.manifest[name], after.manifest[name])
            console.print(f"{name.replace('_', ' ')}: {escape(changed)}", highlight=False)
    if found.is_empty():
        console.print("the same examples")
    for change, why, example_format, n in counted(found).iter_rows():
        console.print(f"{_SIGNS[change]} {n:,} {example_format} {change}: {why.replace('_', ' ')}", highlight=False)
        of_these = found.filter(change=change, why=why, format=example_format)
        for row in of_these.head(limit).iter_rows(named=True):
            detail = f" ({row['detail']})" if row["detail"] else ""
            about = f"{row['example_id']} {row['split']}, {row['origin']}{detail}"
            console.print(f"    {escape(about)}: [dim]{escape(shortened(row['question'])[:80])}[/dim]", highlight=False)


def print_differences(console: Console, version: Version, wrong: Sequence[Difference]) -> None:
    """What `verify` found."""
    if not wrong:
        files = len(version.manifest["files"])
        console.print(f"{version.name} is intact: {files} files, rows and content hash", highlight=False)
    for each in wrong:
        console.print(f"[red]{escape(each.part)}[/red] {escape(each.problem)}", highlight=False)


def print_export(
    console: Console, version: Version, folder: Path, written: Sequence[ExportedFile], note: str | None
) -> None:
    """The files written, what they lack, and what to know of them."""
    console.print(f"[bold]{version.name}[/bold] in {escape(str(folder))}", highlight=False)
    for file in written:
        lacking = f", without {file.left_out:,} that it could not read" if file.left_out else ""
        console.print(f"  {file.path.name}: {file.examples:,} examples{lacking}", highlight=False)
    if note:
        console.print(f"[dim]{escape(note)}[/dim]", highlight=False)


def _changed(before: Any, after: Any) -> str:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return f"{before} → {after}"
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return ", ".join(f"{key} {_changed(before.get(key), after.get(key))}" for key in keys)
