"""Which texts an encoder cannot read.

To a vocabulary without their script all words are the same unknown one: the vectors of such texts are alike whatever
they say, and would be each other's nearest neighbours.
"""

import polars as pl

from feedback_pipeline.recall.encoder import Reader

# Of a text's word pieces. What is left says too little.
UNKNOWN = 0.5


def unread(encoder: Reader, texts: pl.Series) -> pl.Series:
    """Whether more than half of a text is unknown to the encoder."""
    # Every vocabulary has the letters of ASCII.
    places = texts.str.contains(r"[^\x00-\x7F]").fill_null(False).arg_true()
    is_unread = encoder.unknown_share(texts.gather(places).to_list()) > UNKNOWN
    return pl.repeat(False, len(texts), eager=True).scatter(places, is_unread)
