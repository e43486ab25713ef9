"""Lines are on disk before anyone is told so, in files that nobody else writes."""

import os
import resource
import shutil
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from feedback_pipeline.receiving.journal import Journal

BEFORE_MIDNIGHT = datetime(2026, 1, 5, 23, 59, 59, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = BEFORE_MIDNIGHT

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def zone(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    return tmp_path


@pytest.fixture
def journal(zone, clock):
    journal = Journal(zone, clock)
    yield journal
    journal.close()


@contextmanager
def small_files(size):
    """No file may grow over so many bytes: writing stops in the middle, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def synced(monkeypatch):
    """What was synced, in order; it is synced all the same."""
    paths = []
    sync = os.fsync

    def recorded(descriptor):
        sync(descriptor)
        paths.append(os.readlink(f"/proc/self/fd/{descriptor}"))

    monkeypatch.setattr(os, "fsync", recorded)
    return paths


def files(zone):
    return {str(file.relative_to(zone).parent): file.read_bytes() for file in sorted(zone.glob("*/*/*"))}


def test_lines_go_to_the_day_on_which_they_are_written(zone, clock, journal):
    assert journal.append({"a": b"1\n"}) == {}
    clock.now += timedelta(seconds=1)
    assert journal.append({"a": b"2\n3\n"}) == {}
    assert journal.append({"a": b"4\n"}) == {}
    assert files(zone) == {"a/2026-01-05": b"1\n", "a/2026-01-06": b"2\n3\n4\n"}


def test_each_source_has_a_file_of_its_own(zone, journal):
    assert journal.append({"a": b"1\n", "b": b"2\n"}) == {}
    assert files(zone) == {"a/2026-01-05": b"1\n", "b/2026-01-05": b"2\n"}


def test_another_process_or_the_next_one_writes_to_another_file(zone, clock, journal):
    other = Journal(zone, clock)
    journal.append({"a": b"1\n"})
    other.append({"a": b"2\n"})
    journal.append({"a": b"3\n"})
    other.close()
    found = sorted(file.read_bytes() for file in zone.glob("a/*/received-*.jsonl"))
    assert found == [b"1\n3\n", b"2\n"]


def test_a_new_file_is_synced_with_the_folders_that_know_it_and_an_old_one_alone(zone, journal, synced):
    journal.append({"a": b"1\n"})
    (file,) = zone.glob("a/*/*")
    assert synced == [str(file), str(file.parent), str(zone / "a")]
    synced.clear()
    journal.append({"a": b"2\n"})
    assert synced == [str(file)]


def test_half_written_lines_are_taken_back_and_later_ones_go_to_another_file(zone, journal):
    journal.append({"a": b"first\n"})
    with small_files(10):
        failed = journal.append({"a": b"much longer\n", "b": b"short\n"})
    assert [type(error) for error in failed.values()] == [OSError]
    assert set(failed) == {"a"}
    assert files(zone) == {"a/2026-01-05": b"first\n", "b/2026-01-05": b"short\n"}
    journal.append({"a": b"last\n"})
    assert sorted(file.read_bytes() for file in zone.glob("a/*/*")) == [b"first\n", b"last\n"]


def test_a_file_of_which_nothing_could_be_written_is_not_left_behind(zone, journal):
    with small_files(3):
        for _ in range(3):
            assert set(journal.append({"a": b"too long\n"})) == {"a"}
    assert files(zone) == {}


def test_a_file_that_was_deleted_or_moved_away_is_not_written_on(zone, clock, journal):
    journal.append({"a": b"1\n"})
    shutil.rmtree(zone / "a" / "2026-01-05")
    assert journal.append({"a": b"2\n"}) == {}
    assert files(zone) == {"a/2026-01-05": b"2\n"}
    (file,) = zone.glob("a/*/*")
    file.rename(zone / "archived")
    assert journal.append({"a": b"3\n"}) == {}
    assert files(zone) == {"a/2026-01-05": b"3\n"}
    assert (zone / "archived").read_bytes() == b"2\n"


def test_a_source_whose_folder_is_gone_fails_alone(zone, journal):
    shutil.rmtree(zone / "a")
    failed = journal.append({"a": b"1\n", "b": b"2\n"})
    assert [(source, type(error)) for source, error in failed.items()] == [("a", FileNotFoundError)]
    assert files(zone) == {"b/2026-01-05": b"2\n"}
