"""Exchanges found again: by meaning, by words, by likeness."""

from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from feedback_pipeline.cli.app import AsJson, app, console, print_json, warehouse
from feedback_pipeline.inspection import render
from feedback_pipeline.settings import Settings

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def _from(what: str) -> Any:
    return typer.Option(formats=_FORMATS, help=f"{what} at this time (UTC) or later; a day counts from its start.")


def _before(what: str) -> Any:
    return typer.Option(formats=_FORMATS, help=f"{what} before this time (UTC); of a day named here nothing is found.")


@app.command()
def recall(
    text: Annotated[str | None, typer.Argument(help="What to look for, in any words.")] = None,
    like: Annotated[str | None, typer.Option(help="An interaction to find others like, in place of a text.")] = None,
    mode: Annotated[
        Literal["meaning", "words", "hybrid"], typer.Option(help="Order by meaning, by words (BM25), or by both.")
    ] = "meaning",
    role: Annotated[str | None, typer.Option(help="The asker's role.")] = None,
    environment: Annotated[str | None, typer.Option(help="Deployment.")] = None,
    model: Annotated[str | None, typer.Option(help="Model version that answered.")] = None,
    source: Annotated[str | None, typer.Option(help="Source of the answer.")] = None,
    language: Annotated[str | None, typer.Option(help="ISO 639-1 code, such as en.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Kind of evidence; any of several.")] = None,
    category: Annotated[list[str] | None, typer.Option(help="Reason category; any of several.")] = None,
    since: Annotated[datetime | None, _from("Answered")] = None,
    until: Annotated[datetime | None, _before("Answered")] = None,
    session_since: Annotated[datetime | None, _from("Session began")] = None,
    session_until: Annotated[datetime | None, _before("Session began")] = None,
    min_confidence: Annotated[float | None, typer.Option(help="Of the surest piece of evidence, 0 to 1.")] = None,
    max_satisfied: Annotated[float | None, typer.Option(help="Probability that the answer satisfied, 0 to 1.")] = None,
    where: Annotated[
        str | None, typer.Option(help='Further SQL filter on the metadata, such as "n_negative > 1".')
    ] = None,
    by_session: Annotated[bool, typer.Option("--by-session", help="Only the best exchange of each session.")] = False,
    k: Annotated[int, typer.Option("-k", min=1, help="How many exchanges.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Find the exchanges nearest to a text or to another exchange, with their feedback and metadata."""
    from feedback_pipeline.inspection.recalled import with_evidence
    from feedback_pipeline.recall.encoder import load_encoder
    from feedback_pipeline.recall.filters import Filters
    from feedback_pipeline.recall.search import search

    settings = Settings.from_environment()
    filters = Filters(
        user_role=role,
        environment=environment,
        model_version=model,
        source=source,
        language=language,
        kinds=tuple(kind or ()),
        categories=tuple(category or ()),
        since=since,
        until=until,
        session_since=session_since,
        session_until=session_until,
        min_confidence=min_confidence,
        max_p_satisfied=max_satisfied,
        where=where,
    )
    encoder = load_encoder(settings.encoder)
    nearest = search(settings.index, encoder, text, k, filters, like=like, mode=mode, by_session=by_session)
    found = with_evidence(warehouse(), nearest)
    if as_json:
        print_json(found)
    else:
        render.print_recalled(console, found, str(filters))
