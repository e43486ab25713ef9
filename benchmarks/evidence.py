"""Evidence read from behaviour against what people said and did, on data that nobody here wrote.

- realhumaneval: programmers' near-identical consecutive prompts (a label made by character trigrams, which the
  detector does not use), and the answers that they copied from, told from what followed in words alone.
- ifllm: ratings of 1 or 2 of 5, told from what came after the answer and never from the rating.
- qa_feedback: whether evidence keeps category and characters of every marked error.
- reasons read from words: see `evidence_reasons`.

Everything comes through ingestion and a night's evidence. Intervals are 95 %, by bootstrap over users. `random`
and `length only` (of the answer) are the baselines of each AUC.
"""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks import evidence_reasons
from benchmarks.cluster_bootstrap import Measured, auc, share
from benchmarks.report import arguments, publish
from feedback_pipeline.evidence.nightly import evidence_of
from feedback_pipeline.evidence.sessions import consecutive_turns
from feedback_pipeline.ingestion.landing import import_files
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import EVIDENCE, FEEDBACK_EVENTS, INTERACTIONS
from feedback_pipeline.settings import PROJECT_ROOT
from feedback_pipeline.warehouse import Warehouse, current

REAL_DATA = Path(os.environ.get("FEEDBACK_REALDATA") or PROJECT_ROOT.parent / "shared" / "realdata")
DAYS = (date(2025, 1, 6), date(2026, 3, 1))
# Half of their character trigrams in common: one word in ten or so was changed.
NEAR_IDENTICAL = 0.5
LOW_RATING = 2
RESAMPLES, QUICK_RESAMPLES = 2000, 500


@dataclass(frozen=True)
class Loaded:
    """A data set after its nights."""

    interactions: pl.DataFrame
    feedback: pl.DataFrame
    evidence: pl.DataFrame


def loaded(folder: Path, sources: dict[str, str]) -> Loaded:
    """Ingest `sources` (name and file) and derive evidence of every day with arrivals, and of the three after it."""
    warehouse = Warehouse(folder / "warehouse.duckdb")
    landed = [
        part
        for source, file in sources.items()
        for part in import_files(source, [REAL_DATA / file], folder / "raw", days=DAYS)
    ]
    arrivals = sorted({part.day for part in landed})
    for day in arrivals:
        store_day(warehouse, folder / "raw", day, Pseudonyms(b"benchmark"))
    for day in sorted({day + timedelta(days=after) for day in arrivals for after in range(4)}):
        warehouse.replace_partition(EVIDENCE, day, evidence_of(warehouse, day))
    tables = (INTERACTIONS, FEEDBACK_EVENTS, EVIDENCE)
    return Loaded(*(warehouse.read(f"SELECT * FROM {current(table, date.max)}") for table in tables))


def against(evidence: pl.DataFrame) -> pl.DataFrame:
    """`interaction_id` and the log-odds that behaviour alone speaks against it: the sum over the kinds of sign."""
    certain = pl.col("confidence").clip(0.5, 0.99)
    return (
        evidence.filter(~pl.col("explicit"))
        .group_by("interaction_id", "kind", "polarity")
        .agg(pl.col("confidence").max())
        .group_by("interaction_id")
        .agg(against=-(pl.col("polarity") * (certain / (1 - certain)).log()).sum())
    )


