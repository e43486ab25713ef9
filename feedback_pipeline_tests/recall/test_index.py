import multiprocessing
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from exchange_rows import exchange, numbered
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from word_counts import WordCounts

from feedback_pipeline.recall.exchanges import EXCHANGES
from feedback_pipeline.recall.index import IndexMissingError, UpsertReport, compact, open_index, upsert

LATER = date(2026, 1, 6)


def bytes_in(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def stored(folder, encoder=None):
    return open_index(folder, encoder or WordCounts()).search().to_polars().sort("interaction_id")


def test_what_was_upserted_is_there(tmp_path):
    report = upsert(tmp_path, numbered(0, 3), WordCounts())
    assert report == UpsertReport(inserted=3, updated=0, carried_over=0, embedded=3)
    assert_frame_equal(EXCHANGES.conform(stored(tmp_path).select(list(EXCHANGES.columns))), numbered(0, 3))
    assert stored(tmp_path)["encoder"].unique().to_list() == ["word-counts@1"]


def test_an_upsert_again_changes_and_embeds_nothing(tmp_path):
    upsert(tmp_path, numbered(0, 3), WordCounts())
    version, before = open_index(tmp_path, WordCounts()).version, stored(tmp_path)
    encoder = WordCounts()
    assert upsert(tmp_path, numbered(0, 3), encoder) == UpsertReport(0, 0, 0, 0)
    assert encoder.calls == 0
    assert open_index(tmp_path, WordCounts()).version == version
    assert_frame_equal(stored(tmp_path), before)


def test_changed_metadata_is_updated_without_embedding(tmp_path):
    upsert(tmp_path, numbered(0, 3), WordCounts())
    vectors = stored(tmp_path)["vector"]
    report = upsert(tmp_path, exchange("i1", "question 1", kinds=["correction", "thumb"], as_of=LATER), WordCounts())
    assert report == UpsertReport(inserted=0, updated=1, carried_over=0, embedded=0)
    assert stored(tmp_path)["kinds"].to_list() == [["thumb"], ["correction", "thumb"], ["thumb"]]
    assert_frame_equal(stored(tmp_path)["vector"].to_frame(), vectors.to_frame())


def test_a_changed_text_is_embedded_anew(tmp_path):
    upsert(tmp_path, numbered(0, 3), WordCounts())
    encoder = WordCounts()
    report = upsert(tmp_path, exchange("i1", "something else"), encoder)
    assert report == UpsertReport(inserted=0, updated=1, carried_over=0, embedded=1)
    expected = WordCounts().encode(["something else"])[0].tolist()
    assert stored(tmp_path)["vector"].to_list()[1] == pytest.approx(expected)


def test_a_text_known_from_another_interaction_is_not_embedded(tmp_path):
    upsert(tmp_path, exchange("a", "the same words"), WordCounts())
    twice = pl.concat([exchange("b", "the same words"), exchange("c", "new words"), exchange("d", "new words")])
    encoder = WordCounts()
    assert upsert(tmp_path, twice, encoder).inserted == 3
    assert encoder.encoded == ["new words"]
    assert stored(tmp_path)["vector"].to_list()[1] == stored(tmp_path)["vector"].to_list()[0]


def test_a_text_keeps_its_vector_when_its_row_moved_in_an_earlier_chunk(tmp_path):
    upsert(tmp_path, exchange("a", "shared"), WordCounts())
    moved_and_new = pl.concat([exchange("a", "shared", as_of=LATER), numbered(0, 5_000), exchange("z", "shared")])
    report = upsert(tmp_path, moved_and_new, WordCounts())
    assert (report.inserted, report.updated, report.embedded) == (5_001, 1, 5_000)


def test_an_older_row_neither_replaces_a_newer_one_nor_is_embedded(tmp_path):
    upsert(tmp_path, exchange("a", "revised text", as_of=LATER), WordCounts())
    assert upsert(tmp_path, exchange("a", "text"), WordCounts()) == UpsertReport(0, 0, 0, 0)
    assert stored(tmp_path)["text"].to_list() == ["revised text"]


class Overtaken(WordCounts):
    """While it encodes, another upsert writes a newer row."""

    def encode(self, texts):
        upsert(self.folder, exchange("a", "newer", as_of=LATER), WordCounts())
        return super().encode(texts)


def test_a_newer_row_written_meanwhile_stays(tmp_path):
    upsert(tmp_path, EXCHANGES.empty(), WordCounts())
    encoder = Overtaken()
    encoder.folder = tmp_path
    upsert(tmp_path, exchange("a", "older"), encoder)
    assert stored(tmp_path)["text"].to_list() == ["newer"]


days = st.dictionaries(
    st.integers(1, 4), st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y", "x y"]), min_size=1)
)


@settings(max_examples=15)
@given(days=days.filter(bool), data=st.data())
def test_days_end_in_the_same_index_in_whatever_order_and_however_often_they_run(tmp_path_factory, days, data):
    frames = {
        day: pl.concat([exchange(key, text, as_of=date(2026, 1, day)) for key, text in rows.items()])
        for day, rows in days.items()
    }
    folder, in_order = tmp_path_factory.mktemp("any"), tmp_path_factory.mktemp("in_order")
    for day in sorted(days):
        upsert(in_order, frames[day], WordCounts())
    runs = data.draw(st.permutations(sorted(days))) + data.draw(st.lists(st.sampled_from(sorted(days)), max_size=2))
    for day in runs:
        upsert(folder, frames[day], WordCounts())
    assert_frame_equal(stored(folder), stored(in_order))


def test_two_rows_of_one_interaction_are_refused(tmp_path):
    with pytest.raises(ValueError, match="same interaction_id"):
        upsert(tmp_path, pl.concat([exchange("a", "x"), exchange("a", "y")]), WordCounts())


def test_no_rows_make_an_empty_index(tmp_path):
    assert upsert(tmp_path, EXCHANGES.empty(), WordCounts()) == UpsertReport(0, 0, 0, 0)
    assert stored(tmp_path).height == 0


def test_another_encoder_carries_all_rows_over_and_replaces_the_table(tmp_path):
    upsert(tmp_path, numbered(0, 3), WordCounts())
    report = upsert(tmp_path, numbered(2, 5), WordCounts(version="2", dimension=8))
    assert report == UpsertReport(inserted=2, updated=0, carried_over=3, embedded=5)
    rows = stored(tmp_path, WordCounts(version="2"))
    expected = WordCounts(version="2", dimension=8).encode(rows["text"].to_list())
    assert rows["vector"].to_list() == [pytest.approx(vector) for vector in expected.tolist()]
    assert rows["interaction_id"].to_list() == ["i0", "i1", "i2", "i3", "i4"]
    assert len(list(tmp_path.glob("*.lance"))) == 1


def test_compacting_leaves_nothing_of_what_was_replaced(tmp_path):
    upsert(tmp_path, numbered(0, 300), WordCounts())
    before = stored(tmp_path)
    for day in range(6, 12):
        upsert(tmp_path, numbered(0, 300, as_of=date(2026, 1, day)), WordCounts())
    grown = bytes_in(tmp_path)

    compact(tmp_path, WordCounts(), keep=timedelta(0))

    assert bytes_in(tmp_path) < grown / 3
    assert_frame_equal(stored(tmp_path).drop("as_of"), before.drop("as_of"))


def test_an_index_made_anew_in_the_same_folder_is_the_one_searched(tmp_path):
    folder = tmp_path / "index"
    upsert(folder, numbered(0, 3), WordCounts())
    assert stored(folder).height == 3
    shutil.rmtree(folder)
    upsert(folder, numbered(5, 7), WordCounts())
    assert stored(folder)["interaction_id"].to_list() == ["i5", "i6"]


def test_a_missing_index_says_so_and_creates_no_folder(tmp_path):
    with pytest.raises(IndexMissingError, match="run the nightly job"):
        open_index(tmp_path / "none", WordCounts())
    assert not (tmp_path / "none").exists()


def test_an_index_of_another_encoder_is_named(tmp_path):
    upsert(tmp_path, numbered(0, 1), WordCounts())
    with pytest.raises(IndexMissingError, match=r"no index for encoder word-counts@2 .*holds word-counts@1"):
        open_index(tmp_path, WordCounts(version="2"))


def test_many_small_nights_leave_few_fragments(tmp_path):
    for night in range(25):
        upsert(tmp_path, numbered(night, night + 1), WordCounts())
    table = open_index(tmp_path, WordCounts())
    assert table.stats()["fragment_stats"]["num_fragments"] < 20
    assert table.count_rows() == 25


def test_writers_who_create_the_index_at_once_lose_nothing(tmp_path):
    batches = [numbered(10 * writer, 10 * writer + 10) for writer in range(8)]
    for folder in [tmp_path / str(attempt) for attempt in range(5)]:
        with ThreadPoolExecutor(8) as writers:
            reports = list(writers.map(lambda rows, folder=folder: upsert(folder, rows, WordCounts()), batches))
        assert [report.inserted for report in reports] == [10] * 8
        assert stored(folder).height == 80


def upsert_often(folder, role, both_ready):
    both_ready.wait(60)
    for _ in range(10):
        upsert(folder, numbered(0, 100, user_role=role), WordCounts())


@pytest.mark.slow
def test_two_processes_upserting_the_same_rows_leave_no_duplicates(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    both_ready = spawn.Barrier(2)
    writers = [spawn.Process(target=upsert_often, args=(tmp_path, role, both_ready)) for role in ("member", "admin")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert sorted(stored(tmp_path)["interaction_id"]) == sorted(numbered(0, 100)["interaction_id"])


UPSERT_AND_DIE = """
import sys
from pathlib import Path
from exchange_rows import numbered
from word_counts import WordCounts
from feedback_pipeline.recall.index import upsert

folder, version, call = sys.argv[1:]
upsert(Path(folder), numbered(0, 10_000), WordCounts(version=version, killed_at_call=int(call)))
"""


def killed_upsert(folder, version, call):
    command = [sys.executable, "-c", UPSERT_AND_DIE, str(folder), version, str(call)]
    assert subprocess.run(command, cwd=Path(__file__).parent, check=False).returncode == -9


@pytest.mark.slow
def test_killed_and_run_again_equals_undisturbed(tmp_path):
    killed_upsert(tmp_path / "killed", "1", call=2)
    kept = stored(tmp_path / "killed").height
    assert 0 < kept < 10_000
    report = upsert(tmp_path / "killed", numbered(0, 10_000), WordCounts())
    assert report.inserted == report.embedded == 10_000 - kept
    upsert(tmp_path / "undisturbed", numbered(0, 10_000), WordCounts())
    assert_frame_equal(stored(tmp_path / "killed"), stored(tmp_path / "undisturbed"))


@pytest.mark.slow
def test_killed_while_changing_the_encoder_leaves_the_old_index_readable(tmp_path):
    upsert(tmp_path, numbered(0, 10_000), WordCounts())
    killed_upsert(tmp_path, "2", call=3)
    assert stored(tmp_path).height == 10_000
    with pytest.raises(IndexMissingError):
        open_index(tmp_path, WordCounts(version="2"))
    assert upsert(tmp_path, numbered(0, 10_000), WordCounts(version="2")).carried_over == 10_000
    assert stored(tmp_path, WordCounts(version="2")).height == 10_000
