"""Where things live and which models are used: the environment, read in one place."""

import os
from dataclasses import dataclass, field
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
class RemoteModel:
    """A language model at an OpenAI-compatible endpoint, and what it may cost.

    `requests` and `tokens` (as the endpoint counts them) bound a night's reading of reasons and a week's
    judging, `timeout_seconds` a request.
    """

    name: str
    base_url: str = "https://api.openai.com/v1"
    key: str | None = field(default=None, repr=False)
    requests: int = 2000
    tokens: int = 2_000_000
    timeout_seconds: float = 30.0

    @classmethod
    def from_environment(cls, use: str) -> "RemoteModel | None":
        """Read `FEEDBACK_<use>_MODEL`, without which there is none, and what else begins with `FEEDBACK_<use>_`.

        `…_BASE_URL`, `…_KEY`, `…_REQUESTS`, `…_TOKENS` and `…_TIMEOUT`. Raises `ValueError` on a bound that is
        no number.
        """

        def told(what: str) -> str | None:
            return os.environ.get(f"FEEDBACK_{use}_{what}") or None

        if not (name := told("MODEL")):
            return None
        return cls(
            name=name,
            base_url=told("BASE_URL") or cls.base_url,
            key=told("KEY"),
            requests=int(told("REQUESTS") or cls.requests),
            tokens=int(told("TOKENS") or cls.tokens),
            timeout_seconds=float(told("TIMEOUT") or cls.timeout_seconds),
        )


@dataclass(frozen=True)
class Settings:
    """Folders and model names of one deployment.

    `home` holds everything generated; `landing_zone` holds what arrives, in a folder or at any URL that
    fsspec knows, such as s3://bucket/raw. The base model and the encoder are an embedded model's name, a
    Hugging Face id or a local folder. `name_model` is a spaCy pipeline's package or folder. `kept_out` names
    files of benchmarks, globs included, that no dataset may meet. `reason_model` takes the place of the
    classifier of reasons; `judge_model` compares answers, which without it nobody does.
    """

    home: Path
    landing_zone: Location
    base_model: str = EMBEDDED_BASE_MODEL
    encoder: str = EMBEDDED_ENCODER
    name_model: str | None = None
    kept_out: tuple[str, ...] = ()
    reason_model: RemoteModel | None = None
    judge_model: RemoteModel | None = None

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
            reason_model=RemoteModel.from_environment("REASON"),
            judge_model=RemoteModel.from_environment("JUDGE"),
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
    def question_vectors(self) -> Path:
        """Vectors of questions, by which curation compares them in meaning."""
        return self.home / "question_vectors.sqlite"

    @property
    def datasets(self) -> Path:
        """One folder a dataset version."""
        return self.home / "datasets"

    @property
    def adapters(self) -> Path:
        """One folder a model version."""
        return self.home / "adapters"

    @property
    def external_tasks(self) -> Path:
        """Task files of the deployment's own for lm-eval."""
        return self.home / "external_tasks"

    @property
    def compiled(self) -> Path:
        """Machine code, compiled once."""
        return self.home / "compiled"

    @property
    def models(self) -> Path:
        """Models made once: base models in plain form from what the packages embed, the classifier of reasons."""
        return self.home / "models"

    @property
    def unfinished_scores(self) -> Path:
        """What an evaluation that was broken off had scored."""
        return self.home / "unfinished_scores.parquet"

    @property
    def reason_answers(self) -> Path:
        """What a language model answered about remarks."""
        return self.home / "reason_answers.sqlite"

    @property
    def judgements(self) -> Path:
        """What a language model answered about pairs of answers."""
        return self.home / "judgements.sqlite"


def _location(place: str) -> Location:
    return UPath(place) if "://" in place else Path(place).expanduser().resolve()
