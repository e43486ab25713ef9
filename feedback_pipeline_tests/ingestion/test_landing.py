import gzip
import io
import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_pipeline.ingestion import landing
from feedback_pipeline.ingestion.landing import LandedFile, LandingError, import_files
from feedback_pipeline.ingestion.pseudonyms import Pseudonyms
from feedback_pipeline.ingestion.source import SourceError
from feedback_pipeline.ingestion.store import store_day
from feedback_pipeline.schemas import RAW_EVENTS
from feedback_pipeline.warehouse import Warehouse

DAYS = (date(2025, 1, 6), date(2026, 3, 1))
MON, TUE, WED = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    (tmp_path / "raw" / "clicks").mkdir(parents=True)
    (tmp_path / "raw" / "clicks" / "source.yaml").write_text("format: events\n")
    return tmp_path / "raw"


def event(day: date, name: str = "a") -> bytes:
    return json.dumps({"kind": "copy", "interaction_id": name, "timestamp": f"{day}T12:00:00Z"}).encode() + b"\n"


def export(zone: Path, content: bytes, name: str = "export.jsonl") -> Path:
    path = zone.parent / name
    path.write_bytes(content)
    return path


def land(zone: Path, path: Path, arrival: date | None = None) -> list[LandedFile]:
    return import_files("clicks", [path], zone, arrival, days=DAYS)


def ingested(zone: Path, day: date) -> pl.DataFrame:
    warehouse = Warehouse(zone.parent / "warehouse.duckdb")
    store_day(warehouse, zone, day, Pseudonyms(b"key"))
    return warehouse.partitions(RAW_EVENTS, [day]).sort("file", "line_number")


def everything_in(zone: Path) -> dict[str, bytes]:
    return {str(path.relative_to(zone)): path.read_bytes() for path in zone.rglob("*") if path.is_file()}


def test_lines_go_to_the_day_they_speak_of_byte_for_byte(zone: Path) -> None:
    odd = b' {"kind":"copy",  "interaction_id":"\\u00fc", "timestamp":"2026-01-05 08:00:00+00"} \r\n'
    monday, tuesday = land(zone, export(zone, event(TUE, "x") + odd + event(TUE, "y") + event(MON)))
    assert (monday.day, monday.lines, monday.path.read_bytes()) == (MON, 2, odd + event(MON))
    assert (tuesday.day, tuesday.lines, tuesday.path.read_bytes()) == (TUE, 2, event(TUE, "x") + event(TUE, "y"))
    assert monday.path.parent == zone / "clicks" / "2026-01-05"


def test_days_are_those_of_utc(zone: Path) -> None:
    late = b'{"kind": "copy", "interaction_id": "a", "timestamp": "2026-01-05T23:30:00-05:00"}\n'
    [landed] = land(zone, export(zone, late))
    assert landed.day == TUE


def test_naive_times_are_of_the_zone_of_the_source(zone: Path) -> None:
    (zone / "clicks" / "source.yaml").write_text("format: events\ntimezone: America/New_York\n")
    [landed] = land(
        zone, export(zone, b'{"kind": "copy", "interaction_id": "a", "timestamp": "2026-01-05 23:30:00"}\n')
    )
    assert landed.day == TUE


def test_chat_completions_without_a_timestamp_go_by_when_they_were_created(zone: Path) -> None:
    (zone / "clicks" / "source.yaml").write_text("format: openai_chat\n")
    call = {
        "request": {"messages": [{"role": "user", "content": "Hi"}]},
        "response": {"id": "c", "created": 1767700800, "choices": [{"index": 0, "message": {"content": "Hello"}}]},
    }
    [landed] = land(zone, export(zone, json.dumps(call).encode()))
    assert landed.day == TUE


def test_lines_that_cannot_be_read_go_with_their_neighbours_and_are_rejected_there(zone: Path) -> None:
    bad = [b"not json\n", b"\xff\xfe\n", b"[1]\n", b"\n", b'{"kind": "copy"}\n', b'{"cut": "o']
    content = bad[0] + event(MON) + b"".join(bad[1:3]) + event(TUE) + b"".join(bad[3:])
    monday, tuesday = land(zone, export(zone, content))
    assert (monday.lines, monday.undated) == (4, 3)
    assert (tuesday.lines, tuesday.undated) == (4, 3)
    assert monday.path.read_bytes() + tuesday.path.read_bytes() == content
    outcomes = [Counter(ingested(zone, day)["outcome"]) for day in (MON, TUE)]
    assert outcomes == [{"accepted": 1, "rejected": 3}] * 2


