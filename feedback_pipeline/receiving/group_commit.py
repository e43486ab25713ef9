"""Requests that wait at the same time share one write and one `fsync`.

While the disk is busy with a batch the next one gathers, so that the more clients there are, the more
lines each `fsync` is for.
"""

import asyncio
from dataclasses import dataclass

from feedback_pipeline.receiving.journal import Journal


@dataclass(frozen=True)
class _Waiting:
    source: str
    lines: bytes
    kept: asyncio.Future[None]


class GroupCommit:
    """The one writer of a journal. Use it as an asynchronous context: leaving it writes what still waits."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None
        self._takes_more = False

    async def __aenter__(self) -> "GroupCommit":
        """Start the writer."""
        self._writer = asyncio.create_task(self._write_batches())
        self._takes_more = True
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what waits, and close the files."""
        self._takes_more = False
        self._queue.put_nowait(None)
        if self._writer:
            await self._writer
        self._journal.close()

    async def keep(self, source: str, lines: bytes) -> None:
        """Return when the disk has `lines`, whole lines of a source. Raises when they are not kept."""
        if not self._takes_more:
            raise OSError("the receiver is not running")
        kept = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Waiting(source, lines, kept))
        await kept

    async def _write_batches(self) -> None:
        ended = False
        while not ended:
            batch = [await self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get_nowait())
            ended = None in batch
            if waiting := [each for each in batch if each is not None]:
                await self._write(waiting)

    async def _write(self, batch: list[_Waiting]) -> None:
        lines: dict[str, list[bytes]] = {}
        for each in batch:
            lines.setdefault(each.source, []).append(each.lines)
        joined = {source: b"".join(parts) for source, parts in lines.items()}
        try:
            failed = await asyncio.to_thread(self._journal.append, joined)
        except Exception as error:  # whatever it is, those who wait must hear of it, and the writer goes on
            failed = dict.fromkeys(joined, error)
        for each in batch:
            # A client that went away has cancelled its own.
            if each.kept.done():
                continue
            if each.source in failed:
                each.kept.set_exception(failed[each.source])
            else:
                each.kept.set_result(None)
