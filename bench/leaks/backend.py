"""The backend and the collector of a run: what reaches them is kept, and the backend repeats what it is asked."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Backend:
    """Keeps what stands in ``/card/number`` of each payment that reaches it, a line each.

    ``tokens`` are those that came there; ``revealed`` counts what came as a processor gets it.
    """

    def __init__(self, protected: Path) -> None:
        self.requests = self.revealed = 0
        self.tokens: list[str] = []
        self._file = protected.open("w", encoding="utf-8", buffering=1)

    def close(self) -> None:
        self._file.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.requests += 1
        document = _document(bytes(body))
        if isinstance(card := document.get("card"), dict):
            self._file.write(f"{card.get('number')}\n")
            self.tokens += [number] if (number := str(card.get("number"))).startswith("tok_") else []
        if isinstance(source := document.get("source"), dict):
            self.revealed += str(source.get("number")).isdecimal()
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        await _answer(headers.get(b"x-trouble", ""), str(document.get("note", scope["path"])), send)


async def _answer(trouble: str, note: str, send: Send) -> None:
    if trouble == "gone":
        raise ConnectionAbortedError
    status = {"decline": 402, "fail": 500}.get(trouble, 200)
    said = {"id": "pay_1", "status": "paid", "note": note, "error": {"code": note, "message": f"no: {note}"}}
    content = json.dumps(said).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    if trouble == "header":
        headers += [(b"x-about", note.encode()), (b"vary", b"x-note"), (b"etag", b'"%b"' % note.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


class Collector:
    """Takes spans over OTLP, and writes what it was sent to ``file``: the bytes, and the ids as people read them."""

    def __init__(self, file: Path) -> None:
        self.spans = 0
        self._file = file.open("wb")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._file.close()

    def _keep(self, body: bytes) -> None:
        self._file.write(body + b"\n")
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans += len(scope.spans)
                for span in scope.spans:
                    ids = (span.trace_id.hex(), span.parent_span_id.hex(), span.name)
                    self._file.write(" ".join(ids).encode() + b"\n")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector._keep(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        return Handler
