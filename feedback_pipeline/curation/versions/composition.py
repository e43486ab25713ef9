"""What a dataset is composed of: figures and a picture."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feedback_pipeline.curation.dataset_version import SPLITS, TRAINING_COLUMNS, Provenance
from feedback_pipeline.curation.messages import answer, whole_text
from feedback_pipeline.curation.versions.decisions_plot import draw_decisions
from feedback_pipeline.png import png

_ROW_INCHES = 0.34


def composition(dataset: pl.DataFrame) -> pl.DataFrame:
    """A row a `format` and `origin`: examples in `train` and `test`, `users`, and what the texts are like.

    `dataset` as `assemble` answers it. `prompt_characters` and `answer_characters` are medians, `several_turns`
    is the share of examples whose prompt holds an earlier answer.
    """
    return (
        dataset.with_columns(
            several_turns=_has_earlier_answer(),
            prompt_characters=whole_text("prompt").str.len_chars(),
            answer_characters=answer().str.len_chars(),
        )
        .group_by("format", "origin")
        .agg(
            *((pl.col("split") == split).sum().alias(split) for split in SPLITS),
            users=pl.col("group_id").n_unique(),
            several_turns=pl.col("several_turns").mean(),
            prompt_characters=pl.col("prompt_characters").median(),
            answer_characters=pl.col("answer_characters").median(),
        )
        .sort("format", "origin")
    )


def composition_plot(composed: pl.DataFrame, made_from: Provenance) -> bytes | None:
    """A PNG: what is in the dataset by format, origin and split, and below what curation decided until then.

    None where nothing was ever decided on.
    """
    decisions = pl.DataFrame(
        [(name, *decided) for name, counts in made_from.decisions_by_format.items() for decided in counts.items()],
        schema={"format": pl.String, "decision": pl.String, "n": pl.Int64},
        orient="row",
    )
    if decisions.is_empty():
        return None
    rows = (composed.height + 2, decisions["decision"].n_unique() + 2)
    figure = Figure(figsize=(7.5, 1 + sum(rows) * _ROW_INCHES), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=rows)
    _draw(above, composed)
    draw_decisions(below, decisions)
    return png(figure)


def _draw(panel: Axes, composed: pl.DataFrame) -> None:
    by_format = pl.col("format").replace_strict({name: place for place, name in enumerate(TRAINING_COLUMNS)})
    ordered = composed.sort(by_format, pl.col("train") + pl.col("test"), "origin", descending=[False, True, False])
    places = list(range(ordered.height))
    train, test = (ordered[split].to_list() for split in SPLITS)
    panel.barh(places, train, label="train", color="tab:gray")
    panel.barh(places, test, left=train, label="test", color="tab:olive")
    panel.set_yticks(places, ordered.select(pl.concat_str("format", "origin", separator=": ")).to_series().to_list())
    panel.invert_yaxis()
    panel.set_xlabel("examples kept")
    panel.legend(fontsize=8)


def _has_earlier_answer() -> pl.Expr:
    roles = pl.col("prompt").list.eval(pl.element().struct.field("role"))
    return roles.list.contains("assistant")
