"""localstripe on a socket that it inherits, with its state in memory only.

localstripe is GPL-3, so it runs as a process of its own; nothing but this launcher imports it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

from aiohttp import web
from localstripe import resources, server  # type: ignore[import-untyped] # it has no annotations


def keep_state_in_memory() -> None:
    """It otherwise pickles everything to one fixed file of the machine at each write."""
    resources.Store.dump_to_disk = lambda _store: None


def decline_test_cards_when_charged() -> None:
    """It otherwise declines Stripe's test cards only where they are attached to a customer."""
    method = resources.PaymentMethod
    declined = method._charging_is_declined
    method._charging_is_declined = lambda self: self._attaching_is_declined() or declined(self)


def stop_when_input_ends() -> None:
    """The starter holds the other end of our stdin: when it is gone, however it went, so are we."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    keep_state_in_memory()
    decline_test_cards_when_charged()
    stop_when_input_ends()
    listener = socket.socket(fileno=int(sys.argv[1]))
    web.run_app(server.app, sock=listener, print=None, access_log=None, shutdown_timeout=1)


if __name__ == "__main__":
    main()