def with_against(answers: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    scored = answers.join(against(evidence), on="interaction_id", how="left")
    return scored.with_columns(pl.col("against").fill_null(0.0), length=pl.col("response").str.len_chars())


def auc_rows(name: str, frame: pl.DataFrame, label: str, score: str, resamples: int) -> dict[str, dict[str, Any]]:
    """The detector and its two baselines. A random score orders by chance; length is turned the way that helps it."""
    frame = frame.sort("interaction_id")
    random = frame.with_columns(random=pl.Series(np.random.default_rng(1).random(frame.height)))
    helps = auc(random, "length", label, "user_id", 1).value >= 0.5
    turned = random.with_columns(turned=pl.col("length") * (1 if helps else -1))
    systems = {name: score, f"{name}: length only": "turned", f"{name}: random": "random"}
    return {system: row("AUC", auc(turned, column, label, "user_id", resamples)) for system, column in systems.items()}


def row(figure: str, measured: Measured) -> dict[str, Any]:
    return {"figure": figure, **asdict(measured)}


def trigram_overlap(one: str, other: str) -> float:
    """Jaccard overlap of character trigrams, layout and case aside."""
    grams = [
        {text[i : i + 3] for i in range(len(text) - 2)} for text in (" ".join(t.lower().split()) for t in (one, other))
    ]
    return len(grams[0] & grams[1]) / max(1, len(grams[0] | grams[1]))


def realhumaneval(data: Loaded, resamples: int) -> dict[str, dict[str, Any]]:
    turns = consecutive_turns(data.interactions).drop_nulls("previous_id")
    overlap = [trigram_overlap(*pair) for pair in turns.select("question", "previous_question").fill_null("").rows()]
    fired = data.evidence.filter(pl.col("kind") == "rephrase").select(previous_id="interaction_id", score="score")
    judged = turns.with_columns(again=pl.Series(overlap) >= NEAR_IDENTICAL, length=pl.col("question").str.len_chars())
    judged = judged.join(fired, on="previous_id", how="left").with_columns(pl.col("score").fill_null(0.0))
    found = judged.filter(pl.col("score") > 0)
    rows = auc_rows("rephrase_realhumaneval", judged, "again", "score", resamples)
    right = share(found, "again", "user_id", resamples)
    rows["rephrase_realhumaneval "] = row("precision", right)
    copied = data.feedback.filter(pl.col("kind") == "copy")["interaction_id"].unique()
    answers = data.interactions.with_columns(not_copied=~pl.col("interaction_id").is_in(copied.implode()))
    behaviour = with_against(answers, data.evidence.filter(pl.col("kind") != "copy"))
    rows |= auc_rows("not_copied_realhumaneval", behaviour, "not_copied", "against", resamples)
    seen = data.evidence.filter(pl.col("kind") == "copy")["interaction_id"].unique()
    told = answers.filter(pl.col("interaction_id").is_in(seen.implode())).with_columns(copied=~pl.col("not_copied"))
    exact = share(told, "copied", "user_id", resamples)
    rows["copy_realhumaneval"] = row("precision", exact)
    return rows


def ifllm(data: Loaded, resamples: int) -> dict[str, dict[str, Any]]:
    ratings = data.feedback.filter(pl.col("kind") == "rating").select("interaction_id", "rating")
    rated = data.interactions.join(ratings, on="interaction_id").with_columns(low=pl.col("rating") <= LOW_RATING)
    judged = with_against(rated, data.evidence)
    followed = judged.join(
        consecutive_turns(data.interactions).select(interaction_id="previous_id").drop_nulls().unique(),
        on="interaction_id",
        how="semi",
    )
    rows = auc_rows("low_rating_ifllm", judged, "low", "against", resamples)
    rows |= auc_rows("low_rating_followed_ifllm", followed, "low", "against", resamples)
    signs = data.evidence.filter(~pl.col("explicit")).select("interaction_id", "kind", "polarity").unique()
    for kind, sign in sorted(signs.partition_by("kind", as_dict=True).items()):
        of_kind = rated.join(sign, on="interaction_id").filter(pl.col("polarity") != 0)
        if of_kind.is_empty():
            continue
        agrees = of_kind.with_columns(right=pl.col("low") == (pl.col("polarity") < 0))
        measured = share(agrees, "right", "user_id", resamples)
        rows[f"{kind[0]}_ifllm"] = row("precision", measured)
    rows |= evidence_reasons.on_task_comments(
        evidence_reasons.classifier(), data.interactions, data.feedback, LOW_RATING, resamples
    )
    base = share(rated, "low", "user_id", resamples)
    rows["any answer rated low, ifllm"] = row("rate", base)
    return rows


def qa_feedback(data: Loaded, resamples: int) -> dict[str, dict[str, Any]]:
    """Categories and characters of the marked errors, and whether edits change what was marked."""
    with (REAL_DATA / "qa_feedback/dev.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    marked = pl.DataFrame(
        [
            {"question": record["question"], "range_start": error["start"], "range_end": error["end"]}
            for record in records
            for error in record["feedback"]["errors"]
        ]
    )
    first = data.interactions.filter(pl.col("interaction_id").str.ends_with("-1"))
    ids = consecutive_turns(first).select("interaction_id", "question", "response")
    kept = data.evidence.filter(pl.col("kind") == "highlight")
    spans = marked.join(ids, on="question", how="left").join(
        kept.select("interaction_id", "range_start", "range_end", "reason").unique(),
        on=["interaction_id", "range_start", "range_end"],
        how="left",
    )
    spans = spans.with_columns(right=pl.col("reason").is_not_null())
    whole = share(spans, "right", "question", resamples)
    edited = (
        data.evidence.filter((pl.col("kind") == "inline_edit") & (pl.col("edit") == "partial"))
        .select("interaction_id", "edit_changes")
        .explode("edit_changes")
        .select("interaction_id", pl.col("edit_changes").struct.unnest())
        .filter(pl.col("removed") != "")
        .sort("interaction_id", "range_start", "range_end", "added")
        .with_row_index("change")
        .join(ids, on="interaction_id", maintain_order="left")
    )
    places = edited.with_columns(width=pl.col("range_end") - pl.col("range_start")).with_columns(
        chance=(
            pl.Series(np.random.default_rng(2).random(edited.height))
            * (pl.col("response").str.len_chars() - pl.col("width"))
        ).cast(pl.Int64)
    )
    rows = {"error_spans_qa_feedback": row("precision", whole)}
    for name, start in (("edit_spans_qa_feedback", "range_start"), ("edit_spans_qa_feedback: random place", "chance")):
        near = places.select("change", "question", "interaction_id", a=pl.col(start), b=pl.col(start) + pl.col("width"))
        hit = near.join(spans.select("interaction_id", "range_start", "range_end"), on="interaction_id", how="left")
        overlap = (pl.col("a") < pl.col("range_end")) & (pl.col("b") > pl.col("range_start"))
        judged = hit.group_by("change", "question").agg(right=overlap.fill_null(False).any()).sort("change")
        measured = share(judged, "right", "question", resamples)
        rows[name] = row("precision", measured)
    return rows


DATA_SETS: tuple[tuple[dict[str, str], Callable[[Loaded, int], dict[str, dict[str, Any]]]], ...] = (
    ({"realhumaneval": "realhumaneval/dev.jsonl"}, realhumaneval),
    ({"ifllm": "ifllm/dev.jsonl", "ifllm_tasks": "ifllm/dev_tasks.jsonl"}, ifllm),
    ({"qa_feedback": "qa_feedback/dev.jsonl"}, qa_feedback),
)


def main() -> None:
    options = arguments(__doc__)
    resamples = QUICK_RESAMPLES if options.quick else RESAMPLES
    rows: dict[str, dict[str, Any]] = {}
    for sources, measure in DATA_SETS:
        with tempfile.TemporaryDirectory() as folder:
            rows |= measure(loaded(Path(folder), sources), resamples)
    reader = evidence_reasons.classifier()
    rows |= evidence_reasons.on_training_texts(reader, resamples)
    rows |= evidence_reasons.on_simulated_remarks(reader, resamples)
    ratios: dict[str, float] = {}
    for system, figures in rows.items():
        name = system.strip()
        if ":" in name or figures["figure"] not in ("AUC", "precision"):
            continue
        key = f"{figures['figure'].lower()}_{name}"
        ratios |= {key: figures["value"], f"{key}_low": figures["low"], f"{key}_high": figures["high"]}
    publish(
        "evidence",
        f"behaviour against labels, 95 % intervals over users, {resamples:,} resamples",
        [{"system": system.strip(), **figures} for system, figures in rows.items()],
        ratios,
        options.json,
    )


if __name__ == "__main__":
    main()
