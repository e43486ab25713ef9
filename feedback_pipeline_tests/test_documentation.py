"""What people read first: its links lead somewhere, and what it names is there."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

import feedback_pipeline
from feedback_pipeline.cli.app import app

ROOT = Path(feedback_pipeline.__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_project_leads_to_a_file(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_named_is_one(page):
    named = set(re.findall(r"(?m)(?:^|`)feedback-pipeline ([a-z]+)", page.read_text()))

    assert named <= set(get_command(app).commands)


def test_every_benchmark_named_is_there():
    named = set(re.findall(r"python -m benchmarks\.(\w+)", (ROOT / "README.md").read_text()))

    assert named
    assert {name for name in named if not (ROOT / "benchmarks" / f"{name}.py").exists()} == set()
