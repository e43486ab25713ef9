"""What a person must judge: answers on which people contradict each other, and corrections that are held."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from feedback_pipeline.curation.disputes import claims_of, sides
from feedback_pipeline.curation.edits import wanted_answer
from feedback_pipeline.curation.messages import answer
from feedback_pipeline.curation.neighbours import neighbours
from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.curation.stable_hash import sha256_hex
from feedback_pipeline.curation.trust import CONTENT
from feedback_pipeline.questions import asked
from feedback_pipeline.recall.encoder import Encoder
from feedback_pipeline.redaction.names import NameModel
from feedback_pipeline.redaction.redact import redact_together
from feedback_pipeline.schemas import REVIEW_QUEUE

# Curation's reasons that a reviewer can lift.
HELD = ("disputed_correction", "template_over_share", "burst_of_new_users", "little_support", "contradicted")
_UNSAFE = "said to be unsafe"
_ITEM_ID_LENGTH = 24


def review_queue(
    waiting: pl.DataFrame,
    interactions: pl.DataFrame,
    evidence: pl.DataFrame,
    kept: pl.DataFrame,
    week: date,
    names: NameModel | None = None,
    encoder: Encoder | None = None,
) -> pl.DataFrame:
    """Rows of `REVIEW_QUEUE`: one per answer that waits, with what each side wants and how many users are on it.

    `waiting` has `interaction_id`, `reason`, `held_by` and `since`; `interactions` and `evidence` are about
    these; `kept` are examples, of which those that like the same answer are heard too. With an `encoder` the queue
    names those of them whose question means the same.
    """
    if waiting.is_empty():
        return REVIEW_QUEUE.empty()
    answered = interactions.select("interaction_id", "response", question=asked(), text=pl.lit(None, pl.String))
    said = _statements(evidence, interactions)
    texts = _redacted(pl.concat([answered, said.select(answered.columns)]), names)
    answers = waiting.join(texts.head(answered.height).drop("text"), on="interaction_id")
    said = said.with_columns(texts.tail(said.height).get_columns())
    likes = _likes(kept)
    claims = _numbered(pl.concat([answers["response"], likes["response"]]))
    answers = answers.join(claims, on="response").sort("since", "interaction_id")
    spoken = pl.concat(
        [
            said.join(answers.select("interaction_id", "claim"), on="interaction_id").drop(
                "interaction_id", "question"
            ),
            likes.join(claims, on="response"),
        ]
    )
    by_claim = spoken.partition_by("claim", as_dict=True)
    nothing = spoken.clear()
    items = [
        _item(rows, by_claim.get(claim, nothing)) for claim, rows in answers.group_by("claim", maintain_order=True)
    ]
    queue = pl.DataFrame(items, schema_overrides={"sides": REVIEW_QUEUE.schema["sides"]})
    asks = queue.select(normal_form(pl.col("question").fill_null("")))["question"]
    queue = queue.with_columns(neighbour_ids=neighbours(asks, queue["interaction_ids"], kept, encoder))
    first = queue.sort(pl.col("reason") != _UNSAFE, "users", "since", "item_id", descending=[False, True, False, False])
    return REVIEW_QUEUE.conform(first.with_row_index("priority", offset=1).with_columns(week=pl.lit(week)))


def waiting_by_reason(queue: pl.DataFrame) -> pl.DataFrame:
    """`held_by`, `reason`, and how many `items`, `answers` and `users` wait for it."""
    answers, users = pl.col("interaction_ids").list.len().sum(), pl.col("users").sum()
    counts = queue.group_by("held_by", "reason").agg(items=pl.len(), answers=answers, users=users)
    return counts.sort("items", "reason", descending=[True, False])


def _statements(evidence: pl.DataFrame, interactions: pl.DataFrame) -> pl.DataFrame:
    """What was said of each answer: by whom (`author`), what they want (`says`) and in its place (`text`)."""
    proposes = pl.col("proposed_text").is_not_null()
    return (
        evidence.filter("explicit", (pl.col("polarity") != 0) | proposes)
        .join(interactions.select("interaction_id", "response"), on="interaction_id")
        .select(
            "interaction_id",
            "response",
            "evidence_id",
            pl.lit(None, pl.String).alias("question"),
            author=pl.coalesce("user_id", "evidence_id"),
            says=pl.when(proposes)
            .then(pl.lit("replace"))
            .otherwise(pl.when(pl.col("polarity") > 0).then(pl.lit("keep")).otherwise(pl.lit("object"))),
            text=pl.when(proposes).then(wanted_answer()),
        )
        .sort("interaction_id", "evidence_id")
    )


def _likes(kept: pl.DataFrame) -> pl.DataFrame:
    """Examples that are content with an answer, as statements."""
    return kept.filter(CONTENT).select(
        response=answer(),
        evidence_id=pl.col("evidence_ids").list.first(),
        author=pl.coalesce("author_id", "group_id"),
        says=pl.lit("keep"),
        text=pl.lit(None, pl.String),
    )


def _redacted(texts: pl.DataFrame, names: NameModel | None) -> pl.DataFrame:
    """`texts` with its three columns of text redacted, an interaction's together."""
    columns = ["question", "response", "text"]
    long = texts.with_row_index("row").unpivot(columns, index=["row", "interaction_id"]).sort("interaction_id", "row")
    masked = long.with_columns(value=redact_together(long["value"], long["interaction_id"], names))
    wide = masked.pivot("variable", index="row", values="value").sort("row")
    return texts.with_columns(wide.select(columns).get_columns())


