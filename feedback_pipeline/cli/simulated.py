"""A simulated product: its logs, with answers of its own or a real model's."""

from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from feedback_pipeline.cli.app import AsJson, app, console, print_json, warehouse
from feedback_pipeline.inspection import render
from feedback_pipeline.settings import Settings
from feedback_pipeline.simulation import SimulationConfig, Spoken

CHAMPION, BASE = "champion", "base"


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Receives raw/ (a landing zone) and truth/ (what was planted).")],
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 7,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = datetime(2026, 1, 5),
    days: Annotated[int, typer.Option(min=1)] = 14,
    days_from: Annotated[
        int | None, typer.Option(min=0, help="First day to write now, from 0; goes on with the days written before.")
    ] = None,
    days_until: Annotated[int | None, typer.Option(min=1, help="First day not to write yet.")] = None,
    interactions_per_day: Annotated[int, typer.Option(min=1)] = 45,
    users: Annotated[int, typer.Option(min=1)] = 90,
    rate: Annotated[
        list[str] | None, typer.Option(help="A rate of trouble, such as corrections=0.3; may be given several times.")
    ] = None,
    answers_by: Annotated[
        str | None,
        typer.Option(
            help="Answer with a model of this deployment: champion (base before there is one), base, or a VERSION."
        ),
    ] = None,
    questions: Annotated[int, typer.Option(min=1, max=12, help="Ways in which that model is asked about a fact.")] = 3,
    processes: Annotated[int, typer.Option(min=1, help="They change the speed, not what is written.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Write the logs of a simulated product assistant, and apart from them the truth behind them."""
    from feedback_pipeline.simulation import simulate as write_logs

    rates = dict(_rate(text) for text in rate or [])
    if unknown := set(rates) - {name for name, value in asdict(SimulationConfig()).items() if type(value) is float}:
        raise ValueError(f"no such rate: {', '.join(sorted(unknown))}")
    config = replace(
        SimulationConfig(),
        seed=seed,
        start=start.date(),
        days=days,
        interactions_per_day=interactions_per_day,
        users=users,
    )
    config = replace(config, **rates)
    in_parts = days_from is not None or days_until is not None
    part = range(days_from or 0, days_until or days) if in_parts else None
    spoken = _spoken(answers_by, config, part.start if part else 0, questions) if answers_by else None
    counts = asdict(write_logs(config, folder / "raw", folder / "truth", processes, part, spoken))
    if spoken:
        outcomes = [answer.outcome for _, answer in spoken.judged(config)]
        counts |= {"asked": len(outcomes), "right": outcomes.count("right"), "wrong": outcomes.count("wrong")}
    if as_json:
        print_json(counts | ({"answered_by": spoken.model_version} if spoken else {}))
    else:
        by = f", answered by {spoken.model_version}" if spoken else ""
        render.print_counts(console, f"Written to {folder}{by}", counts)


def _spoken(answers_by: str, config: SimulationConfig, day: int, questions: int) -> Spoken:
    """What a model of the deployment says to the users of `day`. Raises `LookupError` where it has no such version."""
    from feedback_pipeline.evaluation.registry import champion
    from feedback_pipeline.evaluation.shared_weights import SharedWeights
    from feedback_pipeline.simulation import speak
    from feedback_pipeline.training.base_model import resolve_base_model
    from feedback_pipeline.training.registered_version import registered_version

    settings = Settings.from_environment()
    promoted = champion(warehouse()) if answers_by == CHAMPION else None
    version = promoted.model_version if promoted else None if answers_by in (CHAMPION, BASE) else answers_by
    adapter = settings.adapters / version if version else None
    if adapter and not adapter.is_dir():
        raise LookupError(
            f"no adapter {version} in {settings.adapters}: the champion, base or a trained version answer"
        )
    if adapter:
        registered_version(warehouse(), adapter)
    weights = SharedWeights(resolve_base_model(settings.base_model, settings.models))
    model = weights.adapted(adapter) if adapter else weights.base_model()
    return speak(model, model.version, config, day, questions)


def _rate(text: str) -> tuple[str, Any]:
    name, _, number = text.partition("=")
    try:
        return name, float(number)
    except ValueError:
        raise ValueError(f"--rate {text}: not a name and a number, such as corrections=0.3") from None
