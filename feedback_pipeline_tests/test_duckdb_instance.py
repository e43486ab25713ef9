"""The warehouse's file within one process: readers beside each other, a writer alone, nobody waiting for itself."""

import threading
from datetime import date

import duckdb
import polars as pl
import pytest

from feedback_pipeline.duckdb_instance import duckdb_instance
from feedback_pipeline.schemas import ROUTES
from feedback_pipeline.warehouse import Warehouse

DAY = date(2026, 1, 5)


@pytest.fixture
def warehouse(tmp_path):
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.replace_partition(ROUTES, DAY, ROUTES.empty())
    return warehouse


def rows(number):
    return pl.DataFrame({"day": [DAY] * number, "interaction_id": [str(each) for each in range(number)]})


def test_readings_may_lie_within_each_other(warehouse):
    other = Warehouse(warehouse.path)

    with warehouse.reading() as outer, other.reading() as inner:
        assert (
            inner.sql("SELECT count(*) FROM routes").fetchall() == outer.sql("SELECT count(*) FROM routes").fetchall()
        )
    warehouse.replace_partition(ROUTES, DAY, rows(2))

    assert warehouse.count(ROUTES, [DAY]) == 2


@pytest.mark.parametrize("outer", ["reading", "transaction"])
def test_a_transaction_within_a_use_of_the_same_thread_is_an_error_and_no_deadlock(warehouse, outer):
    with getattr(warehouse, outer)(), pytest.raises(RuntimeError, match="would wait for itself"):
        warehouse.replace_partition(ROUTES, DAY, rows(1))

    assert warehouse.count(ROUTES, [DAY]) == 0


def test_threads_that_read_and_write_see_whole_partitions_only(warehouse):
    seen, failed = set(), []

    def work(read):
        try:
            for number in range(1, 20):
                if read:
                    seen.add(warehouse.count(ROUTES, [DAY]))
                else:
                    warehouse.replace_partition(ROUTES, DAY, rows(10 * (number % 2)))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(read,)) for read in (True, True, False, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failed
    assert seen <= {0, 10}


def test_every_file_has_one_instance_of_its_own(warehouse, tmp_path):
    other = Warehouse(tmp_path / "other.duckdb")
    other.replace_partition(ROUTES, DAY, rows(3))

    assert duckdb_instance(warehouse.path) is duckdb_instance(warehouse.path)
    assert (warehouse.count(ROUTES, [DAY]), other.count(ROUTES, [DAY])) == (0, 3)


def test_limits_of_memory_and_threads_hold_for_their_use_only(warehouse):
    limits = "SELECT current_setting('memory_limit'), current_setting('threads')"
    usual = warehouse.read(limits).row(0)
    with warehouse.within("100MB").transaction(usual[1] + 1) as connection:
        limited = connection.sql(limits).fetchall()[0]

    assert limited == ("95.3 MiB", usual[1] + 1)
    assert warehouse.within("100MB").read(limits).row(0) == ("95.3 MiB", usual[1])
    assert warehouse.read(limits).row(0) == usual


def test_a_query_that_needs_more_than_the_limit_of_memory_is_answered_all_the_same(warehouse):
    query = "SELECT len(list(i)) FROM range(4_000_000) numbers(i)"

    with warehouse.within("20MB").reading() as connection, pytest.raises(duckdb.OutOfMemoryException):
        connection.sql(query).fetchall()

    assert warehouse.within("20MB").read(query).item() == 4_000_000


def test_rows_that_come_in_parts_replace_a_partition_all_at_once_though_they_are_read_from_it(warehouse):
    warehouse.replace_partition(ROUTES, DAY, rows(3))

    def grown():
        for start in range(3):
            yield warehouse.partitions(ROUTES, [DAY])[start:]

    warehouse.replace_partition(ROUTES, DAY, grown())

    stored = warehouse.partitions(ROUTES, [DAY])
    assert sorted(stored["interaction_id"]) == ["0", "1", "1", "2", "2", "2"]
    assert [path.name for path in warehouse.path.parent.iterdir()] == ["warehouse.duckdb"]


def test_an_error_in_one_of_the_parts_leaves_the_partition_as_it_was(warehouse):
    warehouse.replace_partition(ROUTES, DAY, rows(3))

    def broken():
        yield rows(1)
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        warehouse.replace_partition(ROUTES, DAY, broken())

    assert warehouse.count(ROUTES, [DAY]) == 3
