"""Starts localstripe and the double in front of it: ``python -m examples.stripe --port 12111``."""

from __future__ import annotations

import argparse
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from examples.stripe.double import create_double
from examples.stripe.dropping import DroppingProtocol


@contextmanager
def localstripe() -> Iterator[str]:
    """A localstripe of our own, as the address it listens on: bound here, so that it is taken from the first moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        child = subprocess.Popen(
            [sys.executable, "-m", "examples.stripe.localstripe_server", str(listener.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()  # it has nothing to finish: its state is in memory only
        child.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="examples.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=12111)
    arguments = parser.parse_args()
    # uvicorn raises the signal again once it has stopped: localstripe must be stopped before that ends us
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit())
    with localstripe() as url:
        uvicorn.run(
            create_double(url),
            host="127.0.0.1",
            port=arguments.port,
            http=DroppingProtocol,
            log_level="warning",
            timeout_graceful_shutdown=2,
        )


if __name__ == "__main__":
    main()
