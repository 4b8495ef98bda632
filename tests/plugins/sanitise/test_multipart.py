from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.multipart import read_multipart
from plugins.sanitise.problems import AmbiguousBody, BodyTooComplex
from plugins.sanitise.texts import Text

NAME = b'Content-Disposition: form-data; name="note"'
FILE = b'Content-Disposition: form-data; name="photo"; filename="a.png"'


def form(*parts: tuple[bytes, bytes]) -> bytes:
    written = b"".join(b"--mark\r\n" + headers + b"\r\n\r\n" + content + b"\r\n" for headers, content in parts)
    return written + b"--mark--\r\n"


def located(data: bytes, boundary="mark", *, most=100, repeated=True) -> list[Text]:
    return list(read_multipart(data, boundary, most=most, repeated=repeated).located())


def test_values_are_read_by_their_names() -> None:
    assert located(form((NAME, "Zoë\r\nM".encode()))) == [
        Text("form:note", "note", Kind.KEY),
        Text("form:note", "Zoë\r\nM"),
    ]


def test_a_name_may_be_written_without_quotation_marks() -> None:
    assert Text("form:note", "a") in located(form((b"content-disposition: form-data; name=note", b"a")))


@pytest.mark.parametrize("kind", [b"text/plain; charset= UTF-8", b'text/plain;charset="utf-8"', b"text/plain"])
def test_a_part_may_say_that_it_is_utf_8(kind) -> None:
    assert Text("form:note", "a") in located(form((NAME + b"\r\nContent-Type: " + kind, b"a")))


def test_of_a_file_its_name_is_read_and_what_is_text() -> None:
    png = located(form((FILE + b"\r\nContent-Type: image/png", b"\x89PNG\xff")))
    svg = located(form((FILE + b"\r\nContent-Type: image/svg+xml", b"<svg/>")))
    silent = located(form((FILE, b"hello")))

    assert png == [Text("file:photo", "a.png")]
    assert svg == [Text("file:photo", "a.png"), Text("file:photo", "<svg/>")]
    assert silent == [Text("file:photo", "a.png"), Text("file:photo", "hello")]


@pytest.mark.parametrize(
    "data",
    [
        b"preamble\r\n" + form((NAME, b"a")),
        form((NAME, b"a")) + b"epilogue",
        form((NAME, b"a"))[:-4],
        form((NAME, b"a\n--mark\nb")),
        form((NAME, b"a\r\n--mark \r\n")),
        form((NAME, b"a\r\n--markx")),
        form((NAME + b"\r\n" + NAME, b"a")),
        form((b"Content-Type: text/plain", b"a")),
        form((b"Content-Disposition: attachment; name=note", b"a")),
        form((NAME + b"; filename*=utf-8''a.php", b"a")),
        form((NAME + b'; name="other"', b"a")),
        form((b'Content-Disposition: form-data; name="no\\"te"', b"a")),
        form((NAME + b"\r\nContent-Transfer-Encoding: base64", b"YQ==")),
        form((NAME + b"\r\nContent-Type: text/plain; charset=utf-7", b"a")),
        form((NAME, b"\xff")),
        form((NAME + b"\r\nBroken", b"a")),
        b"--mark--\r\n",
        b"",
    ],
)
def test_what_two_readers_could_read_differently_is_refused(data) -> None:
    with pytest.raises(AmbiguousBody) as refused:
        located(data)

    assert (refused.value.status, refused.value.code) == (400, "ambiguous_body")


@pytest.mark.parametrize("boundary", ["", "mark ", 'ma"rk', "m" * 71])
def test_a_boundary_is_one_of_rfc_2046(boundary) -> None:
    with pytest.raises(AmbiguousBody):
        located(form((NAME, b"a")), boundary)


def test_a_name_may_come_twice_unless_the_policy_says_otherwise() -> None:
    twice = form((NAME, b"1"), (NAME, b"2"))

    assert Text("form:note", "1,2") in located(twice)
    with pytest.raises(AmbiguousBody):
        located(twice, repeated=False)


def test_a_form_holds_so_many_parts() -> None:
    located(form(*[(NAME, b"a")] * 100))
    with pytest.raises(BodyTooComplex):
        located(form(*[(NAME, b"a")] * 101))
