"""Policies that a deployment declares: YAML files in its home, whose fields are those of a pydantic dataclass."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from feedback_pipeline.declared_yaml import first_fault, read_fields

Policy = TypeVar("Policy")


class PolicyError(ValueError):
    """A policy cannot be read; the message names the file and the field."""


def read_policy_file(file: Path, kind: type[Policy], overrides: Mapping[str, Any] | None = None) -> Policy:
    """The policy that `file` declares, the usual one where it is not there, with a run's `overrides`.

    Raises `PolicyError`, one line naming the file or the run, the field and what is wrong with it.
    """
    try:
        declared = read_fields(file.read_text(encoding="utf-8"), may_be_empty=True) if file.exists() else {}
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyError(f"{file}: {' '.join(str(error).split())}") from error
    policy = TypeAdapter(kind)
    for place, fields in ((file, declared), ("the run", declared | dict(overrides or {}))):
        try:
            found = policy.validate_python(fields)
        except ValidationError as error:
            raise PolicyError(f"{place}: {first_fault(error, kind)}") from None
    return found
