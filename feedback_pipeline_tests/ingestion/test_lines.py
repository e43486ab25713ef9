import gzip

import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.ingestion import lines
from feedback_pipeline.ingestion.lines import read_lines


@pytest.fixture
def read(tmp_path):
    """Number, payload and fault of each line of a file with the given name and bytes."""

    def of(name: str, content: bytes) -> list[tuple[int, str, str | None]]:
        path = tmp_path / name
        path.write_bytes(content)
        return [row for frame in read_lines(path) for row in frame.rows()]

    return of


@pytest.mark.parametrize(
    ("name", "pack"), [("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.compress)]
)
def test_lines_are_numbered_from_one_however_the_file_is_packed(read, name, pack):
    assert read(name, pack(b'{"a":1}\r\n\n{"b":2}')) == [(1, '{"a":1}', None), (2, "", None), (3, '{"b":2}', None)]


def test_a_byte_order_mark_is_not_part_of_the_first_line(read):
    assert read("a.jsonl", b'\xef\xbb\xbf{"a":1}\n') == [(1, '{"a":1}', None)]


def test_bytes_that_are_not_utf8_are_kept_readable_and_only_their_line_has_a_fault(read):
    good, bad, last = read("a.jsonl", b'{"a":1}\n{"b":"\xff"}\n{"c":3}\n')

    assert bad == (2, '{"b":"\\xff"}', "not UTF-8: byte 0xff at position 6")
    assert (good[2], last[2]) == (None, None)


@pytest.mark.parametrize("megabytes", [20, 50])
def test_a_line_over_the_limit_is_cut_and_the_rest_of_the_file_still_read(read, megabytes):
    before, overlong, *after = read("a.jsonl", b"{}\n" + b"x" * (megabytes << 20) + b'\n{"a":1}\n{"b":2}')

    assert overlong[0] == 2
    assert overlong[2] == f"the line is {megabytes << 20} bytes long, over the limit of {lines.MAX_LINE_BYTES}"
    assert len(overlong[1]) == lines.KEPT_OF_OVERLONG_LINE
    assert [before, *after] == [(1, "{}", None), (3, '{"a":1}', None), (4, '{"b":2}', None)]


@pytest.mark.parametrize(("name", "pack"), [("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.compress)])
def test_a_truncated_archive_gives_what_can_be_unpacked_and_says_what_is_wrong(read, name, pack):
    packed = pack(b"".join(b'{"a":%d}\n' % number**7 for number in range(200_000)))

    rows = read(name, packed[: len(packed) // 2])

    assert rows[-1] == (
        0,
        "",
        f"the {name[8:].replace('gz', 'gzip').replace('zst', 'zstd')} stream ends early: the file is truncated",
    )
    assert rows[0] == (1, '{"a":0}', None)
    assert len(rows) > 1000


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.csv"])
def test_an_empty_file_says_so(read, name):
    assert read(name, b"") == [(0, "", "the file is empty")]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst", "a.parquet"])
def test_a_file_that_is_not_what_its_name_says_is_refused_with_a_reason(read, name):
    ((number, _, fault),) = read(name, b"hello there, this is plain text")

    assert number == 0
    assert fault


def test_rows_of_a_parquet_file_come_as_json_objects(read, tmp_path):
    pl.DataFrame({"a": [1, 2], "b": [[{"c": "d"}], []]}).write_parquet(tmp_path / "x")

    assert read("a.parquet", (tmp_path / "x").read_bytes()) == [
        (1, '{"a":1,"b":[{"c":"d"}]}', None),
        (2, '{"a":2,"b":[]}', None),
    ]


def test_rows_of_a_csv_file_come_as_json_objects_and_bad_rows_with_a_fault(read):
    rows = read("a.csv", b'a,b\n1,"x\ny"\n3\n4,\xff\n5,6\n')

    assert rows == [
        (3, '{"a": "1", "b": "x\\ny"}', None),
        (4, '["3"]', "1 fields under 2 headings"),
        (5, '["4", "\\xff"]', "not UTF-8"),
        (6, '{"a": "5", "b": "6"}', None),
    ]


@given(
    st.lists(st.text(st.characters(blacklist_characters="\n\r", blacklist_categories=["Cs"]), min_size=1), min_size=1)
)
def test_no_line_is_lost_or_changed_wherever_blocks_end(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    path.write_bytes(b"{}\n" + "\n".join(texts).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK_BYTES", 7)
        read = [row for frame in read_lines(path) for row in frame.rows()]

    assert read == [(number + 1, text, None) for number, text in enumerate(["{}", *texts])]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_records_of_a_json_array_are_lines_as_they_stand_there(tmp_path, pack):
    suffix = {gzip.compress: ".gz", zstandard.compress: ".zst"}.get(pack, "")
    path = tmp_path / f"a.json{suffix}"
    path.write_bytes(pack(b' [ {"a": [1, "]"]},\n{"b":2} , 3]\n'))

    (frame,) = read_lines(path)

    assert frame.rows() == [(1, '{"a": [1, "]"]}', None), (2, '{"b":2}', None), (3, "3", None)]


def test_an_object_is_one_record_unless_a_list_of_it_is_declared_to_hold_them(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"items": [{"a": 1}, {"a": 2}]}')

    assert [frame["payload"].to_list() for frame in read_lines(path)] == [['{"items": [{"a": 1}, {"a": 2}]}']]
    assert [frame["payload"].to_list() for frame in read_lines(path, records="items")] == [['{"a": 1}', '{"a": 2}']]


def test_lines_of_json_that_are_called_a_document_are_still_lines(read):
    assert read("a.json", b'{"a":1}\n{"b":2}\n') == [(1, '{"a":1}', None), (2, '{"b":2}', None)]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b'[{"a":1}, {"b"', "not a readable JSON document: Expecting ':' delimiter: line 1 column 15 (char 14)"),
        (b'[{"a":1} {"b":2}]', "not a readable JSON document: neither a comma nor the end of the array at character 9"),
        (b'[{"a":1}] x', "not a readable JSON document: 'x' after the end of the array"),
        (b'[{"a":1}, \xff]', "not UTF-8: byte 0xff at 10"),
    ],
)
def test_a_broken_json_document_gives_what_came_before_and_says_where_it_broke(read, content, fault):
    *before, last = read("a.json", content)

    assert last == (0, "", fault)
    assert before in ([(1, '{"a":1}', None)], [])


def test_a_declared_list_that_is_not_there_is_a_fault_of_the_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"rows": []}')

    (frame,) = read_lines(path, records="items")

    assert frame["fault"].item().endswith("no list at `items`, which is declared to hold the records")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("name", "text"), [("a.jsonl", '{"a":1}\n{"a":2}\n'), ("a.jsonl", "{}"), ("a.json", "[]"), ("a.csv", "a,b\n1,2\n")]
)
def test_a_file_of_utf16_says_so(read, encoding, name, text):
    fault = "the file is UTF-16 by its byte order mark, and must be UTF-8"
    assert read(name, f"\ufeff{text}".encode(encoding)) == [(0, "", fault)]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_first_line_of_utf16_costs_itself_alone(read, encoding):
    first, second = read("a.jsonl", '\ufeff{"a":1}'.encode(encoding) + b'\n{"b":2}\n')
    assert first[2].startswith("not UTF-8")
    assert second == (2, '{"b":2}', None)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_csv_file_with_another_delimiter_says_how_to_declare_it(tmp_path, delimiter):
    path = tmp_path / "a.csv"
    path.write_text(f"a{delimiter}b\n1{delimiter}2\n")

    ((number, _, fault),) = [row for frame in read_lines(path) for row in frame.rows()]

    assert (number, fault) == (
        0,
        f"a single heading, {f'a{delimiter}b'!r}: if {delimiter!r} separates the fields,"
        " the source's `delimiter` must say so",
    )
    assert [frame["payload"].to_list() for frame in read_lines(path, delimiter)] == [['{"a": "1", "b": "2"}']]


def test_a_packed_csv_file_is_read_like_a_plain_one(read):
    assert read("a.csv.gz", gzip.compress(b"a,b\n1,2\n")) == [(2, '{"a": "1", "b": "2"}', None)]
    assert "the gzip stream is broken" in read("b.csv.gz", gzip.compress(b"a,b\n1,2\n")[:-4])[-1][2]
