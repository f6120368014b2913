"""AWS Lambda's runtime API on loopback: hands one event after another to a function, and takes its answers."""

from __future__ import annotations

import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.parts.part import Part
from tests.parts.ports import LOOPBACK

_ARN = "arn:aws:lambda:us-east-1:000000000000:function:test"


class RuntimeApi(Part):
    """`invoke` waits for the function's answer."""

    def __init__(self) -> None:
        self._events: queue.Queue[Any] = queue.Queue()
        self._answers: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"{LOOPBACK}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def invoke(self, event: Any, within: float = 30.0) -> Any:
        """What the function returns; AssertionError with what it reports instead."""
        self._events.put(event)
        kind, answer = self._answers.get(timeout=within)
        assert kind == "response", answer
        return answer

    def close(self) -> None:
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        events, answers = self._events, self._answers

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                """`/invocation/next`: waits for an event."""
                event = events.get()
                headers = {
                    "Lambda-Runtime-Aws-Request-Id": "1",
                    "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 30_000),
                    "Lambda-Runtime-Invoked-Function-Arn": _ARN,
                    "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000",
                    "Content-Type": "application/json",
                }
                self._answer(200 if event is not None else 410, json.dumps(event).encode(), headers)

            def do_POST(self) -> None:
                """`/invocation/<id>/response` or `…/error`, `/init/error`."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answers.put((self.path.rpartition("/")[2], json.loads(body)))
                self._answer(202, b"{}", {})

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        return Handler
