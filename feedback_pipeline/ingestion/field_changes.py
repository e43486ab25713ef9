"""The rules of drift: what of a day's fields is told, given the profiles of days before.

- `appeared`: a field that was in none of these days' lines;
- `changed type`: a type that the field never had. Null is no type, and integers are numbers;
- `disappeared`: a field in no line, though by chance that happens less than once in a thousand times. A rare field
  is absent on a small day; if a share p of the lines that can have a field do, then n such lines all lack it with
  probability (1-p)^n. For p stands the share that seven of eight earlier days had at least, so that a field that
  rests on weekends, or comes with a campaign, is not missed when it does. Of fewer than 7 days, which cannot tell
  such habits, p has to be over a half.

Of an object or array that is new, gone or of another type only itself is told, not what lies in it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from feedback_pipeline.ingestion.fields import LINE, Path, dotted
from feedback_pipeline.ingestion.profiles import Profile

CHANCE = 0.001
DAYS_WITH_HABITS = 7


@dataclass(frozen=True)
class Change:
    """What happened to a field; `kind` and `event_id` say which value of which line is the example."""

    path: Path
    what: str
    before: str
    now: str
    day: date
    """Where the example lies: of a field that disappeared, the last day it was there."""
    kind: str
    event_id: str


def changes(day: date, now: Profile, earlier: dict[date, Profile]) -> Iterator[Change]:
    """What is told of a day, objects before what lies in them."""
    before = {path: _kinds_of(earlier, path) for path in {path for was in earlier.values() for path in was.of_path}}
    told: set[Path] = set()
    for path in sorted({*before, *now.of_path} - {LINE}, key=lambda path: (len(path), path)):
        if not any(path[:steps] in told for steps in range(1, len(path))):
            change = (
                _disappeared(path, now, earlier)
                if path not in now.of_path
                else _retyped(path, day, now, before[path])
                if path in before
                else _appeared(path, day, now, earlier)
            )
            if change:
                told.add(path)
                yield change


def _kinds_of(earlier: dict[date, Profile], path: Path) -> set[str]:
    return {kind for profile in earlier.values() for kind in profile.kind_names(path)}


def _appeared(path: Path, day: date, now: Profile, earlier: dict[date, Profile]) -> Change | None:
    if not earlier:
        return None
    kind = next(iter(now.kind_names(path)), "null")
    before = f"in no line of {len(earlier)} {'day' if len(earlier) == 1 else 'days'}"
    return Change(path, "appeared", before, _seen(now, path), day, kind, now.examples[path, kind])


def _retyped(path: Path, day: date, now: Profile, before: set[str]) -> Change | None:
    new = [kind for kind in now.kind_names(path) if kind not in before]
    if not new or not before:
        return None
    is_now = f"{new[0]} in {_lines(now.kinds[path][new[0]])} of {_lines(now.of_path[path])} lines with it"
    return Change(path, "changed type", _either(before), is_now, day, new[0], now.examples[path, new[0]])


def _disappeared(path: Path, now: Profile, earlier: dict[date, Profile]) -> Change | None:
    # Lines that are fractions do not add up to the last digit.
    shares = sorted(min(1, seen / could) for seen, could in (was.share(path) for was in earlier.values()) if could)
    share = shares[len(shares) // 8] if shares else 0.0
    _, could = now.share(path)
    if (1 - share) ** could >= CHANCE or (len(shares) < DAYS_WITH_HABITS and share <= 1 / 2):
        return None
    last, was = max(((day, was) for day, was in earlier.items() if path in was.of_path), key=lambda seen: seen[0])
    kind = next(iter(was.kind_names(path)), "null")
    parent = f" with {dotted(path[:-1])}" if path[:-1] else ""
    before = f"{_either(_kinds_of(earlier, path))} in at least {share:.0%} of the lines{parent} on most days"
    return Change(
        path, "disappeared", before, f"in none of {_lines(could)} lines{parent}", last, kind, was.examples[path, kind]
    )


def _seen(profile: Profile, path: Path) -> str:
    return f"{_either(profile.kind_names(path))} in {_lines(profile.of_path[path])} of {_lines(profile.lines)} lines"


def _either(kinds: Iterable[str]) -> str:
    return " or ".join(sorted(kinds)) or "null"


def _lines(number: float) -> str:
    return f"{max(1, round(number)):,}"
