"""Which dataset versions there are, by name or the start of one."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from feedback_pipeline.curation.versions.folder import MANIFEST, read_manifest
from feedback_pipeline.schemas import DATASETS
from feedback_pipeline.warehouse import Warehouse

LATEST = "latest"


class UnknownVersionError(LookupError):
    """No dataset version, or more than one, has this name."""


@dataclass(frozen=True)
class Version:
    """A dataset version on disk. `stands` where its week's run still answers it; another run may have replaced it."""

    name: str
    week: date
    folder: Path
    manifest: dict[str, Any]
    stands: bool


def versions(warehouse: Warehouse, datasets_folder: Path) -> list[Version]:
    """Every version with a folder, by week; of one week what stands last."""
    standing = dict(warehouse.read(f"SELECT DISTINCT week, dataset_version FROM {DATASETS.name}").rows())
    found = [_version(path.parent, standing) for path in datasets_folder.glob(f"[!.]*/{MANIFEST}")]
    return sorted(found, key=lambda version: (version.week, version.stands, version.name))


def find_version(known: list[Version], name: str) -> Version:
    """The version called `name`, which may be the start of one alone, or `latest`.

    Raises `UnknownVersionError`.
    """
    if not known:
        raise UnknownVersionError("no dataset version yet: run the retraining job (or `make demo`) first")
    if name == LATEST:
        return known[-1]
    exact = [version for version in known if version.name == name]
    named = exact or [version for version in known if version.name.startswith(name) or _hash(version).startswith(name)]
    if len(named) == 1:
        return named[0]
    listed = ", ".join(version.name for version in named or known)
    wrong = "is the start of several dataset versions" if named else "is no dataset version; there are"
    raise UnknownVersionError(f"{name!r} {wrong}: {listed}")


def ancestors(datasets_folder: Path, name: str) -> list[str]:
    """The version itself, its parent, the parent's parent and so on, as far as their folders tell."""
    line = [name]
    while (datasets_folder / line[-1] / MANIFEST).exists():
        parents = [each for each in read_manifest(datasets_folder / line[-1])["parents"] if each not in line]
        if not parents:
            break
        line += parents
    return line


def _version(folder: Path, standing: dict[date, str]) -> Version:
    manifest = read_manifest(folder)
    week = date.fromisoformat(manifest["week"])
    # A version without examples has no row that could say so.
    return Version(folder.name, week, folder, manifest, stands=standing.get(week, folder.name) == folder.name)


def _hash(version: Version) -> str:
    return str(version.manifest["content_hash"])
