"""What an adapter's folder says about it to people: a card as on the Hugging Face Hub, and the decision's picture."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from feedback_pipeline.evaluation.forest_plot import forest_plot
from feedback_pipeline.evaluation.judge_finding import told

CARD_FILE = "MODEL_CARD.md"
PLOT_FILE = "forest_plot.png"
_COMPARED = ("suite", "metric", "estimate", "lower", "upper", "n", "clusters")
_SLICED = ("dimension", "value", "outcome", "estimate", "lower", "upper", "n", "clusters")
_TRAINED = ("method", "parent_version", "dataset_version", "dataset_hash", "base_hash", "examples", "tokens", "steps")
_USE = (
    "To answer the questions of the product whose feedback it was trained on, in place of the version it was "
    "compared with, once it is promoted. It was judged on held-out examples of that product only: of other "
    "questions, users or languages nothing is known, and whoever serves it answers for safety beyond the suites below."
)


def write_card(folder: Path, model: Mapping[str, Any], promotion: Mapping[str, Any]) -> None:
    """Put `MODEL_CARD.md` and `forest_plot.png` into an adapter's folder, each whole or not at all.

    `model` is a row of `model_versions`, `promotion` one of `promotions`. Neither file belongs to what the
    adapter's manifest seals: nothing loads them.
    """
    picture = forest_plot(promotion)
    if picture:
        _replace(folder / PLOT_FILE, picture)
    _replace(folder / CARD_FILE, card(model, promotion, pictured=picture is not None).encode())


def card(model: Mapping[str, Any], promotion: Mapping[str, Any], pictured: bool = True) -> str:
    """The card in Markdown; its front matter tells the Hub what there is."""
    front_matter = {
        "base_model": model["base_model"],
        "datasets": [model["dataset_version"]],
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": ["lora", "feedback-pipeline", promotion["decision"]],
    }
    version = model["model_version"]
    config = {name: str(value) for name, value in sorted(json.loads(model["config"] or "{}").items())}
    lines = [
        f"---\n{yaml.safe_dump(front_matter, sort_keys=False)}---\n",
        f"# {version}\n",
        f"A LoRA adapter for `{model['base_model']}`, trained on what users did about answers.\n",
        f"## Decision\n\n**{promotion['decision']}** in the week of {promotion['week']}, against "
        f"`{promotion['reference']}`. {promotion['reason']}\n",
        f"What was done since: `feedback-pipeline explain {version}`.\n",
        *([f"![differences with intervals and margins]({PLOT_FILE})\n"] if pictured else []),
        "## Compared\n\nMean paired improvement with its interval, positive where this adapter is better (of "
        "`answer_words`: says more).\n",
        _table(json.loads(promotion["comparisons"] or "[]"), _COMPARED),
        f"\n- p-value of no gain: {_cell(promotion['p_value'])}, to reach {_cell(promotion['alpha'])} at this look",
        f"- suite: `{promotion['suite_hash']}`\n",
        *([f"{told(json.loads(promotion['judge']))}\n"] if promotion["judge"] else []),
        "## Slices\n\nWanted answers' likelihood by who asked what; `not judged` is neither a pass nor a fail.\n",
        _table(json.loads(promotion["slices"] or "[]"), _SLICED),
        f"\n## Intended use\n\n{_USE}\n",
        "## Training\n",
        _table([{"what": name, "value": model[name]} for name in _TRAINED], ("what", "value")),
        "\n### Configuration\n",
        _table([{"field": name, "value": value} for name, value in config.items()], ("field", "value")),
        "",
    ]
    return "\n".join(lines)


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    if not rows:
        return "none"
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [list(columns), ["---"] * len(columns), *cells])


def _cell(value: object) -> str:
    text = "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def _replace(file: Path, content: bytes) -> None:
    # Beside the folder, so that nobody who checks it sees a file half written.
    draft = file.parent.parent / f".{file.parent.name}-{file.name}"
    draft.write_bytes(content)
    os.replace(draft, file)
