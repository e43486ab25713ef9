"""Users by pseudonym: no row of the warehouse names a person.

A pseudonym is the keyed hash (HMAC-SHA256, RFC 2104) of the user's id, so that only who holds the
key can tell whose it is, and the same user keeps it over all sources and days.
"""

import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
from polars_hash import CryptographicHashingNameSpace

from feedback_pipeline.ingestion.json_text import json_text
from feedback_pipeline.ingestion.parsed import Parsed
from feedback_pipeline.ingestion.user_fields import user_fields

_PREFIX = "user-"
_DIGITS = 32
_KEY_BYTES = 32
# A number is a user only where the field says so.
_NUMBER_FIELD = re.compile(
    r'("[^"\\]*(?:id|user|worker|rater|annotator|author)"\s*:\s*)(-?\d+)(?=\s*[,}])', re.IGNORECASE
)
# What stands otherwise in JSON than in the text.
_ESCAPED = r'["\\\x00-\x1f]'


class Pseudonyms:
    """Pseudonyms under one key of any length but zero."""

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("the key of the users' pseudonyms is empty")
        self._key = key

    @classmethod
    def of_deployment(cls, file: Path) -> "Pseudonyms":
        """Under `FEEDBACK_USER_KEY`, or the key in `file`, which is made, readable by its owner alone, if need be."""
        if key := os.environ.get("FEEDBACK_USER_KEY"):
            return cls(key.encode())
        if not file.exists():
            _make_key(file)
        return cls(file.read_bytes().strip())

    @classmethod
    def existing(cls, file: Path) -> "Pseudonyms | None":
        """As `of_deployment`, but none where no key was made yet."""
        return cls.of_deployment(file) if os.environ.get("FEEDBACK_USER_KEY") or file.exists() else None

    def of(self, user: str) -> str:
        """The user's pseudonym."""
        return _PREFIX + hmac.digest(self._key, user.encode(), "sha256").hex()[:_DIGITS]

    def names(self, parsed: Parsed) -> pl.DataFrame:
        """`user_id` of every user that `parsed` found, and their `pseudonym`."""
        told = (parsed.interactions, parsed.parts, parsed.feedback_events)
        users = pl.concat(frame.select("user_id") for frame in told).drop_nulls().unique()
        try:
            key = self._key.decode()
        except UnicodeDecodeError:  # the vectorised hash takes texts for keys
            return users.with_columns(pseudonym=pl.Series(map(self.of, users["user_id"]), dtype=pl.String))
        digests = CryptographicHashingNameSpace(pl.col("user_id")).hmac_sha256(key=key)
        return users.with_columns(pseudonym=_PREFIX + digests.str.slice(0, _DIGITS))

    def hidden(self, lines: pl.DataFrame, parsed: Parsed, names: pl.DataFrame, own: tuple[str, ...]) -> pl.DataFrame:
        """`lines` (`event_id`, `payload`, `reason`) with pseudonyms for the users that `parsed` found in them.

        Each text of a payload that is nothing but a user's id is replaced, also in JSON within a text,
        and so is a user's number in a field that can be theirs. A line that could not be read tells
        its user, if at all, by one of the `user_fields` of the formats, or of the source's `own`.
        """
        spelt = names.with_columns(text=_quoted(names["user_id"]), named=pl.format('"{}"', "pseudonym"))
        for users in _one_a_line(parsed):
            lines = _without(lines, users.join(spelt, on="user_id"))
        fields = user_fields(own)
        rejected = pl.when(pl.col("reason").is_not_null()).then("payload")
        unread = rejected.str.contains(fields.any_of_them).fill_null(False)
        telling = lines.select(unread).to_series()
        if not telling.any():
            return lines
        # A line may have been rejected for something else than that it could not be read.
        hidden = set(names["pseudonym"])

        def named(user: str) -> str:
            return user if user in hidden else self.of(user)

        return _changed(lines, telling, lambda row: fields.named(row["payload"], named))