def _numbered(responses: pl.Series) -> pl.DataFrame:
    """`response` and its `claim`: near-copies share one; what is too short to be one stands for itself."""
    texts = pl.DataFrame({"response": responses.unique().sort()}).with_row_index("own")
    claims = claims_of(texts["response"]).rename({"text": "response"})
    # Numbers of claims and of short texts must not meet.
    own = -1 - pl.col("own").cast(pl.Int64)
    return texts.join(claims, on="response", how="left").select("response", claim=pl.coalesce("claim", own))


def _item(answers: pl.DataFrame, spoken: pl.DataFrame) -> dict[str, Any]:
    first = answers.row(0, named=True)
    return {
        "item_id": sha256_hex(answers["interaction_id"].head(1))[0][:_ITEM_ID_LENGTH],
        "reason": _most_frequent(answers["reason"]),
        "held_by": _most_frequent(answers["held_by"]),
        "since": first["since"],
        "interaction_ids": answers["interaction_id"].unique().sort().to_list(),
        "question": first["question"],
        "answer": first["response"],
        "users": spoken["author"].n_unique(),
        "sides": sorted(_sides(spoken), key=lambda side: (-side["users"], side["says"], side["text"] or "")),
    }


def _sides(spoken: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Who replaces an answer neither likes it nor merely objects, whatever else they said."""
    replacing = spoken.filter(pl.col("says") == "replace")
    proposals = replacing.select(
        "author", example_id="evidence_id", by_reviewer=pl.lit(False), wanted="text", replaced="response"
    )
    for side in sides(proposals):
        text = replacing.filter(pl.col("evidence_id") == side.examples[-1])["text"][0]
        yield {"says": "replace", "text": text, "users": len(side.authors), "evidence_ids": sorted(side.examples)}
    rest = spoken.join(replacing.select("author"), on="author", how="anti")
    for says in ("keep", "object"):
        voices = rest.filter(pl.col("says") == says)
        if voices.height:
            evidence_ids = voices["evidence_id"].drop_nulls().unique().sort().to_list()
            yield {"says": says, "text": None, "users": voices["author"].n_unique(), "evidence_ids": evidence_ids}


def _most_frequent(values: pl.Series) -> str:
    return str(min(Counter(values).items(), key=lambda counted: (-counted[1], counted[0]))[0])
