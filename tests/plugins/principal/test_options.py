from __future__ import annotations

import pytest
from pydantic import ValidationError

from plugins.principal.options import JwtConfig, PrincipalConfig

JWT = {"issuer": "https://id.example", "audience": "payments"}


def problem(model, options) -> str:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(options)
    return str(refused.value)


def test_a_header_is_believed_from_trusted_peers_unless_the_policy_says_otherwise() -> None:
    assert PrincipalConfig.model_validate({"header": "X-User-Id"}).source == "trusted"
    assert PrincipalConfig.model_validate({"header": "x-user-id", "from": "any"}).source == "any"


def test_the_name_of_a_header_is_compared_in_small_letters() -> None:
    assert PrincipalConfig.model_validate({"header": "X-User-Id"}).header == "x-user-id"


def test_only_rs256_and_es256_are_believed_unless_the_policy_says_otherwise() -> None:
    assert JwtConfig.model_validate({**JWT, "key_file": "k.pem"}).algorithms == ("RS256", "ES256")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "say header or jwt"),
        ({"header": "x-user-id", "jwt": {**JWT, "key_file": "k.pem"}}, "say header or jwt"),
        ({"header": "x user"}, "should match pattern"),
        ({"header": "x_user"}, "should match pattern"),
        ({"header": "x-user-id", "from": "everybody"}, "'trusted' or 'any'"),
        ({"from": "any", "jwt": {**JWT, "key_file": "k.pem"}}, "a token proves itself"),
        ({"header": "x-user-id", "trust": "any"}, "Extra inputs are not permitted"),
    ],
)
def test_contradictions_of_principal_are_told(options, told) -> None:
    assert told in problem(PrincipalConfig, options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "say one of key_file, jwks_file, jwks_url and key"),
        ({"key_file": "k.pem", "jwks_file": "k.json"}, "say one of"),
        ({"key_file": "k.pem", "issuer": ""}, "at least 1 character"),
        ({"key_file": "k.pem", "audience": ""}, "at least 1 item"),
        ({"key_file": "k.pem", "audience": []}, "at least 1 item"),
        ({"key_file": "k.pem", "algorithms": ["none"]}, "Input should be 'RS256'"),
        ({"key_file": "k.pem", "algorithms": []}, "at least 1 item"),
        ({"key_file": "k.pem", "algorithms": ["RS256", "HS256"]}, "HS256 needs `key`: a public key is no secret"),
        ({"jwks_url": "https://id.example/keys", "algorithms": ["HS256"]}, "HS256 needs `key`"),
        ({"key": "env:JWT_KEY"}, "`key` is a shared secret: say algorithms: [HS256]"),
        ({"key": "env:JWT_KEY", "algorithms": ["HS256", "RS256"]}, "`key` is a shared secret"),
        ({"key": "s3cret", "algorithms": ["HS256"]}, "should match pattern"),
        ({"jwks_url": "http://id.example/keys"}, "keys are fetched by https"),
        ({"jwks_url": "file:///etc/keys"}, "keys are fetched by https"),
        ({"key_file": "k.pem", "leeway": "1h"}, "less than or equal to 300"),
        ({"jwks_url": "https://id.example/keys", "refresh": "1s"}, "greater than or equal to 10"),
    ],
)
def test_contradictions_of_jwt_are_told(options, told) -> None:
    assert told in problem(JwtConfig, {**JWT, **options})


@pytest.mark.parametrize(
    "options",
    [
        {"jwks_url": "https://id.example/keys"},
        {"jwks_url": "http://127.0.0.1:9999/keys"},
        {"key": "env:JWT_KEY", "algorithms": ["HS256", "HS512"]},
        {"key_file": "k.pem", "algorithms": ["EdDSA"], "audience": ["a", "b"]},
    ],
)
def test_options_that_fit_are_taken(options) -> None:
    assert JwtConfig.model_validate({**JWT, **options})
