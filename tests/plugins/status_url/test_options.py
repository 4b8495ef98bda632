from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from plugins.status_url.options import FIELDS, StatusUrlConfig

PAGE = (Path(__file__).parents[3] / "docs" / "recovery.md").read_text()
URL = "http://127.0.0.1:9000/v1/payments?key={key}"
LEAST: dict[str, Any] = {"url": URL, "status": "/status", "values": {"paid": "succeeded"}}


def refusal(**changes: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        StatusUrlConfig.model_validate(LEAST | changes)
    return str(refused.value)


def test_a_url_a_status_and_what_it_means_are_enough() -> None:
    options = StatusUrlConfig.model_validate(LEAST)

    assert (options.placeholders, options.by_key) == ({"key"}, True)
    assert (options.absent, options.timeout, options.most) == ({404}, 5.0, 64 << 10)


@pytest.mark.parametrize("name", FIELDS)
def test_whatever_a_payment_has_may_stand_in_the_url(name) -> None:
    options = StatusUrlConfig.model_validate(LEAST | {"url": f"https://psp/v1/{{{name}}}", "key": "/key"})

    assert options.placeholders == {name}
    assert options.by_key == (name in ("key", "id"))


@pytest.mark.parametrize("url", ["http://psp/{kee}", "http://psp/{}", "http://psp/{key!r}", "http://psp/{key:>9}"])
def test_nothing_else_may(url) -> None:
    assert "is nothing that a payment has: write one of {key}, {id}" in refusal(url=url)


@pytest.mark.parametrize(
    "url",
    ["ftp://psp/{key}", "psp/{key}", "http://{owner}/v1?key={key}", "http://psp{key}", "http://psp:{key}/a", "{key}"],
)
def test_the_host_is_the_policys_to_say(url) -> None:
    assert "write http://host:port/path" in refusal(url=url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://psp/{key", "no other braces"),
        ("http://psp/a b?key={key}", "characters that no URL holds"),
        ("http://psp/a\n?key={key}", "characters that no URL holds"),
        ("http://user:secret@psp/?key={key}", "no password stands here"),
    ],
)
def test_what_is_no_url_is_refused(url, why) -> None:
    assert why in refusal(url=url)


def test_what_can_prove_nothing_is_refused() -> None:
    assert "proves nothing" in refusal(url="http://psp/v1/payments?customer={owner}")
    assert "proves nothing" in refusal(url="http://psp/v1/payments")
    assert "values say nothing" in refusal(values={})


def test_the_page_has_each_option_with_its_default() -> None:
    fields = StatusUrlConfig.model_fields
    defaults = StatusUrlConfig.model_validate(LEAST).model_dump(mode="json")

    def default(name: str) -> str:
        if fields[name].is_required():
            return "required"
        return f"`{defaults[name]}`" if defaults[name] not in (None, {}) else "–"

    said = {
        f"| `{name}` | {default(name)} | {' '.join((field.description or '').split()).removesuffix('.')} |"
        for name, field in fields.items()
    }

    section = PAGE.partition("## `status_url`")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `[a-z_]+` \|.*$", section, re.MULTILINE)) == said
