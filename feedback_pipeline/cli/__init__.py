"""`feedback-pipeline`: what Dagster's own command does not do. One module a topic; each adds its commands to `app`."""

from feedback_pipeline.cli import (
    datasets,
    lineage,
    logs,
    models,
    rates,
    reading,
    recalling,
    registry,
    review,
    simulated,
    themes,
)
from feedback_pipeline.cli.app import app, main

__all__ = [
    "app",
    "datasets",
    "lineage",
    "logs",
    "main",
    "models",
    "rates",
    "reading",
    "recalling",
    "registry",
    "review",
    "simulated",
    "themes",
]
