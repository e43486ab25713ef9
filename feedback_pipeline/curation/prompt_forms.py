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
_FORM = pl.Schema({"source": pl.String, "messages": pl.Int64, "with_them": pl.Int64, "words": pl.String})
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
    message = normal_form(last_user_message("prompt_messages").fill_null(""))
    different = said.select("source", text=message).unique(maintain_order=True)
    found = [_form(source, rows["text"]) for (source,), rows in different.partition_by("source", as_dict=True).items()]
    return pl.DataFrame([form for form in found if form is not None], schema=_FORM, orient="row")


def _form(source: str, texts: pl.Series) -> tuple[str, int, int, str] | None:
    """A row of what most of a source's texts have in a row, where they make a form."""
    held = ngrams(texts).group_by("ngram", maintain_order=True).agg(pl.len(), pl.col("row").first())
    most = held.sort("len", descending=True, maintain_order=True).head(1)
    if len(texts) < _LEAST or most.is_empty() or most["len"][0] < _SHARE * len(texts):
        return None
    return source, len(texts), most["len"][0], _words(texts[int(most["row"][0])], most["ngram"][0])


def _words(text: str, ngram: int) -> str:
    """The thirteen words of a text whose hash is the given."""
    words = text.split(" ")
    runs = [" ".join(words[start : start + LENGTH]) for start in range(len(words) - LENGTH + 1)]
    found = ngrams(pl.Series(runs)).filter(ngram=ngram)
    return runs[int(found["row"][0])]
