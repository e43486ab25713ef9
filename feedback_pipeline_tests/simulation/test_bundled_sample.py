import hashlib
import re
from datetime import date
from itertools import combinations
from pathlib import Path

import pytest

from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.settings import PROJECT_ROOT

DATA = PROJECT_ROOT / "data"
HELD_OUT = 0.25


def files(folder: Path) -> dict[Path, Path]:
    sources = [folder / "raw" / "assistant", folder / "raw" / "feedback", folder / "truth"]
    return {path.relative_to(folder): path for source in sources for path in source.rglob("*") if path.is_file()}


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_bundled_sample_is_what_the_default_configuration_writes(sample, content):
    bundled, written = files(DATA), files(sample.folder)
    assert bundled.keys() == written.keys()
    assert [name for name in bundled if content(bundled[name]) != content(written[name])] == []


def test_the_bundled_sample_is_small(sample):
    assert size(sample.folder / "raw") < 600_000
    assert size(sample.folder / "truth") < 400_000


def useful(sample, week: int) -> dict[str, dict]:
    """Answers of a week that teach: replaced ones, and right ones that were explicitly liked."""
    asked = {row["interaction_id"]: row for row in sample.truth("interactions")}
    found = {}
    for event in sample.feedback().values():
        row = asked.get(event.get("interaction_id"))
        if row is None or (date.fromisoformat(event["timestamp"][:10]) - date(2026, 1, 5)).days // 7 != week:
            continue
        liked = event.get("label") == "up" or event.get("rating") == 5
        if event["kind"] in ("correction", "inline_edit") or (row["outcome"] == "right" and liked):
            found[row["interaction_id"]] = row
    return found


@pytest.mark.parametrize("week", [0, 1])
def test_each_week_teaches_enough_and_holds_enough_out(sample, week):
    found = useful(sample, week)
    assert len(found) >= 140
    assert len({row["user_id"] for row in found.values()}) >= 60
    pseudonyms = Pseudonyms(key_of_the_demo())
    held_out = [row for row in found.values() if fraction(f"user:{pseudonyms.of(row['user_id'])}") < HELD_OUT]
    assert len(held_out) >= 30
    assert len({row["user_id"] for row in held_out}) >= 15
    assert len({row["fact_id"] for row in held_out}) >= 12


def key_of_the_demo() -> bytes:
    """The users' split follows from their pseudonyms, and these from the key that the Makefile gives the demo."""
    (key,) = re.findall(
        r"FEEDBACK_USER_KEY := \$\(or \$\(FEEDBACK_USER_KEY\),(\w+)\)", (PROJECT_ROOT / "Makefile").read_text()
    )
    return key.encode()


def fraction(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 16**8


def trigrams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[k : k + 3]) for k in range(len(words) - 2)}


def question(record: dict) -> str:
    return record["request"]["messages"][-1]["content"]


def test_different_users_rarely_ask_about_a_fact_in_nearly_the_same_words(sample):
    interactions = sample.interactions()
    asked = [
        (row["fact_id"], row["user_id"], trigrams(question(interactions[row["interaction_id"]])))
        for row in sample.truth("interactions")
        if "fact_id" in row
    ]
    pairs = [(a[2], b[2]) for a, b in combinations(asked, 2) if a[0] == b[0] and a[1] != b[1]]
    alike = sum(len(a & b) / len(a | b) >= 0.5 for a, b in pairs)
    assert alike / len(pairs) < 0.03


def test_prompts_are_mostly_short(sample):
    lengths = [
        sum(len(message["content"].split()) for message in record["request"]["messages"])
        for record in sample.interactions().values()
    ]
    assert sum(length < 90 for length in lengths) / len(lengths) > 0.7
    system = next(iter(sample.interactions().values()))["request"]["messages"][0]["content"]
    assert len(system.split()) <= 25
