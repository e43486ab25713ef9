"""Answers of language models, kept for good: a SQLite file that several processes may share."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

_TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)"


class AnswerCache:
    """Answers by text, for one `model` and prompt version. Keeps hashes of the texts, not their words."""

    def __init__(self, file: Path, model: str, prompt_version: str) -> None:
        self._file = file
        self._asked = f"{model}\x1f{prompt_version}\x1f"

    def known(self, texts: Sequence[str]) -> dict[str, str]:
        """The answers kept, by text."""
        with closing(self._opened()) as connection:
            found = {
                text: connection.execute("SELECT answer FROM answers WHERE key = ?", [self._key(text)]).fetchone()
                for text in texts
            }
        return {text: row[0] for text, row in found.items() if row}

    def keep(self, answers: Iterable[tuple[str, str]]) -> None:
        """Keep pairs of text and answer."""
        with closing(self._opened()) as connection, connection:
            rows = [(self._key(text), answer) for text, answer in answers]
            connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", rows)

    def _key(self, text: str) -> str:
        return hashlib.sha256((self._asked + text).encode()).hexdigest()

    def _opened(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._file, timeout=60)
        connection.execute(_TABLE)
        return connection
