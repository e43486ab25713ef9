"""Texts in, texts with placeholders out.

Only texts that can hold something leave the columns for Python, and there meet only the detectors whose hint
they match.
"""

from itertools import groupby
from operator import itemgetter

import polars as pl

from feedback_pipeline.redaction.accounts import ACCOUNTS
from feedback_pipeline.redaction.addresses import ADDRESSES
from feedback_pipeline.redaction.borders import touched, with_borders, without_borders
from feedback_pipeline.redaction.credentials import CREDENTIALS
from feedback_pipeline.redaction.email import EMAILS
from feedback_pipeline.redaction.identity import CALLED_IDENTITY, IDENTITY
from feedback_pipeline.redaction.name_mentions import without_names
from feedback_pipeline.redaction.names import NameModel
from feedback_pipeline.redaction.network import NETWORK
from feedback_pipeline.redaction.phones import PHONES
from feedback_pipeline.redaction.placeholders import Placeholders
from feedback_pipeline.redaction.written_forms import series_in_ascii

# Secrets first: their random characters contain whatever the others look for. What a checksum proves goes
# before what is only written like something.
DETECTORS = (*CREDENTIALS, *EMAILS, *NETWORK, *ACCOUNTS, *CALLED_IDENTITY, *PHONES, *IDENTITY, *ADDRESSES)


def redact(texts: pl.Series, names: NameModel | None = None) -> pl.Series:
    """`texts` with placeholders for personal data and secrets; null stays null.

    Within a text the same value gets the same placeholder. `names` finds people in place of the cues.
    """
    return redact_together(texts, pl.int_range(len(texts), eager=True), names)


def redact_together(texts: pl.Series, conversations: pl.Series, names: NameModel | None = None) -> pl.Series:
    """`texts` redacted, where those of one conversation, which stand together, share their placeholders."""
    places = touched(texts).arg_true()
    bordered = texts.clone().scatter(places, with_borders(texts.gather(places)))
    redacted = _without_formats(bordered, conversations)
    redacted = redacted.scatter(places, without_borders(redacted.gather(places)))
    return without_names(redacted, conversations, names)


def _without_formats(texts: pl.Series, conversations: pl.Series) -> pl.Series:
    looked_at = series_in_ascii(texts)
    hints = pl.DataFrame({str(number): detector.suspects(looked_at) for number, detector in enumerate(DETECTORS)})
    suspicious = hints.select(pl.any_horizontal(pl.all())).to_series()
    rows = zip(
        conversations.filter(suspicious), texts.filter(suspicious), hints.filter(suspicious).iter_rows(), strict=True
    )
    redacted = []
    for _, turns in groupby(rows, key=itemgetter(0)):
        placeholders = Placeholders()
        for _, text, hinted in turns:
            for detector, is_hinted in zip(DETECTORS, hinted, strict=True):
                if is_hinted:
                    text = placeholders.replace(text, detector)
            redacted.append(text)
    # `scatter` writes into the series it is called on.
    return texts.clone().scatter(suspicious.arg_true(), pl.Series(redacted, dtype=pl.String))
