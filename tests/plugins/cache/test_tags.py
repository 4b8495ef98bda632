from __future__ import annotations

import pytest

from gateway import BadOption, pieces_of
from plugins.cache.options import TagsConfig
from plugins.cache.tags import MOST, Tags


def test_tags_are_what_the_answer_names_and_what_templates_make_of_it() -> None:
    config = TagsConfig(
        header="surrogate-key", templates=["customer-{/customer/id}", "invoice-{id}", "gone-{/nothing}"]
    )
    pieces = pieces_of([(b"surrogate-key", b"a b,c"), (b"surrogate-key", b"a"), (b"x-tags", b"d")])
    assert Tags(config).of({"id": "in_1"}, pieces, b'{"customer": {"id": 7}}') == (
        "a",
        "b",
        "c",
        "customer-7",
        "invoice-in_1",
    )


def test_a_body_that_is_no_json_has_none_and_an_answer_has_so_many_at_most() -> None:
    assert Tags(TagsConfig(templates=["x-{/a}"])).of({}, [], b"<a>") == ()
    many = pieces_of([(b"tags", " ".join(map(str, range(99))).encode())])
    assert len(Tags(TagsConfig(header="tags")).of({}, many, b"")) == MOST
    assert Tags(TagsConfig(header="tags")).of({}, pieces_of([(b"tags", b"a" * 300)]), b"") == ()
    assert Tags(None).of({}, many, b"") == ()


def test_a_template_with_a_stray_brace_is_refused_where_it_stands() -> None:
    with pytest.raises(BadOption, match="write what is filled in as") as refused:
        Tags(TagsConfig(templates=["a", "customer-{id"]))
    assert refused.value.way == ("tags", "templates", 1)
