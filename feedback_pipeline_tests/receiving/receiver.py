"""The receiver as a process of its own, and a client of it."""

import http.client
import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from threading import Thread

SERVE = "from feedback_pipeline.receiving.server import serve; serve('127.0.0.1', 0)"
TOKEN = {"Authorization": "Bearer ours"}
# Nothing but what is said here: whoever runs the tests may have secrets of their own.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("FEEDBACK_")}


class Client:
    """One connection that is kept, as a vendor's would be."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def send(self, method, path, body=None, **headers):
        """The answer's status and content, and its headers."""
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        return response.status, json.loads(content) if content.startswith(b"{") else content, response.headers

    def post(self, source, body, headers=TOKEN):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, content, _ = self.send("POST", f"/{source}", body, **{"Content-Type": "application/json", **headers})
        return status, content


class Receiver:
    """The running process, where it listens, and what it said."""

    def __init__(self, process):
        self.process, self.said = process, []
        for line in process.stderr:
            self.said.append(line)
            if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                break
        else:
            raise RuntimeError(f"it did not start: {self.said}")
        # Else it would wait for somebody to read what it says.
        Thread(target=lambda: self.said.extend(process.stderr), daemon=True).start()

    def client(self):
        return Client(self.port)


@contextmanager
def receiving(zone, before_start=None, **environment):
    """A receiver for a landing zone, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        env=CLEAN | {"FEEDBACK_LANDING_ZONE": str(zone), "FEEDBACK_RECEIVE_TOKEN": "ours"} | environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before_start,
    )
    try:
        yield Receiver(process)
    finally:
        process.kill()
        process.wait()


def declare(zone, name, text="format: events"):
    (zone / name).mkdir(parents=True)
    (zone / name / "source.yaml").write_text(text)


def landed(zone, source="*"):
    """All lines that lie in the landing zone, whole or not."""
    return [line for file in sorted(zone.glob(f"{source}/*/*.jsonl")) for line in file.read_bytes().splitlines(True)]
