"""What a source may say under `options`: each format declares its own as a pydantic model, checked before any line.

A format finds what was declared in `Reading.options`, by the same names; what was not is not there, and
the format's own default holds.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from feedback_pipeline.ingestion.mapping.expressions import path


def _path(text: str) -> str:
    path(text)
    return text


Name = Annotated[str, Field(min_length=1)]
Names = tuple[Name, ...]
DottedPath = Annotated[str, AfterValidator(_path)]


class FormatOptions(BaseModel):
    """Options of a format. Names that look like numbers, as those of ticket fields do, are texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class IdNames(FormatOptions):
    """What a product calls our ids."""

    interaction_id: DottedPath | None = None
    session_id: DottedPath | None = None
    user_id: DottedPath | None = None
    user_role: DottedPath | None = None
