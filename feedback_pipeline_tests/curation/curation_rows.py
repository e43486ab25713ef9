"""Rows for the tests of curation: one call a row, what a test does not name is ordinary."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from feedback_pipeline.schemas import CURATED_EXAMPLES, EVIDENCE, INTERACTIONS, ROUTES, VERDICTS, Table

WEEK = date(2026, 1, 5)
NEXT_WEEK = date(2026, 1, 12)
NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)
WORDS = [
    "amber",
    "brisk",
    "cedar",
    "delta",
    "ember",
    "frost",
    "grove",
    "haven",
    "inlet",
    "jolly",
    "karst",
    "lunar",
    "mango",
    "noble",
    "ocean",
    "pearl",
    "quartz",
]


def rows(table: Table, *given: dict) -> pl.DataFrame:
    """Rows of a table from what is given of each."""
    return pl.DataFrame([{name: row.get(name) for name in table.columns} for row in given], schema=table.schema)


def said(role: str, content: str | None) -> list[dict]:
    return [{"role": role, "content": content}]


def words(seed: int, n: int = 12) -> str:
    """Words that no other seed has."""
    return " ".join(f"{WORDS[(seed * 7 + i) % len(WORDS)]}{seed}" for i in range(n))


def interaction(interaction_id="i1", question="How do I reset the lamp?", response="Hold the button.", **more) -> dict:
    return {
        "interaction_id": interaction_id,
        "session_id": f"s-{interaction_id}",
        "user_id": "u1",
        "model_version": "m1",
        "prompt_messages": said("user", question),
        "response": response,
        "observed_at": NOON,
        **more,
    }


def verdict(interaction_id="i1", **more) -> dict:
    usual = {
        "as_of": date(2026, 1, 11),
        "p_satisfied": 0.5,
        "n_positive": 0,
        "n_negative": 0,
        "n_explicit": 1,
        "evidence_ids": ["e1"],
        "last_observed_at": NOON,
    }
    return {"interaction_id": interaction_id, **usual, **more}


def evidence(kind="thumb", interaction_id="i1", evidence_id="e1", polarity=1, **more) -> dict:
    usual = {"user_id": "u1", "observed_at": NOON, "explicit": True}
    return {
        "kind": kind,
        "interaction_id": interaction_id,
        "evidence_id": evidence_id,
        "polarity": polarity,
        **usual,
        **more,
    }


def route(interaction_id="i1", destination="training") -> dict:
    return {"interaction_id": interaction_id, "destination": destination}


def inputs(interactions: list[dict], verdicts: list[dict], evidence: list[dict], routes: list[dict] | None = None):
    """The frames `candidate_examples` takes; everything goes to training unless said."""
    sent = routes if routes is not None else [route(row["interaction_id"]) for row in verdicts]
    return {
        "verdicts": rows(VERDICTS, *verdicts),
        "routes": rows(ROUTES, *sent),
        "evidence": rows(EVIDENCE, *evidence),
        "interactions": rows(INTERACTIONS, *interactions),
        "week": WEEK,
    }


def example(
    example_id="x1", question="How do I reset the lamp?", answer="Hold the button.", origin="accepted", **more
) -> dict:
    """A candidate of format sft unless said otherwise, of a user and session of its own."""
    ordinary = {
        "week": WEEK,
        "example_id": example_id,
        "format": "sft",
        "origin": origin,
        "prompt": said("user", question),
        "group_id": f"user:{example_id}",
        "interaction_id": f"i-{example_id}",
        "session_id": f"s-{example_id}",
        "evidence_ids": ["e1"],
        "observed_at": NOON,
    }
    if more.get("format") != "preference":
        ordinary["completion"] = said("assistant", answer)
    return {**ordinary, **more}


def preference(example_id: str, chosen: str, rejected: str, **more) -> dict:
    return example(
        example_id,
        format="preference",
        origin="preference",
        chosen=said("assistant", chosen),
        rejected=said("assistant", rejected),
        **more,
    )


def examples(*given: dict) -> pl.DataFrame:
    return rows(CURATED_EXAMPLES, *given)


def kept(*given: dict) -> pl.DataFrame:
    """Examples an earlier week kept."""
    return examples(*({"kept": True, **row} for row in given))


def group_on(side: str, seed: int = 0) -> str:
    """A group whose split is `side`."""
    from feedback_pipeline.curation.splits import assign_split

    names = [f"user:{seed}-{i}" for i in range(60)]
    sides = assign_split(examples(*(example(name, group_id=name) for name in names)))
    return sides.filter(pl.col("split") == side)["group_id"][0]


class Topics:
    """An encoder for which texts mean the same that have the same of its words, however they are put."""

    name, version, dimension = "topics", "1", 8
    topics = ("reset", "lamp", "hold", "pair", "router", "noise", "the", "please")

    def encode(self, texts):
        vectors = np.array([[float(topic in text) for topic in self.topics] for text in texts], dtype=np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def reasons(frame: pl.DataFrame) -> dict:
    """Filter reason of each example by id."""
    return dict(frame.select("example_id", "filter_reason").iter_rows())