def test_lines_of_days_the_pipeline_never_looks_at_stay_visible(zone: Path) -> None:
    future = event(date(2099, 1, 1))
    [landed] = land(zone, export(zone, event(MON) + future + event(date(1970, 1, 1))))
    assert (landed.day, landed.lines, landed.undated) == (MON, 3, 2)
    assert ingested(zone, MON)["reason"][1].startswith("observed 2099-01-01")


def test_equal_lines_all_land(zone: Path) -> None:
    [landed] = land(zone, export(zone, event(MON) * 3))
    assert landed.path.read_bytes() == event(MON) * 3
    assert landed.undated == 0


def test_landing_the_same_file_again_changes_nothing_and_says_so(zone: Path) -> None:
    path = export(zone, event(MON) + event(TUE))
    first = land(zone, path)
    before = everything_in(zone)
    again = land(zone, path)
    assert [landed.already_there for landed in first] == [False, False]
    assert [landed.already_there for landed in again] == [True, True]
    assert everything_in(zone) == before


def test_a_changed_file_of_the_same_name_lands_beside_the_first(zone: Path) -> None:
    [first] = land(zone, export(zone, event(MON, "a")))
    [second] = land(zone, export(zone, event(MON, "b")))
    assert first.path != second.path
    assert first.path.exists()
    assert not second.already_there


def test_a_name_that_ingestion_would_pass_over_is_changed(zone: Path) -> None:
    [landed] = land(zone, export(zone, event(MON), "._export.jsonl"))
    assert landed.path.name.startswith("export-")
    assert ingested(zone, MON).height == 1


@pytest.mark.parametrize(
    ("suffix", "pack", "unpack"),
    [
        (".gz", gzip.compress, gzip.decompress),
        (
            ".zst",
            zstandard.ZstdCompressor().compress,
            lambda packed: (
                zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed), read_across_frames=True).read()
            ),
        ),
    ],
)
def test_compressed_files_stay_compressed(
    zone: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    pack: Callable[[bytes], bytes],
    unpack: Callable[[bytes], bytes],
) -> None:
    monkeypatch.setattr(landing, "BLOCK_BYTES", 64)  # every line is a block, so every day is written in several
    lines = [event(day, str(number)) for number in range(3) for day in (MON, TUE)]
    path = export(zone, pack(b"".join(lines[:3])) + pack(b"".join(lines[3:])), f"export.jsonl{suffix}")
    monday, tuesday = land(zone, path)
    assert monday.path.name.endswith(f".jsonl{suffix}")
    assert unpack(monday.path.read_bytes()) == b"".join(lines[::2])
    assert unpack(tuesday.path.read_bytes()) == b"".join(lines[1::2])
    assert all(landed.already_there for landed in land(zone, path))
    assert ingested(zone, TUE)["outcome"].to_list() == ["accepted"] * 3


@pytest.mark.parametrize("name", ["export.jsonl.gz", "export.jsonl.zst"])
def test_a_truncated_file_lands_only_as_it_is(zone: Path, name: str) -> None:
    content = b"".join(event(MON, str(number)) for number in range(5000))
    pack = gzip.compress if name.endswith("gz") else zstandard.ZstdCompressor().compress
    path = export(zone, pack(content)[:-20], name)
    before = everything_in(zone)
    with pytest.raises(LandingError, match=r"Truncated compressed stream; with a day \(--arrival\)"):
        land(zone, path)
    assert everything_in(zone) == before
    [landed] = land(zone, path, arrival=WED)
    assert landed.path.read_bytes() == path.read_bytes()
    reasons = ingested(zone, WED)["reason"].drop_nulls()
    assert any("truncated" in reason for reason in reasons)


@pytest.mark.parametrize("name", ["export.csv", "export.parquet", "export.jsonl"])
def test_with_an_arrival_day_a_file_lands_as_it_is(zone: Path, name: str) -> None:
    path = export(zone, event(MON) + b"junk", name)
    [landed] = land(zone, path, arrival=WED)
    assert (landed.day, landed.lines, landed.path.read_bytes()) == (WED, None, path.read_bytes())
    [again] = land(zone, path, arrival=WED)
    assert again == LandedFile(path, landed.path, WED, already_there=True)


