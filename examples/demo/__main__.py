from __future__ import annotations

import argparse
import signal
import sys
import time
from types import FrameType

import httpx

from examples.demo import page
from examples.demo.payments import Row, drive
from examples.demo.service import ServiceFailedError
from examples.demo.town import Town, forget_foreign_settings, town


def run(*, once: bool) -> int:
    """The exit code: 0 where every payment went as it must."""
    out = page.console()
    out.print("Starting a fake Stripe, a payment backend, and Payguard in front of it …")
    with town() as all_up:
        rows = drive_through(all_up)
        out.print(page.table(rows))
        page.print_addresses(out, all_up)
        as_expected = all(row.as_expected for row in rows)
        if not as_expected:
            out.print(f"The gateway's last words:\n{all_up.gateway.tail()}", markup=False)
        if not once:
            out.print(f"Its log is {all_up.gateway.log}; Ctrl-C ends the demo.")
            stay(all_up)
    return 0 if as_expected else 1


def drive_through(all_up: Town) -> list[Row]:
    with httpx.Client(base_url=all_up.gateway_url, timeout=15, trust_env=False) as gateway:
        try:
            return drive(gateway, all_up)
        except httpx.TransportError:
            all_up.check()
            raise


def stay(all_up: Town) -> None:
    """Until a service ends, which is an error, or a signal comes."""
    while True:
        all_up.check()
        time.sleep(0.5)


def leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def main() -> None:
    parser = argparse.ArgumentParser(prog="payguard demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the table")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts it beside itself has it ignored
    forget_foreign_settings()
    try:
        sys.exit(run(once=arguments.once))
    except ServiceFailedError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
