"""Personal data and secrets in the messages of examples become placeholders: `<EMAIL_1>`, `<PHONE_1>`, …"""

import polars as pl

from feedback_pipeline.curation.messages import MESSAGE_COLUMNS, message, text_of
from feedback_pipeline.redaction.names import NameModel
from feedback_pipeline.redaction.redact import redact_together


def redact_messages(examples: pl.DataFrame, names: NameModel | None = None) -> pl.DataFrame:
    """`examples` with messages and `question` redacted; within an example the same value has the same placeholder."""
    question = pl.when(pl.col("question").is_not_null()).then(message("user", "question"))
    rows = examples.select(*MESSAGE_COLUMNS, question=question).with_row_index("row")
    said = pl.concat(
        rows.select("row", column=pl.lit(column), message=column).explode("message").unnest("message")
        for column in (*MESSAGE_COLUMNS, "question")
    ).sort("row", maintain_order=True)
    redacted = said.with_columns(redact_together(said["content"], said["row"], names))
    changed = redacted.filter(redacted["content"].ne_missing(said["content"])).select("row", "column").unique()
    for (column,), cells in changed.partition_by("column", as_dict=True).items():
        conversations = (
            redacted.filter(pl.col("column") == column)
            .join(cells, on="row", how="semi")
            .group_by("row")
            .agg(redacted=pl.struct("role", "content"))
        )
        rows = (
            rows.join(conversations, on="row", how="left", maintain_order="left")
            .with_columns(pl.coalesce("redacted", str(column)).alias(str(column)))
            .drop("redacted")
        )
    return examples.with_columns(rows.with_columns(question=text_of("question")).drop("row").get_columns())
