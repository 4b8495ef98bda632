from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from gateway.telemetry.lines import Lines

PIPE = 1 << 16  # what a pipe of Linux holds


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


async def _read(fd: int, size: int = 1 << 20) -> bytes:
    return await asyncio.to_thread(os.read, fd, size)


async def test_lines_that_were_put_go_out_together_after_a_while(pipe):
    reading, writing = pipe
    lines = Lines(writing, every=0.01)
    lines.put(b"one\n")
    lines.put(b"two\n")
    assert await _read(reading) == b"one\ntwo\n"
    await lines.close()


async def test_a_full_batch_does_not_wait_for_the_timer(pipe):
    reading, writing = pipe
    lines = Lines(writing, batch=2, every=3600)
    lines.put(b"one\n")
    lines.put(b"two\n")
    assert await _read(reading) == b"one\ntwo\n"
    await lines.close()


async def test_closing_writes_what_waits_and_what_is_said_later_goes_out_too(pipe):
    reading, writing = pipe
    lines = Lines(writing, every=3600)
    lines.put(b"one\n")
    await lines.close()
    assert await _read(reading) == b"one\n"
    lines.say(b"two\n")
    assert await _read(reading) == b"two\n"
    await lines.close()


async def test_a_reader_that_stalls_never_stops_the_loop_and_what_is_too_much_is_counted(pipe):
    reading, writing = pipe
    lines = Lines(writing, most=100, batch=10, every=3600)
    line = b"x" * 4095 + b"\n"
    for _ in range(150):  # the pipe takes 16 of them
        lines.put(line)
    lines.say(b"dropped too\n")
    assert lines.dropped == 51
    received = bytearray()
    while len(received) < 100 * len(line):
        received += await _read(reading)
    assert received == line * 100
    lines.put(b"again\n")
    await lines.close()
    assert await _read(reading) == b"again\n"


async def test_closing_gives_up_on_a_reader_that_stalls(pipe):
    lines = Lines(pipe[1])
    lines.say(b"x" * (PIPE + 1))
    await lines.close(within=0.01)


async def test_a_reader_that_has_gone_costs_lines_and_nothing_else(pipe):
    reading, writing = pipe
    os.close(reading)
    lines = Lines(writing)
    lines.say(b"one\n")
    lines.put(b"two\n")
    await lines.close()
    assert lines.dropped == 2


async def test_a_descriptor_that_does_not_block_is_waited_for(pipe):
    reading, writing = pipe
    os.set_blocking(writing, False)
    lines = Lines(writing)
    lines.say(b"x" * (3 * PIPE))
    received = 0
    while received < 3 * PIPE:
        received += len(await _read(reading))
    await lines.close()


async def test_every_thread_may_say_something(pipe):
    reading, writing = pipe
    lines = Lines(writing)
    threads = [threading.Thread(target=lambda: [lines.say(b"said\n") for _ in range(100)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    await lines.close()
    assert await _read(reading) == b"said\n" * 800


def test_what_was_said_just_before_the_process_ends_is_written():
    program = "from gateway.telemetry.lines import Lines; Lines().say(b'last words\\n'); raise SystemExit(2)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"last words\n")
