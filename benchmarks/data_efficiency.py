"""Data efficiency: the tokens a curated dataset takes to the held-out loss that raw feedback ends at.

Both are made from the same logs of `qa_feedback`. Raw is every answer that was preferred to another and every
correction, as logged. Curated is what the pipeline keeps of them. The embedded model trains on each, on one pass over
the raw answers and on as many tokens of the curated ones, at the same constant rate; held out are the corrections of
questions that neither saw. `tokens_saved` is 1 - curated tokens / raw tokens, a mean over seeds, which draw the
order and LoRA's weights; `tokens_saved_low` its lower 95 % bound by Student's t. Where the raw loss is not reached
on as many tokens, that is a saving of nothing: the bound then says so.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from benchmarks.real_answers import REALDATA
from benchmarks.report import arguments, publish
from feedback_pipeline.curation.candidates import candidate_examples
from feedback_pipeline.curation.curate import curate
from feedback_pipeline.curation.inputs import WeekInputs, week_inputs
from feedback_pipeline.curation.splits import assign_split
from feedback_pipeline.evidence.nightly import evidence_of, verdicts_of
from feedback_pipeline.ingestion.landing import import_files
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.routing.nightly import routes_of
from feedback_pipeline.schemas import EVIDENCE, ROUTES, VERDICTS
from feedback_pipeline.settings import Settings
from feedback_pipeline.training.base_model import BaseModel, resolve_base_model
from feedback_pipeline.training.config import TrainingConfig
from feedback_pipeline.warehouse import Warehouse

MONDAY = date(2026, 1, 19)
SEEDS = (1, 2, 3)
CORRECTED = "inline_edit"


@dataclass(frozen=True)
class Work:
    """How much is done: questions trained on, held-out answers, tokens an example is cut at, steps between looks.

    None is all there are.
    """

    questions: int | None
    held_out: int | None
    max_length: int
    every: int


# All of them: from a hundred questions curation leaves 99 corrections, which are learned by heart too early.
FULL = Work(questions=None, held_out=None, max_length=512, every=12)
QUICK = Work(questions=5, held_out=4, max_length=64, every=2)


@dataclass(frozen=True)
class Curve:
    """Held-out loss, nats a token, at numbers of training tokens, from 0 on."""

    tokens: tuple[int, ...]
    losses: tuple[float, ...]

    @property
    def lowest(self) -> tuple[float, int]:
        """The least loss, and after how many tokens."""
        return min(zip(self.losses, self.tokens, strict=True))

    def tokens_to(self, loss: float) -> float | None:
        """Where the straight line between two looks first reaches `loss`; None where it never does."""
        points = list(zip(self.tokens, self.losses, strict=True))
        for (before, high), (after, low) in pairwise(points):
            if low <= loss:
                return before + (after - before) * min(1.0, max(0.0, (high - loss) / max(high - low, 1e-12)))
        return None


def judged_week(folder: Path) -> WeekInputs:
    """The logs through ingestion, evidence, verdicts and routes, as of the end of their week."""
    zone, warehouse = folder / "raw", Warehouse(folder / "warehouse.duckdb")
    days = [MONDAY + timedelta(days=number) for number in range(2)]
    import_files("qa_feedback", [REALDATA / "qa_feedback" / "dev.jsonl"], zone, days=(days[0], days[-1]))
    for day in days:
        store_day(warehouse, zone, day, Pseudonyms(b"benchmark"))
        warehouse.replace_partition(EVIDENCE, day, evidence_of(warehouse, day))
        warehouse.replace_partition(VERDICTS, day, verdicts_of(warehouse, day))
        warehouse.replace_partition(ROUTES, day, routes_of(warehouse, day))
    return week_inputs(warehouse, MONDAY)


def raw_answers(given: WeekInputs) -> pl.DataFrame:
    """`group_id`, `prompt`, `completion` of every answer that was preferred, and of every correction."""
    praised = given.evidence.filter(pl.col("kind") == "preference", pl.col("polarity") > 0)
    preferred = given.interactions.join(praised.select("interaction_id").unique(), on="interaction_id", how="semi")
    corrections = given.evidence.filter(pl.col("kind") == CORRECTED, pl.col("proposed_text").is_not_null())
    corrected = given.interactions.drop("response").join(
        corrections.select("interaction_id", response="proposed_text"), on="interaction_id"
    )
    columns = ["interaction_id", "session_id", "prompt_messages", "response"]
    answers = pl.concat([preferred.select(columns), corrected.select(columns)])
    return answers.sort(columns[0], columns[-1]).select(
        prompt="prompt_messages",
        completion=pl.col("response").map_elements(
            lambda text: [{"role": "assistant", "content": text}],
            return_dtype=pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
        ),
        group_id=pl.concat_str(pl.lit("session:"), "session_id"),
    )


def curated_answers(given: WeekInputs) -> pl.DataFrame:
    """The supervised examples that the pipeline keeps."""
    candidates = candidate_examples(given.verdicts, given.routes, given.evidence, given.interactions, MONDAY)
    examples = curate(candidates, given.verdicts["interaction_id"], given.history, MONDAY, given.crowd)
    return examples.filter("kept", pl.col("format") == "sft").sort("example_id")


def curve(
    answers: pl.DataFrame, held_out: list[dict[str, Any]], tokens: int | None, base: BaseModel, work: Work, seed: int
) -> Curve:
    """Train on one pass, or on as many as it takes to `tokens`, and look every `work.every` steps and at the end."""
    import torch
    from transformers import AutoTokenizer

    from benchmarks.training_systems import labelled
    from feedback_pipeline.training.answer_log_probs import answer_cross_entropy
    from feedback_pipeline.training.stage_run import adapted_model

    torch.manual_seed(seed)
    config = TrainingConfig(learning_rate=2e-4)
    model = adapted_model(base, None, config)
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    rows = [labelled(tokenizer, row, work.max_length) for row in answers.iter_rows(named=True)]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=config.learning_rate)
    head = model.get_base_model().get_output_embeddings().weight

    def nats(batch: list[dict[str, Any]]) -> tuple[Any, int]:
        ids, labels, mask = (
            torch.nn.utils.rnn.pad_sequence([torch.tensor(row[name]) for row in batch], True, filler)
            for name, filler in (("input_ids", 0), ("labels", -100), ("input_ids", -1))
        )
        with torch.autocast("cpu", dtype=head.dtype, enabled=head.dtype == torch.bfloat16):
            inner = model.get_base_model().base_model
            hidden = inner(input_ids=ids, attention_mask=(mask >= 0).long(), use_cache=False).last_hidden_state[:, :-1]
        answered = labels[:, 1:] != -100
        wanted = labels[:, 1:][answered]
        return answer_cross_entropy(hidden[answered].to(head.dtype), head, wanted), len(wanted)

    def look() -> float:
        with torch.no_grad():
            found = [nats(held_out[start : start + 4]) for start in range(0, len(held_out), 4)]
        return float(sum(total for total, _ in found)) / sum(count for _, count in found)

    seen, points = 0, [(0, look())]
    for step, batch in enumerate(_batches(rows, tokens, seed), start=1):
        total, count = nats(batch)
        (total / count).backward()
        optimizer.step()
        optimizer.zero_grad()
        seen += sum(len(row["input_ids"]) for row in batch)
        if step % work.every == 0:
            points.append((seen, look()))
    if points[-1][0] != seen:
        points.append((seen, look()))
    return Curve(*zip(*points, strict=True))


def _batches(rows: list[dict[str, Any]], tokens: int | None, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Batches of 4 in an order drawn anew each pass: one pass, or on and on to `tokens`."""
    random, seen = np.random.default_rng(seed), 0
    while True:
        order = random.permutation(len(rows))
        for start in range(0, len(rows), 4):
            batch = [rows[index] for index in order[start : start + 4]]
            yield batch
            seen += sum(len(row["input_ids"]) for row in batch)
            if tokens is not None and seen >= tokens:
                return
        if tokens is None:
            return


