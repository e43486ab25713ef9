"""Imports go one way, along the flow; Dagster stays in defs/."""

import ast
from pathlib import Path

import pytest

import feedback_pipeline

PACKAGE = Path(feedback_pipeline.__file__).parent
FLOW = [
    "redaction",
    "remote_models",
    "ingestion",
    "receiving",
    "evidence",
    "recall",
    "routing",
    "curation",
    "training",
    "evaluation",
    "governance",
    "inspection",
    "defs",
]
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def stage(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "feedback_pipeline" and parts[1] in FLOW else None


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_stage_imports_only_what_comes_before_it(file):
    own = file.relative_to(PACKAGE).parts[0]
    used = {stage(name) for name in imported(file)} - {None}

    if own in FLOW:
        assert all(FLOW.index(name) <= FLOW.index(own) for name in used)
    elif (own.endswith(".py") and own not in ("__init__.py", "definitions.py")) or own == "simulation":
        assert not used


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_only_defs_knows_dagster(file):
    inside = file.relative_to(PACKAGE).parts[0] in ("defs", "definitions.py")

    assert inside or not any(name.split(".")[0] == "dagster" for name in imported(file))
