"""A turn alone, with a connection that only remembers."""

from __future__ import annotations

import asyncio

import pytest

from gateway.dataplane.turn import CONTINUE, HIGH_WATER, Turn
from gateway.errors import ClientFailed
from gateway.fields import pieces_of


class Connection:
    """What a turn asks of its protocol and of the way out."""

    def __init__(self) -> None:
        self.outlet = self
        self.leaving = False
        self.default_headers: list[tuple[bytes, bytes]] = []
        self.wire = b""
        self.reading: list[str] = []
        self.answered: list[Turn] = []
        self.aborted = False
        self.room = asyncio.Event()
        self.room.set()

    def write(self, data: bytes) -> None:
        self.wire += data

    write_soon = write

    async def drained(self) -> None:
        await self.room.wait()

    def pause_reading(self) -> None:
        self.reading.append("pause")

    def resume_reading(self) -> None:
        self.reading.append("resume")

    def abort(self) -> None:
        self.aborted = True

    def on_answered(self, turn: Turn) -> None:
        self.answered.append(turn)

    def on_ended(self, turn: Turn) -> None:
        pass


@pytest.fixture
def connection() -> Connection:
    return Connection()


def turn_on(connection, *, method="GET", version="1.1", keep_alive=True, expects=False, complete=True) -> Turn:
    scope = {"method": method, "http_version": version}
    turn = Turn(connection, scope, [], keep_alive=keep_alive, expects=expects)
    if complete:
        turn.finish()
    return turn


async def answer(turn: Turn, *pieces: bytes, status=200, headers=()) -> None:
    await turn.send({"type": "http.response.start", "status": status, "headers": list(headers)})
    for piece in pieces[:-1]:
        await turn.send({"type": "http.response.body", "body": piece, "more_body": True})
    await turn.send({"type": "http.response.body", "body": pieces[-1]})


LENGTH = (b"content-length", b"2")


@pytest.mark.parametrize(
    ("options", "status", "answered", "wire"),
    [
        ({}, 200, ([LENGTH], [b"ok"]), b"200 OK\r\ncontent-length: 2\r\n\r\nok"),
        ({}, 200, ([LENGTH], [b"o", b"k"]), b"200 OK\r\ncontent-length: 2\r\n\r\nok"),
        (
            {},
            200,
            ([], [b"o", b"", b"k", b""]),
            b"200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
        ),
        ({}, 200, ([], [b""]), b"200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        ({}, 204, ([], [b""]), b"204 No Content\r\n\r\n"),
        ({}, 304, ([LENGTH], [b""]), b"304 Not Modified\r\ncontent-length: 2\r\n\r\n"),
        ({"method": "HEAD"}, 200, ([LENGTH], [b""]), b"200 OK\r\ncontent-length: 2\r\n\r\n"),
        ({"method": "HEAD"}, 200, ([], [b"ignored"]), b"200 OK\r\n\r\n"),
        (
            {"keep_alive": False},
            200,
            ([LENGTH], [b"ok"]),
            b"200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
        ),
        (
            {"version": "1.0"},
            200,
            ([LENGTH], [b"ok"]),
            b"200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok",
        ),
        ({"version": "1.0"}, 200, ([], [b"o", b"k"]), b"200 OK\r\nconnection: close\r\n\r\nok"),
        ({"complete": False}, 200, ([LENGTH], [b"ok"]), b"200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"),
        ({}, 299, ([LENGTH], [b"ok"]), b"299 \r\ncontent-length: 2\r\n\r\nok"),
    ],
)
async def test_an_answer_is_framed_by_what_is_known_of_it(connection, options, status, answered, wire):
    headers, pieces = answered
    turn = turn_on(connection, **options)
    await answer(turn, *pieces, status=status, headers=[(b"x", b"1"), *headers])
    assert connection.wire.replace(b"x: 1\r\n", b"") == b"HTTP/1.1 " + wire
    assert connection.answered == [turn]


async def test_a_whole_answer_is_written_as_its_pieces_would_be(connection):
    turn_on(connection).answer(200, pieces_of([LENGTH]), b"ok")
    other = Connection()
    await answer(turn_on(other), b"ok", headers=[LENGTH])
    assert connection.wire == other.wire


@pytest.mark.parametrize("pieces", [[b"o"], [b"okay"], [b"o", b"kay"], [b"o", b""]])
async def test_a_body_that_is_not_as_long_as_it_says_fails(connection, pieces):
    with pytest.raises(ValueError, match="Content-Length"):
        await answer(turn_on(connection), *pieces, headers=[LENGTH])
    assert not connection.answered


async def test_a_leaving_gateway_closes_after_the_answer(connection):
    connection.leaving = True
    turn_on(connection).answer(200, pieces_of([LENGTH]), b"ok")
    assert b"connection: close\r\n" in connection.wire


async def test_writing_waits_for_the_client(connection):
    connection.room.clear()
    turn = turn_on(connection)
    await turn.send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"1")]})
    sending = asyncio.create_task(turn.send({"type": "http.response.body", "body": b"a", "more_body": True}))
    await asyncio.sleep(0)
    assert not sending.done()
    connection.room.set()
    await sending


