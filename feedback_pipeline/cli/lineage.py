"""Who is behind what: `why` goes back from an example, `impact` on from what was received."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from feedback_pipeline.cli.app import AsJson, app, console, print_json, warehouse
from feedback_pipeline.settings import Location, Settings

if TYPE_CHECKING:
    from feedback_pipeline.governance.impact import Impact

RECEIVED = "an event's, interaction's or feedback's id, a user, a file, or FILE:LINE."
ReceivedAs = Annotated[
    Literal["event", "file", "interaction", "feedback", "user"] | None,
    typer.Option("--as", help="What it is, where several are called so."),
]


@app.command()
def why(
    example: Annotated[str, typer.Argument(help="An example's id, or the start of one.")], as_json: AsJson = False
) -> None:
    """Tell the chain behind an example: verdict, evidence, interaction, down to file and line."""
    from feedback_pipeline.governance.why import why as chain_behind
    from feedback_pipeline.inspection.lineage_views import print_why

    found = chain_behind(warehouse(), Settings.from_environment().datasets, example)
    if as_json:
        print_json(found)
    else:
        print_why(console, found)


@app.command()
def impact(
    subject: Annotated[str, typer.Argument(help=f"What was received: {RECEIVED}")],
    kind: ReceivedAs = None,
    as_json: AsJson = False,
) -> None:
    """Tell everything downstream: evidence, verdicts, examples, dataset versions, models and decisions."""
    from feedback_pipeline.inspection.lineage_views import impact_values, print_impact

    followed = impact_named(subject, kind)
    if as_json:
        print_json(impact_values(followed))
    else:
        print_impact(console, followed)


def impact_named(subject: str, kind: ReceivedAs) -> "Impact":
    """Everything downstream of what somebody named. Raises `UnknownSubjectError`."""
    from feedback_pipeline.governance.impact import impact_of
    from feedback_pipeline.governance.subject import find_subject
    from feedback_pipeline.ingestion.pseudonyms import Pseudonyms

    settings = Settings.from_environment()
    named = _below(settings.landing_zone, subject)
    found = find_subject(warehouse(), named, Pseudonyms.existing(settings.user_key), kind)
    return impact_of(warehouse(), settings.datasets, found)


def _below(landing_zone: Location, name: str) -> str:
    """A file's path below the landing zone, where it is named from the root or from the current folder."""
    whole = name if "://" in name else str(Path(name).absolute())
    zone = f"{landing_zone}".rstrip("/") + "/"
    return whole.removeprefix(zone) if whole.startswith(zone) else name
