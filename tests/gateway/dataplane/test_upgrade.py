from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dataplane.upgrade import read_on


class Told:
    """What a parser tells of what follows the head."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = [b""]
        self.targets: list[bytes] = []
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = 0

    def on_message_begin(self) -> None:
        self.bodies.append(b"")

    def on_url(self, url: bytes) -> None:
        self.targets.append(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        pass

    def on_body(self, body: bytes) -> None:
        self.bodies[-1] += body

    def on_message_complete(self) -> None:
        self.complete += 1


NEXT = b"GET /next HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("framing", "rest", "body"),
    [
        ([], b"", b""),
        ([(b"content-length", b"0")], b"", b""),
        ([(b"content-length", b"2")], b"ok", b"ok"),
        ([(b"transfer-encoding", b"chunked")], b"2\r\nok\r\n0\r\n\r\n", b"ok"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_the_body_behind_the_head_is_read_and_then_the_next_request(framing, rest, body, size):
    told = Told()
    parser = read_on(told, [(b"host", b"x"), (b"upgrade", b"h2c"), *framing])
    data = rest + NEXT
    for index in range(0, len(data), size):
        parser.feed_data(data[index : index + size])
    assert told.bodies == [body, b""]
    assert b"".join(told.targets) == b"/next"
    assert told.headers == [(b"host", b"x")]
    assert told.complete == 2


@given(st.binary(max_size=200))
def test_nothing_in_a_body_of_a_known_length_is_a_request(body):
    told = Told()
    read_on(told, [(b"content-length", b"%d" % len(body))]).feed_data(body + NEXT)
    assert told.bodies == [body, b""]
    assert told.targets == [b"/next"]


def test_a_chunk_that_is_garbled_is_an_error():
    parser = read_on(Told(), [(b"transfer-encoding", b"chunked")])
    with pytest.raises(httptools.HttpParserError):
        parser.feed_data(b"nonsense\r\n")