async def test_nothing_is_written_to_a_client_that_has_gone(connection):
    turn = turn_on(connection)
    turn.lose()
    await answer(turn, b"o", b"k", headers=[LENGTH])
    assert connection.wire == b""
    assert connection.answered == [turn]


# the request's body


async def test_a_body_that_is_here_is_taken_without_waiting(connection):
    turn = turn_on(connection, complete=False)
    turn.feed(b"a")
    assert turn.take() is None
    turn.feed(b"b")
    turn.finish()
    assert turn.take() == b"ab"
    assert await turn.receive() == {"type": "http.request", "body": b"", "more_body": False}


async def test_a_body_is_received_as_it_comes(connection):
    turn = turn_on(connection, complete=False)
    receiving = asyncio.create_task(turn.receive())
    await asyncio.sleep(0)
    assert turn.reading
    turn.feed(b"a")
    turn.feed(b"b")
    assert await receiving == {"type": "http.request", "body": b"ab", "more_body": True}
    assert not turn.reading
    turn.finish()
    assert await turn.receive() == {"type": "http.request", "body": b"", "more_body": False}


async def test_reading_stops_while_nobody_receives(connection):
    turn = turn_on(connection, complete=False)
    turn.feed(bytes(HIGH_WATER))
    assert connection.reading == []
    turn.feed(b"a")
    assert connection.reading[-1] == "pause"
    await turn.receive()
    assert connection.reading[-1] == "resume"


async def test_what_came_before_a_failure_is_received_before_it(connection):
    turn = turn_on(connection, complete=False)
    turn.feed(b"a")
    turn.fail(ClientFailed("cut"))
    assert (await turn.receive())["body"] == b"a"
    with pytest.raises(ClientFailed, match="cut"):
        await turn.receive()


async def test_the_first_failure_counts_and_none_after_the_end(connection):
    turn = turn_on(connection, complete=False)
    turn.fail(ClientFailed("first"))
    turn.fail(ClientFailed("second"))
    with pytest.raises(ClientFailed, match="first"):
        await turn.receive()
    whole = turn_on(connection)
    whole.fail(ClientFailed("late"))
    assert not (await whole.receive())["more_body"]


async def test_continue_is_sent_once_and_never_after_the_answer_has_begun(connection):
    turn = turn_on(connection, expects=True, complete=False)
    turn.feed(b"a")
    await turn.receive()
    turn.feed(b"b")
    await turn.receive()
    assert connection.wire == CONTINUE
    late = turn_on(connection, expects=True, complete=False)
    await late.send({"type": "http.response.start", "status": 200, "headers": [LENGTH]})
    late.feed(b"a")
    await late.receive()
    assert connection.wire == CONTINUE


# the application


async def test_an_application_that_fails_or_forgets_to_answer_ends_the_connection(connection, caplog):
    async def fails(scope, receive, send) -> None:
        raise ValueError("inside")

    async def forgets(scope, receive, send) -> None:
        pass

    await turn_on(connection).run(fails)
    assert connection.aborted
    assert "inside" in caplog.text
    connection.aborted = False
    await turn_on(connection).run(forgets)
    assert connection.aborted


async def test_a_client_that_leaves_is_told_to_whoever_asked(connection):
    told = []
    turn = turn_on(connection)
    turn.on_gone = lambda: told.append(turn.gone)
    turn.lose()
    assert told == [True]