def _make_key(file: Path) -> None:
    """A new key in `file`, whole from the first moment; of two processes that make one, the first does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp's files are their owner's alone.
    descriptor, made = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(descriptor, "w") as written:
            written.write(secrets.token_hex(_KEY_BYTES))
            written.flush()
            os.fsync(written.fileno())
        with suppress(FileExistsError):
            os.link(made, file)
    finally:
        os.unlink(made)


def renamed(parsed: Parsed, names: pl.DataFrame) -> Parsed:
    """`parsed` with pseudonyms for users."""

    def of(frame: pl.DataFrame) -> pl.DataFrame:
        joined = frame.join(names, on="user_id", how="left", maintain_order="left")
        return joined.with_columns(user_id="pseudonym").drop("pseudonym")

    return replace(
        parsed,
        interactions=of(parsed.interactions),
        feedback_events=of(parsed.feedback_events),
        parts=of(parsed.parts),
    )


def named(rows: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """`rows` whose pseudonyms `names` has, with the users' own ids in their place."""
    return (
        rows.join(names.rename({"user_id": "own"}), left_on="user_id", right_on="pseudonym")
        .with_columns(user_id="own")
        .drop("own")
    )


def _quoted(texts: pl.Series) -> pl.Series:
    """Each text as it stands in JSON."""
    quoted = ('"' + texts + '"').rename("text")
    escaped = texts.str.contains(_ESCAPED)
    return quoted.scatter(escaped.arg_true(), list(map(json_text, texts.filter(escaped)))) if escaped.any() else quoted


def _without(lines: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
    """`lines` without the one user of each that `users` names: `event_id`, `user_id`, as `text` and how `named`."""
    told = lines.join(users, on="event_id", how="left", maintain_order="left")
    replaced = _replaced(pl.col("payload"), pl.col("text"), pl.col("named"))
    # In JSON within a text.
    within = pl.col("payload").str.contains('\\"', literal=True)
    text, named = (pl.col(name).str.replace_all('"', '\\"', literal=True) for name in ("text", "named"))
    told = told.with_columns(
        replaced=pl.when(pl.col("text").is_null()).then("payload").otherwise(replaced), within=within
    )
    if told["within"].any():
        told = told.with_columns(
            replaced=pl.when(pl.col("text").is_not_null() & pl.col("within"))
            .then(_replaced(pl.col("replaced"), text, named))
            .otherwise("replaced")
        )
    unfound = (told["replaced"] == told["payload"]) & told["text"].is_not_null()
    told = told.with_columns(payload="replaced")
    return (_changed(told, unfound, _renumbered) if unfound.any() else told).select(lines.columns)


def _replaced(payload: pl.Expr, text: pl.Expr, named: pl.Expr) -> pl.Expr:
    # Of `replace_all` all rows must look for the same text.
    return payload.str.split(text).list.join(named)


def _one_a_line(parsed: Parsed) -> Iterator[pl.DataFrame]:
    """`event_id` and `user_id`, as many frames as the line with the most users has."""
    told = (parsed.interactions, parsed.parts, parsed.feedback_events)
    users = pl.concat(frame.select("event_id", "user_id") for frame in told).drop_nulls().unique(maintain_order=True)
    while users.height:
        first = users["event_id"].is_first_distinct()
        yield users.filter(first)
        users = users.filter(~first)


def _changed(lines: pl.DataFrame, which: pl.Series, change: Callable[[dict[str, Any]], str]) -> pl.DataFrame:
    """`lines` with other payloads in the rows that `which` marks."""
    payloads = [change(row) for row in lines.filter(which).iter_rows(named=True)]
    return lines.with_columns(payload=lines["payload"].scatter(which.arg_true(), payloads))


def _renumbered(row: dict[str, Any]) -> str:
    def named(found: re.Match[str]) -> str:
        return f'{found[1]}"{row["pseudonym"]}"' if found[2] == row["user_id"] else found[0]

    return _NUMBER_FIELD.sub(named, row["payload"])
