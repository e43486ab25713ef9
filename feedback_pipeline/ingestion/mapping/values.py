"""Values, times and conditions of a mapping, compiled into functions of a record."""

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from feedback_pipeline.ingestion.clock import MICROSECONDS
from feedback_pipeline.ingestion.mapping.declaration import (
    Condition,
    Lookup,
    Scalar,
    Time,
    TimeAt,
    TimeFrom,
    Value,
    zone,
)
from feedback_pipeline.ingestion.mapping.expressions import Getter, Names, Scope, as_text, path, template
from feedback_pipeline.ingestion.records import RecordError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A float of seconds cannot hold today's microseconds.


def value_getter(spec: Value, names: Names) -> Getter:
    """A function giving a declared value, or None where the record has none."""
    if isinstance(spec, str):
        return template(spec, names)
    if not isinstance(spec, Lookup):
        return lambda scope: spec
    get, default, has_default = path(spec.path, names), spec.default, "default" in spec.model_fields_set
    if spec.map is None:
        return (lambda scope: default if (value := get(scope)) is None else value) if has_default else get
    translation = {as_text(key): value for key, value in spec.map.items()}

    def translate(scope: Scope) -> Scalar | None:
        value = get(scope)
        if value is not None and (key := as_text(value)) in translation:
            return translation[key]
        if has_default:
            return default
        if value is None:
            raise RecordError(f"nothing at `{spec.path}`")
        raise RecordError(f"{value!r:.80} at `{spec.path}` is not in the map")

    return translate


def text_getter(spec: Value, names: Names) -> Getter:
    """As `value_getter`, with numbers and truth values as text."""
    get = value_getter(spec, names)
    return lambda scope: None if (value := get(scope)) is None else as_text(value)


def source_of(spec: object) -> str:
    """How an error names the place a value was looked for."""
    return f"`{spec.path}`" if isinstance(spec, Lookup | TimeAt) else f"`{spec}`"


def whole(value: object) -> int:
    """A whole number, also spelled as text or with a zero fraction. Raises `RecordError` for anything else."""
    result = number(value)
    if not result.is_integer():
        raise RecordError(f"{value!r:.80} is not a whole number")
    return int(result)


def number(value: object) -> float:
    """A finite number, also spelled as text. Raises `RecordError` for anything else."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            if math.isfinite(result := float(value)):
                return result
        except (ValueError, OverflowError):
            pass
    raise RecordError(f"{value!r:.80} is not a number")


def condition(specs: Iterable[Condition], names: Names) -> Callable[[Scope], bool]:
    """Whether all conditions hold of a record."""
    compiled = [(path(spec.path, names), test) for spec in specs for test in _tests(spec, names)]
    return lambda scope: all(test(get(scope), scope) for get, test in compiled)


def time_getter(spec: Time, timezone: tzinfo, names: Names) -> Callable[[Scope], datetime]:
    """A function giving a time in UTC. Raises `RecordError` where the record has none that can be read."""
    return _time_from(spec, names) if isinstance(spec, TimeFrom) else _time_at(spec, timezone, names)


def _tests(spec: Condition, names: Names) -> list[Callable[[Any, Scope], bool]]:
    tests: list[Callable[[Any, Scope], bool]] = []
    if spec.present:
        tests.append(lambda value, scope: value is not None)
    if spec.absent:
        tests.append(lambda value, scope: value is None)
    if spec.equals is not None:
        tests.append(_comparison([spec.equals], True))
    if spec.not_equals is not None:
        tests.append(_comparison([spec.not_equals], False))
    if spec.among is not None:
        tests.append(_comparison(spec.among, True))
    if spec.differs_from is not None:
        other = path(spec.differs_from, names)
        tests.append(lambda value, scope: bool(value != other(scope)))
    return tests


def _comparison(wanted: list[Scalar], allowed: bool) -> Callable[[Any, Scope], bool]:
    keys = {as_text(value) for value in wanted}
    return lambda value, scope: (isinstance(value, Scalar) and as_text(value) in keys) is allowed


def _time_from(spec: TimeFrom, names: Names) -> Callable[[Scope], datetime]:
    base = spec.base.astimezone(UTC)
    if spec.plus_seconds is None:
        return lambda scope: base
    get = path(spec.plus_seconds, names)

    def read(scope: Scope) -> datetime:
        try:
            return base + timedelta(seconds=number(get(scope)))
        except (RecordError, OverflowError) as error:
            raise RecordError(f"observed_at: `{spec.plus_seconds}`: {error}") from None

    return read


def _time_at(spec: TimeAt, timezone: tzinfo, names: Names) -> Callable[[Scope], datetime]:
    get, assumed = path(spec.path, names), zone(spec.timezone) if spec.timezone else timezone
    parse = _time_parser(spec.format)

    def read(scope: Scope) -> datetime:
        value = get(scope)
        if value is None:
            raise RecordError(f"observed_at: nothing at `{spec.path}`")
        try:
            time = parse(value)
            return (time if time.tzinfo else time.replace(tzinfo=assumed)).astimezone(UTC)
        except (TypeError, ValueError, ArithmeticError, OSError):
            raise RecordError(f"observed_at: {value!r:.80} at `{spec.path}` is not a time ({spec.format})") from None

    return read


def _time_parser(form: str) -> Callable[[Any], datetime]:
    if form == "iso":
        return datetime.fromisoformat
    if form in MICROSECONDS:
        return lambda value: _EPOCH + timedelta(microseconds=int(Decimal(str(value)) * MICROSECONDS[form]))
    if "%" not in form:
        raise ValueError(f"format: {form!r} is none of iso, epoch_s, epoch_ms, epoch_us or a strptime format")
    return lambda value: datetime.strptime(value, form)
