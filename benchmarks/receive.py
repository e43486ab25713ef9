"""Deliveries a second that are on disk when they are acknowledged, from many clients at once.

A receiver in a process of its own, on a fresh landing zone in the temporary folder (so its disk and
its fsync), and clients that each send their next event of about 200 bytes when the last one was
answered. Only a 200 counts, and at the end all of them must be in the files. Compared with the handler
one would write by hand, on the same server: append, fsync, answer.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.report import arguments, publish

OURS = "from feedback_pipeline.receiving.server import serve; serve('127.0.0.1', 0)"
BY_HAND = """
import os, uvicorn
from pathlib import Path
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

folder = Path(os.environ["FEEDBACK_LANDING_ZONE"]) / "events" / "2026-01-05"
folder.mkdir()

async def receive(request: Request) -> Response:
    body = await request.body()
    with (folder / "received-by-hand.jsonl").open("ab") as file:
        file.write(body + b"\\n")
        file.flush()
        os.fsync(file.fileno())
    return Response(status_code=200)

uvicorn.run(Starlette(routes=[Route("/{source}", receive, methods=["POST"])]), port=0, access_log=False)
"""
HEAD = (
    "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Authorization: Bearer ours\r\nContent-Length: {}\r\n\r\n"
)
CLIENTS = 32


async def client(port: int, number: int, until: float) -> list[float]:
    """Seconds that each delivery waited for its 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    waits: list[float] = []
    event = {"kind": "thumb", "label": "up", "interaction_id": "chatcmpl-123456789", "session_id": "s-1"}
    event |= {"user_id": "u-1", "timestamp": "2026-01-05T09:13:02Z", "text": "x" * 20}
    while (began := time.perf_counter()) < until:
        body = json.dumps({"feedback_id": f"{number}-{len(waits)}"} | event)
        writer.write((HEAD.format(len(body)) + body).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"not acknowledged: {head!r}")
        waits.append(time.perf_counter() - began)
    writer.close()
    return waits


async def deliver(port: int, clients: int, seconds: float) -> list[float]:
    until = time.perf_counter() + seconds
    waits = await asyncio.gather(*(client(port, number, until) for number in range(clients)))
    return sorted(wait for each in waits for wait in each)


def measure(system: str, program: str, clients: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        zone = Path(folder) / "raw"
        (zone / "events").mkdir(parents=True)
        (zone / "events" / "source.yaml").write_text("format: events\n")
        given = {"FEEDBACK_LANDING_ZONE": str(zone), "FEEDBACK_RECEIVE_TOKEN": "ours"}
        server = subprocess.Popen(
            [sys.executable, "-c", program], env=os.environ | given, stderr=subprocess.PIPE, text=True
        )
        try:
            waits = asyncio.run(deliver(_port(server), clients, seconds))
        finally:
            server.terminate()
            server.wait()
        stored = sum(file.read_bytes().count(b"\n") for file in zone.rglob("*.jsonl"))
    if stored < len(waits):
        raise RuntimeError(f"{system}: {len(waits)} acknowledged, {stored} in the files")
    return {
        "system": system,
        "clients": clients,
        "deliveries_per_s": len(waits) / seconds,
        "p50_ms": 1000 * waits[len(waits) // 2],
        "p99_ms": 1000 * waits[len(waits) * 99 // 100],
    }


def _port(server: subprocess.Popen[str]) -> int:
    assert server.stderr is not None
    for line in server.stderr:
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise RuntimeError("the server did not start")


def main() -> None:
    options = arguments(str(__doc__))
    seconds = 4.0 if options.quick else 10.0
    systems = (("ours", OURS, CLIENTS), ("ours", OURS, 1), ("by hand", BY_HAND, CLIENTS), ("by hand", BY_HAND, 1))
    rows = [measure(*system, seconds) for system in systems]
    ratio = rows[0]["deliveries_per_s"] / rows[2]["deliveries_per_s"]
    work = f"events of about 200 bytes for {seconds:g} s each"
    publish("receive", work, rows, {"vs_by_hand": ratio}, options.json)


if __name__ == "__main__":
    main()