@pytest.mark.parametrize(
    ("name", "content", "arrival", "complaint"),
    [
        ("export.csv", b"a,b\n1,2\n", None, "a .csv file is not split by day: name the day it arrived (--arrival)"),
        ("export.txt", b"hello", None, "not one of .jsonl, "),
        ("export.txt", b"hello", WED, "not one of .jsonl, "),
        ("export.jsonl", b"", None, "no line has a time between 2025-01-06 and 2026-03-01"),
        ("export.jsonl", b"junk\n", None, "no line has a time between"),
        ("export.jsonl", event(MON), date(2031, 1, 1), "2031-01-01 is not a day the pipeline works on"),
    ],
)
def test_what_cannot_be_landed_is_refused_with_what_would_help(
    zone: Path, name: str, content: bytes, arrival: date | None, complaint: str
) -> None:
    path = export(zone, content, name)
    before = everything_in(zone)
    with pytest.raises(LandingError) as error:
        land(zone, path, arrival)
    assert complaint in str(error.value)
    assert everything_in(zone) == before


def test_one_file_that_is_not_there_keeps_all_from_landing(zone: Path) -> None:
    before = everything_in(zone)
    with pytest.raises(LandingError, match="there is no such file"):
        import_files("clicks", [export(zone, event(MON)), zone / "nowhere.jsonl"], zone, days=DAYS)
    assert everything_in(zone) == before


def test_a_broken_file_keeps_none_of_the_others_from_landing(zone: Path) -> None:
    first, broken, last = (
        export(zone, event(MON, "a"), "first.jsonl"),
        export(zone, gzip.compress(event(MON))[:-20], "broken.jsonl.gz"),
        export(zone, event(TUE, "b"), "last.jsonl"),
    )
    with pytest.raises(LandingError, match=r"broken\.jsonl\.gz: ") as error:
        import_files("clicks", [first, broken, last], zone, days=DAYS)
    assert [file.original for file in error.value.landed] == [first, last]
    assert all(file.path.exists() for file in error.value.landed)


def test_a_folder_is_no_export_and_is_told_as_one(zone: Path) -> None:
    with pytest.raises(LandingError, match="this is a folder; name the files in it"):
        import_files("clicks", [zone], zone, days=DAYS)


def test_a_source_new_to_the_landing_zone_brings_its_declaration(zone: Path) -> None:
    declared = zone.parent / "sources" / "taps"
    declared.mkdir(parents=True)
    (declared / "source.yaml").write_text("format: events  # taps\n")
    [landed] = import_files("taps", [export(zone, event(MON))], zone, days=DAYS, declarations=declared.parent)
    assert landed.path.parent == zone / "taps" / "2026-01-05"
    assert (zone / "taps" / "source.yaml").read_text() == "format: events  # taps\n"


def test_a_declaration_in_the_landing_zone_is_left_as_it_is(zone: Path) -> None:
    declared = zone.parent / "sources" / "clicks"
    declared.mkdir(parents=True)
    (declared / "source.yaml").write_text("format: openai_chat\n")
    import_files("clicks", [export(zone, event(MON))], zone, days=DAYS, declarations=declared.parent)
    assert (zone / "clicks" / "source.yaml").read_text() == "format: events\n"


def test_a_source_declared_nowhere_is_refused(zone: Path) -> None:
    before = everything_in(zone)
    with pytest.raises(SourceError, match="nothing says what the logs beside it are"):
        import_files("unknown", [export(zone, event(MON))], zone, days=DAYS)
    assert everything_in(zone) == before


@pytest.mark.parametrize("name", ["../clicks", "a/b", "", ".", "..", ".hidden"])
def test_a_source_is_named_by_one_folder(zone: Path, name: str) -> None:
    with pytest.raises(LandingError, match="is not the name of a source"):
        import_files(name, [export(zone, event(MON))], zone, days=DAYS)


LINES = st.lists(
    st.sampled_from([event(MON), event(TUE), event(WED, "b")]) | st.binary(max_size=20).map(lambda b: b + b"\n")
)


@settings(max_examples=15)
@given(LINES, st.binary(max_size=5))
def test_no_byte_is_lost_whatever_the_lines(lines: list[bytes], rest: bytes) -> None:
    content = event(MON) + b"".join(lines) + rest
    with TemporaryDirectory() as folder:
        zone = Path(folder) / "raw"
        (zone / "clicks").mkdir(parents=True)
        (zone / "clicks" / "source.yaml").write_text("format: events\n")
        landed = land(zone, export(zone, content))
        kept = Counter(line for file in landed for line in file.path.open("rb"))
    assert kept == Counter(io.BytesIO(content))
