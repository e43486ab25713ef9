"""Hashes that are the same on every machine and in every process."""

import hashlib

import polars as pl


def sha256_hex(texts: pl.Series) -> pl.Series:
    """SHA-256 of each text's UTF-8 bytes, 64 hexadecimal digits; null stays null."""
    digests = [None if text is None else hashlib.sha256(text.encode()).hexdigest() for text in texts]
    return pl.Series(texts.name, digests, pl.String)
