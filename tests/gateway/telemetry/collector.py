"""An OTLP/HTTP collector on a port of its own: decodes what it is sent and keeps the spans."""

from __future__ import annotations

import gzip
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans


class Collector:
    def __init__(self) -> None:
        self.received: queue.SimpleQueue[ResourceSpans] = queue.SimpleQueue()
        self.stalled = threading.Event()
        self._go_on = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stall(self) -> None:
        """Answer nothing from now on, until the end."""
        self.stalled.set()

    def close(self) -> None:
        self._go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if collector.stalled.is_set():
                    collector._go_on.wait()
                assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                for spans in ExportTraceServiceRequest.FromString(body).resource_spans:
                    collector.received.put(spans)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        return Handler
