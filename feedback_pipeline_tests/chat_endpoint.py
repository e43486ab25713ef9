"""An OpenAI-compatible endpoint on this machine, answering as a test tells it to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[str], dict[str, Any] | str | int | float]


@dataclass
class ChatEndpoint:
    """`answer` gives for a remark the model's object, its raw words, a status, or seconds of silence."""

    answer: Answer
    received: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    url: str = ""

    @property
    def remarks(self) -> list[str]:
        return [body["messages"][-1]["content"] for body in self.received]


@contextmanager
def chat_endpoint(answer: Answer) -> Iterator[ChatEndpoint]:
    endpoint = ChatEndpoint(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            endpoint.received.append(body)
            endpoint.keys.append(self.headers["Authorization"])
            said = endpoint.answer(body["messages"][-1]["content"])
            if isinstance(said, float):
                time.sleep(said)
            content = said if isinstance(said, str) else json.dumps(said)
            reply = {"choices": [{"message": {"content": content}}], "usage": {"total_tokens": 100}}
            payload = json.dumps(reply).encode()
            self.send_response(said if isinstance(said, int) else 200)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
