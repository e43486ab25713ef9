"""A thousand bad lines of more than thirty kinds: every one is rejected alone, with a reason, and kept."""

import json
import random
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from feedback_pipeline.ingestion.ledger import unaccounted
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import FEEDBACK_EVENTS, INTERACTIONS, RAW_EVENTS
from feedback_pipeline.warehouse import Warehouse

DAY = date(2026, 1, 5)
GOOD, BAD_OF_A_KIND = 400, 40


def answer(name: object, **changes: object) -> bytes:
    record = {
        "timestamp": "2026-01-05T10:00:00Z",
        "request": {"model": "m", "messages": [{"role": "user", "content": f"question {name}"}]},
        "response": {"id": name, "model": "m", "choices": [{"index": 0, "message": {"content": f"answer {name}"}}]},
    }
    return json.dumps(record | changes).encode()


def event(name: object, **changes: object) -> bytes:
    record = {"feedback_id": name, "kind": "thumb", "label": "up", "interaction_id": "a", "user_id": "u"}
    return json.dumps(record | {"timestamp": "2026-01-05T11:00:00Z"} | changes).encode()


def messages(*said: object) -> dict[str, object]:
    return {"request": {"model": "m", "messages": list(said)}}


def choices(*said: object) -> dict[str, object]:
    return {"response": {"id": "x", "model": "m", "choices": list(said)}}


# Each from the number of the line, so that no two are alike.
ANSWERS = {
    "cut off": lambda n: answer(n)[: 20 + n % 60],
    "no JSON": lambda n: f"line {n} of a traceback".encode(),
    "two objects": lambda n: answer(n) + answer(n),
    "trailing comma": lambda n: b'{"n": %d,}' % n,
    "single quotes": lambda n: b"{'n': %d}" % n,
    "unquoted key": lambda n: b"{n: %d}" % n,
    "comment": lambda n: b'{"n": %d} // odd' % n,
    "NaN": lambda n: b'{"request": NaN, "n": %d}' % n,
    "a number": lambda n: b"%d" % n,
    "a text": lambda n: b'"%d"' % n,
    "an array": lambda n: b"[%d]" % n,
    "invalid UTF-8": lambda n: answer(n).replace(b"answer", b"\xff\xfe"),
    "UTF-16": lambda n: f'{{"n": {n}}}'.encode("utf-16"),
    "cut inside a character": lambda n: f'{{"n": {n}, "x": "é'.encode()[:-1],
    "NUL": lambda n: b'{"n": "%d\x00"}' % n,
    "raw control character": lambda n: b'{"n": "%d\x01"}' % n,
    "half a surrogate pair": lambda n: answer(n).replace(b"answer", b"\\ud800"),
    "deep nesting": lambda n: b"[" * (2000 + n) + b"]" * (2000 + n),
    "another product's line": lambda n: b'{"level": "info", "n": %d}' % n,
    "request is a text": lambda n: answer(n, request="x"),
    "response is a list of numbers": lambda n: answer(n, response=[n]),
    "no choices": lambda n: answer(n, **choices()),
    "choices are no objects": lambda n: answer(n, **choices("x", n)),
    "an empty answer": lambda n: answer(n, **choices({"index": 0, "message": {"content": " "}})),
    "an answer of numbers": lambda n: answer(n, **choices({"index": 0, "message": {"content": n}})),
    "no messages": lambda n: answer(n, **messages()),
    "messages are texts": lambda n: answer(n, **messages("hi", str(n))),
    "no user among the messages": lambda n: answer(n, **messages({"role": "system", "content": str(n)})),
    "empty question": lambda n: answer(n, **messages({"role": "user", "content": " " * n})),
    "no id": lambda n: answer(None, n=n),
    "no such day": lambda n: answer(n, timestamp="2026-02-30T10:00:00Z"),
    "a time in words": lambda n: answer(n, timestamp=f"{n} days ago"),
    "from the future": lambda n: answer(n, timestamp="2031-01-01T00:00:00Z"),
}
EVENTS = {
    "unknown kind": lambda n: event(n, kind="applause"),
    "no kind": lambda n: event(n, kind=None),
    "about nothing": lambda n: event(n, interaction_id=None),
    "thumb sideways": lambda n: event(n, label="sideways"),
    "off its scale": lambda n: event(n, kind="rating", rating=n + 9, rating_min=1, rating_max=5),
    "a scale upside down": lambda n: event(n, kind="rating", rating=3, rating_min=5, rating_max=1),
    "half a range": lambda n: event(n, kind="highlight", range_start=n),
    "a range backwards": lambda n: event(n, kind="highlight", range_start=n + 5, range_end=n),
    "unknown category": lambda n: event(n, kind="reason", category="ugly"),
    "nothing corrected": lambda n: event(n, kind="correction"),
}
KINDS = [("answers", kind) for kind in ANSWERS] + [("events", kind) for kind in EVENTS]


@pytest.fixture(scope="module")
def lines() -> dict[str, list[tuple[str, bytes]]]:
    """Kind and bytes of every line of each source, good and bad shuffled."""
    bad = {"answers": ANSWERS, "events": EVENTS}
    good = {"answers": answer, "events": event}
    mixed = {}
    for source, kinds in bad.items():
        made = [("good", good[source](f"good-{n}")) for n in range(GOOD)]
        made += [(kind, make(n)) for kind, make in kinds.items() for n in range(BAD_OF_A_KIND)]
        random.Random(7).shuffle(made)
        mixed[source] = made
    return mixed


@pytest.fixture(scope="module")
def warehouse(lines, tmp_path_factory) -> Warehouse:
    zone: Path = tmp_path_factory.mktemp("zone")
    for (source, made), declared in zip(lines.items(), ("openai_chat", "events"), strict=True):
        (zone / source / str(DAY)).mkdir(parents=True)
        (zone / source / "source.yaml").write_text(f"format: {declared}")
        (zone / source / str(DAY) / "a.jsonl").write_bytes(b"\n".join(line for _, line in made) + b"\n")
    warehouse = Warehouse(tmp_path_factory.mktemp("home") / "warehouse.duckdb")
    store_day(warehouse, zone, DAY, Pseudonyms(b"key"))
    return warehouse


def test_accepted_and_rejected_lines_are_all_the_lines_there_were(lines, warehouse):
    stored = Counter(warehouse.partitions(RAW_EVENTS, [DAY])["outcome"])

    assert stored["rejected"] == len(KINDS) * BAD_OF_A_KIND >= 1000
    assert stored["accepted"] == 2 * GOOD
    assert sum(stored.values()) == sum(map(len, lines.values()))
    assert unaccounted(warehouse, [DAY]).is_empty()


def test_every_good_line_among_them_got_in(warehouse):
    assert warehouse.partitions(INTERACTIONS, [DAY]).height == GOOD
    assert warehouse.partitions(FEEDBACK_EVENTS, [DAY]).height == GOOD


@pytest.mark.parametrize(("source", "kind"), KINDS)
def test_each_kind_is_rejected_with_a_reason_and_kept_as_it_came(source, kind, lines, warehouse):
    stored = {
        row["line_number"]: row
        for row in warehouse.partitions(RAW_EVENTS, [DAY]).filter(source=source).iter_rows(named=True)
    }
    for number, (made_as, line) in enumerate(lines[source], 1):
        if made_as == kind:
            assert stored[number]["outcome"] == "rejected"
            assert stored[number]["reason"]
            if b'"user_id"' not in line:
                assert stored[number]["payload"] == line.decode(errors="backslashreplace")
