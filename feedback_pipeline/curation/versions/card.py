"""A dataset card as on the Hugging Face Hub."""

import polars as pl
import yaml

from feedback_pipeline.curation.dataset_version import SPLITS, TRAINING_COLUMNS, Provenance, parquet_path

CARD = "README.md"
PICTURE = "composition.png"
# What the Hub calls sizes: the first that is not exceeded.
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"}
_FIGURES = ("format", "origin", *SPLITS, "users", "several_turns", "prompt_characters", "answer_characters")


def dataset_card(version: str, content: str, composed: pl.DataFrame, made_from: Provenance) -> str:
    """The card of a version: its front matter tells `load_dataset` what there is.

    `content` is the content hash, `composed` what `composition` answers.
    """
    return f"---\n{_front_matter(version, composed)}---\n\n{card_text(version, content, composed, made_from)}"


def card_text(version: str, content: str, composed: pl.DataFrame, made_from: Provenance) -> str:
    """The part of the card that people read."""
    sizes = composed.group_by("format").agg(pl.col(*SPLITS).sum())
    configs = [
        {"config": f"`{name}`", "columns": ", ".join(f"`{column}`" for column in columns)}
        for name, columns in TRAINING_COLUMNS.items()
    ]
    named = sizes.with_columns(config=pl.format("`{}`", "format")).drop("format")
    counted = pl.DataFrame(configs).join(named, on="config", how="left", maintain_order="left")
    decided = sorted(made_from.decisions.items(), key=lambda decision: (-decision[1], decision[0]))
    picture = f"![What the dataset is composed of, and what curation decided]({PICTURE})\n" if decided else ""
    return "\n".join(
        [
            f"# Feedback dataset {version}\n",
            "Examples made from what users did about a model's answers, up to and with the week of "
            f"{made_from.week.isoformat()}. Personal data is replaced by placeholders such as `<EMAIL_1>`.\n",
            f"- content hash: `{content}`",
            f"- parent: `{made_from.parent_version or 'none'}`",
            f"- code: `{made_from.code_version}`",
            f"- made from the weeks: {', '.join(made_from.weeks) or 'none'}\n",
            picture,
            _table(counted.fill_null(0)),
            "\nUsers and sessions are on one side only; no question of one side nearly repeats one of the other.\n",
            "Where the examples come from: users (or sessions) behind them, the share whose prompt holds an earlier "
            "answer, and median lengths in characters of prompt and wanted answer.\n",
            _table(composed.select(_FIGURES).with_columns(_percent("several_turns"))),
            "\nEvery candidate is kept, or rejected for one reason:\n",
            _table(pl.DataFrame(decided, schema={"decision": pl.String, "examples": pl.Int64}, orient="row")),
            "",
        ]
    )


def _front_matter(version: str, composed: pl.DataFrame) -> str:
    there = {(row["format"], split) for row in composed.iter_rows(named=True) for split in SPLITS if row[split] > 0}
    configs = [
        {
            "config_name": name,
            "data_files": [
                {"split": split, "path": parquet_path(name, split)} for split in SPLITS if (name, split) in there
            ],
        }
        for name in TRAINING_COLUMNS
        if any((name, split) in there for split in SPLITS)
    ]
    examples = sum(composed[split].sum() for split in SPLITS)
    size = next((label for most, label in _SIZES.items() if examples < most), "n>10M")
    about = {
        "pretty_name": f"Feedback {version}",
        "task_categories": ["text-generation"],
        "tags": ["trl", "feedback"],
        "size_categories": [size],
        "configs": configs,
    }
    return yaml.safe_dump(about, sort_keys=False)


def _table(rows: pl.DataFrame) -> str:
    lines = [[name.replace("_", " ") for name in rows.columns], ["---"] * rows.width]
    lines += [[_cell(value) for value in row] for row in rows.iter_rows()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(share: str) -> pl.Expr:
    return pl.format("{} %", (pl.col(share) * 100).round(0).cast(pl.Int64)).alias(share)


def _cell(value: object) -> str:
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)
