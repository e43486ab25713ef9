"""The sources of the landing zone, by the names that a request's path gives."""

from pathlib import Path

from feedback_pipeline.ingestion.source import DECLARATION, Source, load_source


class UnknownSourceError(LookupError):
    """There is no source of that name."""


class Sources:
    """Declarations, each read once and again when it changed."""

    def __init__(self, landing_zone: Path) -> None:
        self._landing_zone = landing_zone
        self._read: dict[str, tuple[tuple[int, int], Source]] = {}

    def get(self, name: str) -> Source:
        """The source of that name.

        Raises `UnknownSourceError`, and `SourceError` where its declaration cannot be read.
        """
        folder = self._landing_zone / name
        # A name comes from outside: nothing but a folder right below the landing zone is meant.
        if not _is_receivable(name):
            raise UnknownSourceError(name)
        try:
            stat = (folder / DECLARATION).stat()
        except (OSError, ValueError):
            raise UnknownSourceError(name) from None
        version = (stat.st_mtime_ns, stat.st_size)
        if name not in self._read or self._read[name][0] != version:
            self._read[name] = (version, load_source(folder))
        return self._read[name][1]

    def names(self) -> list[str]:
        """All declared sources that a request can name."""
        declared = (file.parent.name for file in self._landing_zone.glob(f"*/{DECLARATION}"))
        return sorted(filter(_is_receivable, declared))


def _is_receivable(name: str) -> bool:
    return Path(name).name == name and not name.startswith((".", "_")) and name.isprintable()
