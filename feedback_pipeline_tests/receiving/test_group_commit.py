"""Many wait for one `fsync`, and each hears what became of its own lines."""

import asyncio
import os
import shutil

import pytest

from feedback_pipeline.receiving.group_commit import GroupCommit
from feedback_pipeline.receiving.journal import Journal


@pytest.fixture
def zone(tmp_path):
    for source in ("a", "b"):
        (tmp_path / source).mkdir()
    return tmp_path


def lines(zone, source):
    return [line for file in zone.glob(f"{source}/*/*") for line in file.read_bytes().splitlines()]


def test_those_who_wait_at_the_same_time_share_a_sync(zone, monkeypatch):
    syncs = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: syncs.append(sync(descriptor)))

    async def deliver():
        async with GroupCommit(Journal(zone)) as commit:
            await asyncio.gather(*(commit.keep("a", b"%d\n" % number) for number in range(100)))

    asyncio.run(deliver())
    assert lines(zone, "a") == [b"%d" % number for number in range(100)]
    # The file, its folder and the source's; what came while those were written, once more.
    assert len(syncs) <= 6


def test_what_waits_when_it_ends_is_written(zone):
    async def deliver():
        async with GroupCommit(Journal(zone)) as commit:
            waiting = [asyncio.create_task(commit.keep("a", b"%d\n" % number)) for number in range(10)]
            await asyncio.sleep(0)
        assert all(task.done() for task in waiting)
        await asyncio.gather(*waiting)

    asyncio.run(deliver())
    assert len(lines(zone, "a")) == 10


def test_once_it_has_ended_it_promises_nothing(zone):
    async def deliver():
        async with GroupCommit(Journal(zone)) as commit:
            pass
        with pytest.raises(OSError, match="not running"):
            await commit.keep("a", b"1\n")

    asyncio.run(deliver())
    assert lines(zone, "a") == []


def test_those_whose_lines_are_not_kept_hear_of_it_and_all_others_are_served(zone):
    shutil.rmtree(zone / "a")

    async def deliver():
        async with GroupCommit(Journal(zone)) as commit:
            for _ in range(2):
                told = await asyncio.gather(
                    *(commit.keep(source, b"1\n") for source in ("a", "b", "a")), return_exceptions=True
                )
                assert [type(each) for each in told] == [FileNotFoundError, type(None), FileNotFoundError]

    asyncio.run(deliver())
    assert lines(zone, "b") == [b"1", b"1"]


def test_one_who_stops_waiting_disturbs_nobody(zone):
    async def deliver():
        async with asyncio.timeout(30), GroupCommit(Journal(zone)) as commit:
            gone = asyncio.create_task(commit.keep("a", b"1\n"))
            await asyncio.sleep(0)
            gone.cancel()
            await commit.keep("a", b"2\n")
            await commit.keep("a", b"3\n")

    asyncio.run(deliver())
    assert lines(zone, "a") == [b"1", b"2", b"3"]
