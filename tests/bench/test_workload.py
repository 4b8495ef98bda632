import json

from bench.workload import ANSWER, BODY_BYTES, GET, POST


def test_the_payment_is_json_of_the_size_it_says() -> None:
    assert len(POST.body) == BODY_BYTES
    assert json.loads(POST.body)["amount"] == 4200


def test_the_answer_is_json_of_about_300_bytes() -> None:
    assert json.loads(ANSWER)["status"] == "succeeded"
    assert 250 < len(ANSWER) < 350


def test_a_request_is_encoded_with_its_length() -> None:
    head, _, body = POST.encode().partition(b"\r\n\r\n")

    assert head.startswith(b"POST /v1/payments HTTP/1.1\r\nHost: payments.example\r\n")
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")


def test_a_request_without_a_body_has_no_length() -> None:
    assert b"Content-Length" not in GET.encode()
    assert GET.encode().endswith(b"\r\n\r\n")


def test_each_payment_has_an_idempotency_key_of_its_own() -> None:
    keys = {line for _ in range(3) for line in POST.encode().split(b"\r\n") if line.startswith(b"Idempotency-Key: ")}
    assert len(keys) == 3
    assert b"Idempotency-Key" not in GET.encode()
