"""Questions that ask the same: in nearly the same words, or in others that mean the same."""

import polars as pl

from feedback_pipeline.curation.meaning import MARGIN, SAME_MEANING, nearest_in_meaning
from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.curation.set_similarity import NO_MATCH, first_near_duplicate, near_duplicate_of
from feedback_pipeline.questions import asked
from feedback_pipeline.recall.encoder import Encoder

PROMPT_SIMILARITY = 0.5
IN_SAME_WORDS, IN_OTHER_WORDS = "near_duplicate", "paraphrase"
_SEPARATED = SAME_MEANING - MARGIN


def question(examples: pl.DataFrame) -> pl.Series:
    """What the user of each example asked in its normal form, which is what prompts are compared by."""
    return examples.select(normal_form(asked("prompt")).alias("question"))["question"]


def asked_among(asked: pl.Series, others: pl.Series, encoder: Encoder | None) -> pl.DataFrame:
    """`question`, each distinct one `asked` that one of the `others` asks too, and `how`: in same or other words.

    Questions are in their normal form. Without an encoder only words are compared.
    """
    distinct, known = asked.unique().sort(), others.unique().sort()
    in_same_words = pl.Series(near_duplicate_of(distinct, known, PROMPT_SIMILARITY) != NO_MATCH)
    found = [pl.DataFrame({"question": distinct.filter(in_same_words)}).with_columns(how=pl.lit(IN_SAME_WORDS))]
    if encoder:
        rest = distinct.filter(~in_same_words)
        rows = nearest_in_meaning(rest, known, encoder, _SEPARATED)["row"]
        found.append(pl.DataFrame({"question": rest.gather(rows)}).with_columns(how=pl.lit(IN_OTHER_WORDS)))
    return pl.concat(found)


def numbered(questions: pl.Series, encoder: Encoder | None) -> pl.DataFrame:
    """Each distinct `question` and the `first` of those that ask the same, which stands for all of them.

    Each joins the first before it that it equals itself: of a chain of questions, each a little unlike the one
    before, the ends are not one.
    """
    distinct = questions.unique().sort()
    nearly = first_near_duplicate(distinct, PROMPT_SIMILARITY)
    kept = distinct.filter(pl.Series(nearly == NO_MATCH))
    first = dict(zip(kept, kept, strict=True))
    if encoder and len(kept):
        pairs = nearest_in_meaning(kept, kept, encoder, _SEPARATED, most=len(kept)).filter(
            pl.col("other") < pl.col("row")
        )
        for row, other in pairs.sort("row", "other").select("row", "other").iter_rows():
            if first[kept[row]] == kept[row] and first[kept[other]] == kept[other]:
                first[kept[row]] = kept[other]
    stand_for = [first[distinct[i if match == NO_MATCH else int(match)]] for i, match in enumerate(nearly)]
    return pl.DataFrame({"question": distinct, "first": pl.Series(stand_for, dtype=pl.String)})