def main() -> None:
    options = arguments(str(__doc__))
    work = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        given = judged_week(Path(folder))
    raw, curated = raw_answers(given), curated_answers(given)
    sides = assign_split(raw.select("group_id").unique().with_columns(split=pl.lit(None, pl.String)))
    asked = sides.filter(pl.col("split") == "train")["group_id"].sort()[: work.questions].implode()
    held_out = curated.filter(pl.col("split") == "test", pl.col("origin") == CORRECTED)[: work.held_out]
    arms = {
        "raw": raw.filter(pl.col("group_id").is_in(asked)),
        "curated": curated.filter(pl.col("split") == "train", pl.col("group_id").is_in(asked)),
    }
    rows, saved = measured(arms, held_out, work)
    mean, error = float(np.mean(saved)), float(stats.sem(saved))
    low = mean - float(stats.t.ppf(0.975, len(saved) - 1)) * error
    title = f"{arms['raw'].height} raw answers, {arms['curated'].height} curated, {held_out.height} held out"
    publish("data_efficiency", title, rows, {"tokens_saved": mean, "tokens_saved_low": low}, options.json)


def measured(
    arms: dict[str, pl.DataFrame], held_out: pl.DataFrame, work: Work
) -> tuple[list[dict[str, Any]], list[float]]:
    """A row a seed and dataset, and what the curated one saved with each seed."""
    from transformers import AutoTokenizer

    from benchmarks.training_systems import labelled

    base = resolve_base_model(Settings.from_environment().base_model, Settings.from_environment().models)
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    wanted = [labelled(tokenizer, row, work.max_length) for row in held_out.iter_rows(named=True)]
    rows, saved = [], []
    for seed in SEEDS:
        by_raw = curve(arms["raw"], wanted, None, base, work, seed)
        goal, budget = by_raw.losses[-1], by_raw.tokens[-1]
        by_curated = curve(arms["curated"], wanted, budget, base, work, seed)
        reached = by_curated.tokens_to(goal)
        saved.append(1 - reached / budget if reached is not None else 0.0)
        for system, found in (("raw", by_raw), ("curated", by_curated)):
            rows.append(
                {
                    "system": system,
                    "seed": seed,
                    "tokens": found.tokens[-1],
                    "first loss": found.losses[0],
                    "last loss": found.losses[-1],
                    "least loss": found.lowest[0],
                    "after": found.lowest[1],
                    "tokens to the raw one's": budget
                    if system == "raw"
                    else round(reached)
                    if reached
                    else "not reached",
                }
            )
    return rows, saved


if __name__ == "__main__":
    main()
