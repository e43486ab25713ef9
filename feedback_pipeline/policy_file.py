"""Policies that a deployment declares: YAML files in its home, whose fields are those of a pydantic dataclass."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

Policy = TypeVar("Policy")


class PolicyError(ValueError):
    """A policy cannot be read; the message names the file and the field."""


def read_policy_file(file: Path, kind: type[Policy], overrides: Mapping[str, Any] | None = None) -> Policy:
    """The policy that `file` declares, the usual one where it is not there, with a run's `overrides`.

    Raises `PolicyError` where the file is no YAML mapping, or where the whole is not a policy of that `kind`.
    """
    try:
        declared = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyError(f"{file} is not YAML: {error}") from error
    if not isinstance(declared, dict | None):
        raise PolicyError(f"{file} must hold fields and their values")
    try:
        return TypeAdapter(kind).validate_python((declared or {}) | dict(overrides or {}))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise PolicyError(f"{file if declared else 'the run'}: {wrong}") from error
