"""Dataset versions: list, show, compare, verify, export."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from feedback_pipeline.cli.app import AsJson, app, console, print_json, warehouse
from feedback_pipeline.settings import Settings

if TYPE_CHECKING:
    from feedback_pipeline.curation.versions.catalog import Version

dataset = typer.Typer(help="Dataset versions, by name, the start of one, or `latest`.", no_args_is_help=True)
app.add_typer(dataset, name="dataset")

Named = Annotated[str, typer.Argument(help="A version's name, the start of it or of its content hash, or `latest`.")]
Format = Literal["sft", "preference", "unpaired"]


@dataset.command("list")
def list_(as_json: AsJson = False) -> None:
    """List every version, oldest first, with what it holds."""
    from feedback_pipeline.inspection import dataset_views

    listed = [dataset_views.summary(version) for version in _known()]
    if as_json:
        print_json(listed)
    else:
        dataset_views.print_versions(console, listed)


@dataset.command()
def show(version: Named, as_json: AsJson = False) -> None:
    """Show a version's card and where it comes from."""
    from feedback_pipeline.curation.versions.catalog import ancestors
    from feedback_pipeline.inspection import dataset_views

    (found,) = _named(version)
    line = ancestors(found.folder.parent, found.name)
    if as_json:
        print_json({**found.manifest, "folder": found.folder, "stands": found.stands, "ancestors": line[1:]})
    else:
        dataset_views.print_version(console, found, line)


@dataset.command()
def diff(
    before: Named,
    after: Named,
    limit: Annotated[int, typer.Option(min=0, help="Examples to print of each reason.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Tell which examples came, went and changed from one version to another, and why."""
    from feedback_pipeline.curation.versions.difference import counted, dataset_difference, decisions_about
    from feedback_pipeline.curation.versions.folder import read_rows
    from feedback_pipeline.inspection import dataset_views

    old, new = _named(before, after)
    rows = read_rows(old.folder), read_rows(new.folder)
    found = dataset_difference(*rows, decisions_about(warehouse(), *rows), (old.week, new.week))
    if as_json:
        told = {"before": old.name, "after": new.name, "counts": counted(found).rows(named=True)}
        print_json({**told, "examples": found.rows(named=True)})
    else:
        dataset_views.print_difference(console, (old, new), found, limit)


@dataset.command()
def verify(version: Named, as_json: AsJson = False) -> None:
    """Hash a version's files, rows and content again; name what differs and end with 1 if anything does."""
    from feedback_pipeline.curation.dataset_version import stored_rows
    from feedback_pipeline.curation.inputs import examples_until
    from feedback_pipeline.curation.versions.verification import differences
    from feedback_pipeline.inspection import dataset_views

    (found,) = _named(version)
    wrong = differences(found, lambda: stored_rows(examples_until(warehouse(), found.week)))
    if as_json:
        print_json(
            {"dataset_version": found.name, "intact": not wrong, "differences": [asdict(each) for each in wrong]}
        )
    else:
        dataset_views.print_differences(console, found, wrong)
    if wrong:
        raise typer.Exit(1)


@dataset.command()
def export(
    version: Named,
    to: Annotated[Literal["trl", "openai", "axolotl", "llama-factory"], typer.Option(help="The tool to write for.")],
    example_format: Annotated[
        Format | None, typer.Option("--format", help="Only these examples; by default all that the tool can use.")
    ] = None,
    split: Annotated[Literal["train", "test"] | None, typer.Option(help="Only this side.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; by default exports/VERSION/TOOL of the home.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a version as JSON lines that another tool reads, with the configuration that it needs."""
    from feedback_pipeline.curation.versions.export import export as write_for
    from feedback_pipeline.curation.versions.export_targets import TARGETS
    from feedback_pipeline.curation.versions.folder import read_rows
    from feedback_pipeline.inspection import dataset_views

    (found,) = _named(version)
    folder = out or Settings.from_environment().home / "exports" / found.name / to
    written = write_for(read_rows(found.folder), to, folder, example_format, split)
    if as_json:
        print_json({"note": TARGETS[to].note, "files": [asdict(file) for file in written]})
    else:
        dataset_views.print_export(console, found, folder, written, TARGETS[to].note)


def _known() -> "list[Version]":
    from feedback_pipeline.curation.versions.catalog import versions

    return versions(warehouse(), Settings.from_environment().datasets)


def _named(*names: str) -> "list[Version]":
    from feedback_pipeline.curation.versions.catalog import find_version

    known = _known()
    return [find_version(known, name) for name in names]
