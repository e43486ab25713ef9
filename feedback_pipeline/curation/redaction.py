"""Personal data and secrets become placeholders that keep the sense: `<EMAIL_1>`, `<PHONE_1>`, …

Only texts that can hold one of them leave the columns for Python, and there meet only the detectors whose hint
they match.
"""

import polars as pl

from feedback_pipeline.curation.detectors import DETECTORS, Detector
from feedback_pipeline.curation.messages import MESSAGE_COLUMNS

# Kind and value, to what stands in its place.
Placeholders = dict[tuple[str, str], str]


def redact(texts: pl.Series) -> pl.Series:
    """`texts` with placeholders for e-mail addresses, phone, card and bank account numbers, IPs and secrets.

    Within a text the same value gets the same placeholder. Null stays null.
    """
    return _redact(texts, pl.int_range(len(texts), eager=True))


def redact_messages(examples: pl.DataFrame) -> pl.DataFrame:
    """`examples` with all their messages redacted; within an example the same value gets the same placeholder."""
    rows = examples.select(*MESSAGE_COLUMNS).with_row_index("row")
    said = pl.concat(
        rows.select("row", column=pl.lit(column), message=column).explode("message").unnest("message")
        for column in MESSAGE_COLUMNS
    ).sort("row", maintain_order=True)
    redacted = said.with_columns(_redact(said["content"], said["row"]))
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
    return examples.with_columns(rows.drop("row").get_columns())


def _redact(texts: pl.Series, examples: pl.Series) -> pl.Series:
    """`texts` redacted; those of one example stand together and share their placeholders."""
    hints = pl.select(texts.str.contains(detector.hint).alias(detector.kind) for detector in DETECTORS)
    suspicious = hints.select(pl.any_horizontal(pl.all()).fill_null(False)).to_series()
    redacted = []
    current = None
    placeholders: Placeholders = {}
    for example, text, hinted in zip(
        examples.filter(suspicious), texts.filter(suspicious), hints.filter(suspicious).iter_rows(), strict=True
    ):
        if example != current:
            current, placeholders = example, {}
        for detector in (detector for detector, is_hinted in zip(DETECTORS, hinted, strict=True) if is_hinted):
            text = _replaced(text, detector, placeholders)
        redacted.append(text)
    # `scatter` writes into the series it is called on.
    return texts.clone().scatter(suspicious.arg_true(), pl.Series(redacted, dtype=pl.String))


def _replaced(text: str, detector: Detector, placeholders: Placeholders) -> str:
    pieces = []
    end = 0
    for start, stop in detector.find(text):
        pieces += [text[end:start], _placeholder(detector, text[start:stop], placeholders)]
        end = stop
    return "".join([*pieces, text[end:]])


def _placeholder(detector: Detector, found: str, placeholders: Placeholders) -> str:
    value = (detector.kind, detector.canonical(found))
    if value not in placeholders:
        number = sum(kind == detector.kind for kind, _ in placeholders) + 1
        placeholders[value] = f"<{detector.kind}_{number}>"
    return placeholders[value]
