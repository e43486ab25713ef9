"""What came of training: the champion."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from feedback_pipeline.cli.app import AsJson, app, console, print_json, warehouse
from feedback_pipeline.inspection import render
from feedback_pipeline.settings import Settings


@app.command()
def champion(
    path: Annotated[bool, typer.Option("--path", help="Print only the folder of the PEFT adapter.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the promoted version, its base model, dataset and decision."""
    from feedback_pipeline.evaluation.registry import champion as promoted
    from feedback_pipeline.evaluation.registry import promoted_weights
    from feedback_pipeline.training.registered_version import registered_version

    settings = Settings.from_environment()
    current = promoted(warehouse())
    if current is None:
        raise LookupError("no champion yet: nothing was promoted")
    found = asdict(current) | {"folder": str(settings.home / (current.folder or ""))}
    if path:
        if current.folder is None:
            raise LookupError(f"nothing is recorded of the training of {current.model_version}")
        # Whoever loads it trusts what is printed here.
        trained = registered_version(warehouse(), Path(found["folder"]))
        weights = promoted_weights(warehouse(), current.model_version)
        if weights and trained.adapter_hash not in weights:
            raise LookupError(f"{current.model_version} was trained again since it was promoted: judge its week again")
        print(found["folder"])
    elif as_json:
        print_json(found)
    else:
        render.print_rows(console, "Champion", [{"": name, "value": value} for name, value in found.items()])
