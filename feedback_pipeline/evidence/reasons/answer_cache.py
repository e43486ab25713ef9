"""Answers of language models, kept for good: a SQLite file that several processes may share."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

_TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)"


class AnswerCache:
    """Answers by remark, for one `model` and prompt version. Keeps hashes of the remarks, not their words."""

    def __init__(self, file: Path, model: str, prompt_version: str) -> None:
        self._file = file
        self._asked = f"{model}\x1f{prompt_version}\x1f"

    def known(self, remarks: Sequence[str]) -> dict[str, str]:
        """The answers kept, by remark."""
        with closing(self._opened()) as connection:
            found = {
                remark: connection.execute("SELECT answer FROM answers WHERE key = ?", [self._key(remark)]).fetchone()
                for remark in remarks
            }
        return {remark: row[0] for remark, row in found.items() if row}

    def keep(self, answers: Iterable[tuple[str, str]]) -> None:
        """Keep pairs of remark and answer."""
        with closing(self._opened()) as connection, connection:
            rows = [(self._key(remark), answer) for remark, answer in answers]
            connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", rows)

    def _key(self, remark: str) -> str:
        return hashlib.sha256((self._asked + remark).encode()).hexdigest()

    def _opened(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._file, timeout=60)
        connection.execute(_TABLE)
        return connection
