"""A folder under seal: the SHA-256 of every file in it, checked before anything is loaded."""

import hashlib
import json
from pathlib import Path

MANIFEST_FILE = "manifest.json"
# What people read may be added later, such as a model card; nothing loads it.
DOCUMENTS = {".md", ".png"}
# Unpickling runs code. PyTorch's and NumPy's own files are pickles, or may be.
PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy"}


class ArtifactDamagedError(ValueError):
    """A file is not what was written: changed, lost, or put there since."""


def seal(folder: Path) -> None:
    """Write the manifest of all files in `folder`. Raises `ArtifactDamagedError` where one of them is a pickle."""
    files = _files(folder)
    for name in files:
        if Path(name).suffix in PICKLES:
            raise ArtifactDamagedError(f"{folder / name} is a pickle, which runs code when it is read")
    sealed = {name: file_sha256(folder / name) for name in files}
    (folder / MANIFEST_FILE).write_text(_text(sealed))


def check_seal(folder: Path) -> dict[str, str]:
    """The SHA-256 of every sealed file by its name. Raises `ArtifactDamagedError` naming what differs.

    Every bit counts, the manifest's own too: it must be byte for byte what its content gives.
    """
    manifest = folder / MANIFEST_FILE
    sealed = _read(manifest)
    there = _files(folder)
    for name in [*sealed, *there]:
        file = folder / name
        if name not in there:
            raise ArtifactDamagedError(f"{file} is missing")
        if name not in sealed:
            if file.suffix not in DOCUMENTS:
                raise ArtifactDamagedError(f"{file} was not there when {manifest} was written")
        elif file_sha256(file) != sealed[name]:
            raise ArtifactDamagedError(f"{file} is not what was written: its SHA-256 differs from {MANIFEST_FILE}")
    return sealed


def file_sha256(file: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _read(manifest: Path) -> dict[str, str]:
    damaged = ArtifactDamagedError(f"{manifest} is not what was written")
    try:
        text = manifest.read_bytes()
        sealed = {str(name): str(sha256) for name, sha256 in json.loads(text)["files"].items()}
    except FileNotFoundError:
        raise ArtifactDamagedError(f"{manifest} is missing") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged from None
    if text != _text(sealed).encode():
        raise damaged
    return sealed


def _text(sealed: dict[str, str]) -> str:
    content = {"files": sealed, "sha256": hashlib.sha256(json.dumps(sealed, sort_keys=True).encode()).hexdigest()}
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in found if path != folder / MANIFEST_FILE)
