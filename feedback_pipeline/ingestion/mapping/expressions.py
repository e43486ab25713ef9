"""The small expressions of a mapping, compiled into functions of a record.

A *path* names a value inside a record: keys and list positions joined by dots
(`feedback.errors.0.start`, `messages.-1.content`). A *template* is text around paths in braces
(`"chat-{session.id}-{turn}"`); `{path|hash}` stands for the first 16 hexadecimal digits of the
value's SHA-256, for logs without ids of their own, and `{path|pseudonym}` for the pseudonym of the
user whose id it is, for ids that are made of a user's. `{{` and `}}` are plain braces.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from feedback_pipeline.ingestion.records import RecordError

Scope = Mapping[str, Any]
Getter = Callable[[Scope], Any]

# Where a scope has the function from a user's id to the pseudonym.
PSEUDONYM = "|pseudonym"
_LOOP_NAMES = ("item", "index")
_PIECES = re.compile(r"(\{\{|\}\}|\{[^{}]*\})")


@dataclass(frozen=True)
class Names:
    """What a path can start with beside the record's own fields.

    `lets` are the declared names. Outside a loop `item` and `index` name nothing: a record's own
    field of that name is reached by a `let`.
    """

    lets: frozenset[str] = frozenset()
    in_loop: bool = False


RECORD_ONLY = Names(in_loop=True)


@contextmanager
def compiling(place: str) -> Iterator[None]:
    """What is wrong with a part of the declaration is told with its place."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error


def path(text: str, names: Names = RECORD_ONLY) -> Getter:
    """A function giving the value at a path, or None where there is none or only a blank text.

    Raises `ValueError` when `text` is no path, or one only a loop knows.
    """
    first, *rest = text.split(".")
    if not all(key.strip() for key in (first, *rest)):
        raise ValueError(f"{text!r} is not a path")
    if first in _LOOP_NAMES and not names.in_loop:
        raise ValueError(f"{text!r} needs `each`, which this item does not have")

    def top(scope: Scope) -> Any:
        return _present(scope.get(first))

    def nested(scope: Scope) -> Any:
        value = scope.get(first)
        for key in rest:
            value = _step(value, key)
        return _present(value)

    def declared(scope: Scope) -> Any:
        return scope.get(first)

    if rest:
        return nested
    # A declared value may be blank on purpose, such as nothing to append.
    return declared if first in names.lets else top


def template(text: str, names: Names = RECORD_ONLY) -> Getter:
    """A function filling in a template.

    A path on its own gives the value as it is, or None. Among other text every path must have a
    value: half an id is worse than none. Raises `ValueError` on a template that cannot be read.
    """
    pieces = [_piece(piece, names) for piece in _PIECES.split(text) if piece]
    if len(pieces) == 1 and not isinstance(pieces[0], str):
        return pieces[0][1]
    if all(isinstance(piece, str) for piece in pieces):
        constant = "".join(piece for piece in pieces if isinstance(piece, str))
        return lambda scope: constant

    def fill(scope: Scope) -> str:
        return "".join([piece if isinstance(piece, str) else _filled(piece, scope) for piece in pieces])

    return fill


def paths_in(text: str) -> list[str]:
    """The paths of a template, in order."""
    return [piece[1:-1].partition("|")[0] for piece in _PIECES.split(text) if piece.startswith("{") and piece != "{{"]


def is_constant(value: object) -> bool:
    """Whether a declared value is the same for every record: a number, or a template without a path."""
    if isinstance(value, str):
        return not paths_in(value)
    return isinstance(value, int | float)


def as_text(value: object) -> str:
    """A JSON scalar as text: 1.0 and 1 are `1`, true is `true`. Raises `RecordError` for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    raise RecordError(f"{value!r:.80} is not a text")


def _present(value: Any) -> Any:
    return None if isinstance(value, str) and (not value or value.isspace()) else value


def _step(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.removeprefix("-").isdecimal():
        position = int(key)
        return value[position] if -len(value) <= position < len(value) else None
    return None


def _piece(piece: str, names: Names) -> str | tuple[str, Getter]:
    if piece in ("{{", "}}"):
        return piece[0]
    if piece.startswith("{") and piece.endswith("}"):
        name, bar, function = piece[1:-1].partition("|")
        get = path(name, names)
        if not bar:
            return name, get
        if function.strip() not in _FUNCTIONS:
            raise ValueError(f"{piece!r}: the only functions are {' and '.join(f'`{each}`' for each in _FUNCTIONS)}")
        return name, _FUNCTIONS[function.strip()](get)
    if "{" in piece or "}" in piece:
        raise ValueError(f"{piece!r} has a single brace: a plain one is written twice")
    return piece


def _hashed(get: Getter) -> Getter:
    def digest(scope: Scope) -> str | None:
        value = get(scope)
        return None if value is None else sha256(as_text(value).encode(errors="surrogatepass")).hexdigest()[:16]

    return digest


def _pseudonymous(get: Getter) -> Getter:
    def pseudonym(scope: Scope) -> str | None:
        value = get(scope)
        return None if value is None else str(scope[PSEUDONYM](as_text(value)))

    return pseudonym


_FUNCTIONS = {"hash": _hashed, "pseudonym": _pseudonymous}


def _filled(piece: tuple[str, Getter], scope: Scope) -> str:
    name, get = piece
    value = get(scope)
    if value is None:
        raise RecordError(f"nothing at `{name}`")
    return as_text(value)
