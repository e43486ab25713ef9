"""What somebody asks about: a line, a file, an answer, a piece of feedback or a user."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.warehouse import Warehouse

Kind = Literal["event", "file", "interaction", "feedback", "user"]
# Two comparisons of columns, so that DuckDB passes over what cannot have the file.
OF_FILE = "source = split_part($name, '/', 1) AND file = substr($name, length(split_part($name, '/', 1)) + 2)"
_PLACE = re.compile(r"(?P<file>.+):(?P<line>[0-9]{1,15})")
_KNOWN = {
    "event": "FROM raw_events WHERE event_id = $name",
    "file": f"FROM raw_events WHERE {OF_FILE}",
    "interaction": "FROM interactions WHERE interaction_id = $name",
    "feedback": "FROM feedback_events WHERE feedback_id = $name",
    "user": "FROM (FROM interactions SELECT user_id UNION ALL FROM feedback_events SELECT user_id "
    "UNION ALL FROM evidence SELECT user_id) WHERE user_id = $name",
}


class UnknownSubjectError(LookupError):
    """Nothing, or more than one thing, is called so."""


@dataclass(frozen=True)
class Subject:
    """Something that was received. A user's `name` is their pseudonym, a file's its path below the landing zone."""

    kind: Kind
    name: str


def find_subject(
    warehouse: Warehouse, name: str, pseudonyms: Pseudonyms | None = None, kind: Kind | None = None
) -> Subject:
    """What is called `name`: of a `kind`, or of whichever kind has it.

    A user may be named by their own id where `pseudonyms` are given, an event by its place, as `FILE:LINE`.
    Raises `UnknownSubjectError`.
    """
    if kind in (None, "event") and (place := _PLACE.fullmatch(name)) and (event := _event_at(warehouse, place)):
        return event
    kinds: tuple[Kind, ...] = (kind,) if kind else get_args(Kind)
    called = [Subject(each, name) for each in kinds]
    if "user" in kinds and pseudonyms:
        called.append(Subject("user", pseudonyms.of(name)))
    found = [subject for subject in called if _is_known(warehouse, subject)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = " and ".join(f"a {subject.kind}" for subject in found)
        raise UnknownSubjectError(f"{name!r} is {listed}: say which with --as")
    looked = ", ".join(kinds) + ("" if pseudonyms or "user" not in kinds else " (by pseudonym: there is no user key)")
    raise UnknownSubjectError(f"nothing received is called {name!r}; looked for it as {looked}")


def _event_at(warehouse: Warehouse, place: re.Match[str]) -> Subject | None:
    query = f"SELECT DISTINCT event_id FROM raw_events WHERE {OF_FILE} AND line_number = $line ORDER BY event_id"
    found = warehouse.read(query, {"name": place["file"], "line": int(place["line"])})["event_id"].to_list()
    if len(found) > 1:
        raise UnknownSubjectError(f"{place[0]} packs several events: {', '.join(found)}")
    return Subject("event", found[0]) if found else None


def _is_known(warehouse: Warehouse, subject: Subject) -> bool:
    query = f"SELECT EXISTS ({_KNOWN[subject.kind]})"
    return bool(warehouse.read(query, {"name": subject.name}).item())
