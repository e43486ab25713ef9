"""Sources whose users' messages are mostly a form: a prompt of the product's, the user's question somewhere in it.

Compared whole, questions in one form are nearly the same: of two in one session the second is taken for the first
asked again, examples are dropped as duplicates, and exchanges mean the same to an encoder, which reads the start.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from feedback_pipeline.curation.ngrams import LENGTH, ngrams
from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.questions import last_user_message
from feedback_pipeline.warehouse import Warehouse

# Different messages of a source that tell anything about it, and the share of them that makes a form.
_LEAST = 20
_SHARE = 0.5
# Messages of a source that are looked at, the same in any order.
_MOST = 2_000
_MESSAGES = f"""
WITH drawn AS (
    SELECT source, interaction_id, event_id FROM interactions
    WHERE list_contains($days, arrival_day) AND question IS NULL
    QUALIFY row_number() OVER (PARTITION BY source ORDER BY md5(interaction_id), event_id) <= {_MOST}
)
SELECT source, prompt_messages FROM interactions SEMI JOIN drawn USING (source, interaction_id, event_id)
WHERE list_contains($days, arrival_day)
ORDER BY source, md5(interaction_id), event_id
"""


def prompt_forms(warehouse: Warehouse, days: Sequence[date]) -> pl.DataFrame:
    """Each `source` of whose different `messages` of the days at least half have the same `words` in a row.

    Looked at are those that no `question_pattern` tells the question of; `with_them` is how many have the words.
    """
    said = warehouse.read(_MESSAGES, {"days": sorted(days)})
    texts = said.select("source", text=normal_form(last_user_message("prompt_messages").fill_null(""))).unique(
        maintain_order=True
    )
    found = [_form(rows) for rows in texts.partition_by("source")]
    return pl.concat([pl.DataFrame(schema=_FORM), *(each for each in found if each is not None)])


_FORM = pl.Schema({"source": pl.String, "messages": pl.Int64, "with_them": pl.Int64, "words": pl.String})


def _form(rows: pl.DataFrame) -> pl.DataFrame | None:
    """The words that most messages of one source have in a row, where they make a form."""
    if rows.height < _LEAST:
        return None
    grams = ngrams(rows["text"])
    held = grams.group_by("ngram", maintain_order=True).agg(pl.len().alias("with_them"), pl.col("row").first())
    if (
        held.is_empty()
        or (most := held.sort("with_them", descending=True, maintain_order=True).head(1)).item(0, "with_them")
        < _SHARE * rows.height
    ):
        return None
    text = rows["text"][int(most.item(0, "row"))]
    return pl.DataFrame(
        {
            "source": rows["source"].head(1),
            "messages": [rows.height],
            "with_them": most["with_them"],
            "words": [_words(text, most.item(0, "ngram"))],
        },
        schema=_FORM,
    )


def _words(text: str, ngram: int) -> str:
    """The thirteen words of a text whose hash is the given."""
    words = text.split(" ")
    runs = [" ".join(words[start : start + LENGTH]) for start in range(len(words) - LENGTH + 1)]
    found = ngrams(pl.Series(runs)).filter(ngram=ngram)
    return runs[int(found["row"][0])]
