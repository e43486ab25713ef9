"""The texts that the classifier learns from: templates in several languages, written for this, and variations of them.

Each template is said plainly, and once more as hasty people type or amid sentences that say nothing of the
answer. Everything drawn is drawn from a template's own words, so the same templates always give the same texts.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "texts"
# What is no reason: a complaint that gives none, and what is no complaint.
UNSPECIFIED, NONE = "unspecified", "none"
_PARTS = ("slots", "before", "after", "but")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class TrainingText:
    """A text, what it says (a reason, `unspecified` or `none`), and the template it was made from."""

    text: str
    says: str
    template: str
    language: str


@cache
def training_texts() -> tuple[TrainingText, ...]:
    """All variations of all templates, in a fixed order."""
    return tuple(
        text
        for file in sorted(FOLDER.glob("*.yaml"))
        for text in _of_language(file.stem, yaml.safe_load(file.read_text(encoding="utf-8")))
    )


def _of_language(language: str, content: dict[str, Any]) -> Iterator[TrainingText]:
    for says, templates in content.items():
        if says in _PARTS:
            continue
        for template in templates:
            rng = random.Random(f"{language}/{says}/{template}")
            for text in _variations(template, says, content, rng):
                yield TrainingText(text, says, f"{language}/{says}/{template}", language)


def _variations(template: str, says: str, content: dict[str, Any], rng: random.Random) -> Iterator[str]:
    slots = content.get("slots", {})
    yield _filled(template, slots, rng)
    if "before" in content and rng.random() < 0.5:
        yield _filled(_amid(template, says, content, rng), slots, rng)
    else:
        yield _hasty(_filled(template, slots, rng), rng)


def _amid(template: str, says: str, content: dict[str, Any], rng: random.Random) -> str:
    where = rng.choice(("before", "after", "both", "but") if says != NONE else ("before", "after", "both"))
    if where == "but":
        return f"{rng.choice(content['but'])} {template}"
    before = f"{rng.choice(content['before'])} " if where in ("before", "both") else ""
    ended = template if template[-1] in ".!?" else f"{template}."
    return before + (f"{ended} {rng.choice(content['after'])}" if where in ("after", "both") else template)


def _filled(template: str, slots: dict[str, list[str]], rng: random.Random) -> str:
    return _SLOT.sub(lambda slot: rng.choice(slots[slot[1]]), template)


def _hasty(text: str, rng: random.Random) -> str:
    """Lower case and without punctuation, shouted, or with two letters swapped, one lost or doubled."""
    style = rng.choice(("careless", "careless", "slip", "slip", "shouted", "slip twice"))
    if style == "careless":
        return re.sub(r"[.,!?']", "", text).lower()
    if style == "shouted":
        return text.upper() + "!" * rng.randint(1, 3)
    for _ in range(1 if style == "slip" else 2):
        text = _slipped(text, rng)
    return text


def _slipped(text: str, rng: random.Random) -> str:
    if len(text) < 6:
        return text
    at = rng.randrange(1, len(text) - 2)
    return rng.choice(
        (
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
        )
    )
