"""Where things live and which models are used: the environment, read in one place."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from upath import UPath

# A folder here, or in a bucket such as s3://bucket/raw.
Location = Path | UPath

PROJECT_ROOT = Path(__file__).resolve().parent.parent
# A Monday, before which no partition lies.
FIRST_DAY = date(2025, 1, 6)
EMBEDDED_BASE_MODEL = "smollm2-135m-instruct"
EMBEDDED_ENCODER = "all-minilm-l6-v2"


@dataclass(frozen=True)
class Settings:
    """Folders and model names of one deployment.

    `home` holds everything generated; `landing_zone` holds what arrives, in a folder or at any URL that
    fsspec knows, such as s3://bucket/raw. The base model and the encoder are an embedded model's name, a
    Hugging Face id or a local folder. `name_model` is a spaCy pipeline's package or folder. `kept_out` names
    files of benchmarks, globs included, that no dataset may meet.
    """

    home: Path
    landing_zone: Location
    base_model: str = EMBEDDED_BASE_MODEL
    encoder: str = EMBEDDED_ENCODER
    name_model: str | None = None
    kept_out: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read `FEEDBACK_HOME`, `…_LANDING_ZONE`, `…_BASE_MODEL`, `…_ENCODER`, `…_NAME_MODEL` and `…_DECONTAMINATE`."""
        home = Path(os.environ.get("FEEDBACK_HOME") or PROJECT_ROOT / "data").expanduser().resolve()
        return cls(
            home=home,
            landing_zone=_location(os.environ.get("FEEDBACK_LANDING_ZONE") or str(home / "raw")),
            base_model=os.environ.get("FEEDBACK_BASE_MODEL") or EMBEDDED_BASE_MODEL,
            encoder=os.environ.get("FEEDBACK_ENCODER") or EMBEDDED_ENCODER,
            name_model=os.environ.get("FEEDBACK_NAME_MODEL") or None,
            kept_out=tuple(filter(None, os.environ.get("FEEDBACK_DECONTAMINATE", "").split(os.pathsep))),
        )

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.home / "warehouse.duckdb"

    @property
    def user_key(self) -> Path:
        """The key of the users' pseudonyms, where the environment gives none."""
        return self.home / "user_key"

    @property
    def index(self) -> Path:
        """The LanceDB folder."""
        return self.home / "index"

    @property
    def datasets(self) -> Path:
        """One folder a dataset version."""
        return self.home / "datasets"

    @property
    def adapters(self) -> Path:
        """One folder a model version."""
        return self.home / "adapters"

    @property
    def compiled(self) -> Path:
        """Machine code, compiled once."""
        return self.home / "compiled"

    @property
    def models(self) -> Path:
        """Base models in plain form, made once from what the packages embed."""
        return self.home / "models"


def _location(place: str) -> Location:
    return UPath(place) if "://" in place else Path(place).expanduser().resolve()
