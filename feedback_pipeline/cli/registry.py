"""The registry: what the gate decided, why, and what a person may do about it."""

import getpass
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from feedback_pipeline.cli.app import AsJson, app, console, print_json, warehouse
from feedback_pipeline.cli.lineage import RECEIVED, ReceivedAs, impact_named
from feedback_pipeline.inspection import render_registry
from feedback_pipeline.settings import Settings

if TYPE_CHECKING:
    from feedback_pipeline.evaluation.acts import Actor, Done

Version = Annotated[str, typer.Argument(help="A model version.")]
Why = Annotated[str, typer.Option(help="Why; it is kept with the act.")]
By = Annotated[str | None, typer.Option(help="Who acts; the user of this machine if not given.")]


@app.command()
def promotions(as_json: AsJson = False) -> None:
    """Show every decision of the gate and every act in the registry."""
    from feedback_pipeline.inspection.promotions import history

    found = history(warehouse())
    if as_json:
        print_json(found)
    else:
        render_registry.print_history(console, found)


@app.command()
def explain(
    version: Annotated[str, typer.Argument(help="A model version, or how only one begins.")], as_json: AsJson = False
) -> None:
    """Show why a version is champion, or is not: decision, comparisons, slices, data and ancestors."""
    from feedback_pipeline.inspection.promotions import explain as explained

    found = explained(warehouse(), version)
    if as_json:
        print_json(found)
    else:
        render_registry.print_explained(console, found)


@app.command()
def rollback(
    why: Why,
    to: Annotated[str | None, typer.Option(help="Version to go back to; the one before if not given.")] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Take the champion back; what continues from it is blocked until it is trained anew."""
    from feedback_pipeline.evaluation.acts import rollback as roll_back

    _act(lambda actor: roll_back(warehouse(), actor, to), why, by, as_json)


@app.command()
def hold(
    subject: Annotated[
        str,
        typer.Argument(help=f"A model version, a dataset version or an example_id; or what was received: {RECEIVED}"),
    ],
    why: Why,
    kind: ReceivedAs = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Veto a model, a dataset version, an example or all that came of something received, and what rests on it.

    Of a line, an answer, feedback, a file or a user, the examples are held that were made of it so far.
    """
    from feedback_pipeline.evaluation.acts import hold as put_on_hold

    named = _registered(subject, kind)
    _act(lambda actor: put_on_hold(warehouse(), Settings.from_environment().datasets, actor, named), why, by, as_json)


@app.command()
def release(
    subject: Annotated[str, typer.Argument(help="What was held or rolled back, named as it was then.")],
    why: Why,
    kind: ReceivedAs = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Take back a hold or a rollback."""
    from feedback_pipeline.evaluation.acts import release as let_go

    named = _registered(subject, kind)
    _act(lambda actor: let_go(warehouse(), actor, named), why, by, as_json)


@app.command()
def approve(version: Version, why: Why, by: By = None, as_json: AsJson = False) -> None:
    """Say yes to a version that the gate found better, where its policy wants a person to."""
    from feedback_pipeline.evaluation.acts import approve as say_yes

    _act(lambda actor: say_yes(warehouse(), actor, version), why, by, as_json)


@app.command()
def deploy(
    version: Version,
    name: Annotated[str, typer.Option("--as", help="What the product's logs call it (`model`).")],
    why: Why = "deployed",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Say what the logs call a version, so that what users say of it is watched."""
    from feedback_pipeline.evaluation.acts import deploy as say_deployed

    _act(lambda actor: say_deployed(warehouse(), actor, version, name), why, by, as_json)


def _registered(subject: str, kind: ReceivedAs) -> list[str]:
    """What the registry knows by that name, or else the examples that came of what was received under it."""
    from feedback_pipeline.evaluation.acts import is_registered
    from feedback_pipeline.governance.subject import UnknownSubjectError

    if kind is None and is_registered(warehouse(), subject):
        return [subject]
    try:
        examples = impact_named(subject, kind).examples
    except UnknownSubjectError as error:
        raise LookupError(f"no model version, dataset version or example {subject!r}, and {error}") from None
    if kept := examples.filter("kept")["example_id"].unique().sort().to_list():
        return kept
    raise LookupError(f"no example that came of {subject!r} was ever kept in a dataset")


def _act(act: "Callable[[Actor], Done]", why: str, by: str | None, as_json: bool) -> None:
    from feedback_pipeline.evaluation.acts import Actor

    done = act(Actor(by or getpass.getuser(), why, datetime.now(UTC)))
    if as_json:
        print_json(asdict(done))
    else:
        render_registry.print_done(console, done)
