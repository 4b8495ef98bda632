from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from plugins.idempotency.options import IdempotencyConfig

PAGE = (Path(__file__).parents[3] / "docs" / "idempotency.md").read_text()


def test_the_page_has_each_option_with_its_default() -> None:
    defaults = IdempotencyConfig().model_dump(mode="json")
    said = {
        f"| `{name}` | `{defaults[name]}` | {' '.join((field.description or '').split()).removesuffix('.')} |"
        for name, field in IdempotencyConfig.model_fields.items()
    }

    assert set(re.findall(r"^\| `[a-z_]+` \| `.*$", PAGE, re.MULTILINE)) == said


def test_a_key_is_required_and_recognised_for_a_day_unless_the_policy_says_otherwise() -> None:
    options = IdempotencyConfig()

    assert (options.key, options.header, options.window, options.wait) == ("required", "idempotency-key", 86400.0, 0.0)


def test_a_header_is_a_header_in_whatever_case() -> None:
    assert IdempotencyConfig(header="X-Request-Token").header == "x-request-token"
    with pytest.raises(ValidationError):
        IdempotencyConfig(header="a key")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"duplicate_within": "5m"}, "duplicate_within is for key: generated"),
        ({"waiting": 5}, "waiting needs wait"),
        ({"wait": "31s"}, "less than or equal to 30"),
        ({"window": "59s"}, "greater than or equal to 60"),
        ({"key": "generated", "duplicate_within": "1s"}, "greater than or equal to 10"),
        ({"key": "maybe"}, "'required', 'optional' or 'generated'"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, problem) -> None:
    with pytest.raises(ValidationError, match=problem):
        IdempotencyConfig.model_validate(options)
