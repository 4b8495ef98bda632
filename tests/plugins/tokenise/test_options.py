from __future__ import annotations

import pytest
from pydantic import ValidationError

from plugins.tokenise.options import TokeniseConfig


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "does nothing"),
        ({"fields": ["card"]}, "starts with a slash"),
        ({"fields": ["/a"], "if_no_card": "guess"}, "Input should be 'pass' or 'refuse'"),
        ({"fields": ["/a"], "one_token_per": "customer"}, "needs customer"),
        ({"fields": ["/a"], "customer": "/customer"}, "say one_token_per: customer"),
        ({"fields": ["/a"], "expires": "0s"}, "greater than 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said) -> None:
    with pytest.raises(ValidationError, match=said):
        TokeniseConfig.model_validate(options)


def test_a_token_of_each_use_may_belong_to_a_customer() -> None:
    config = TokeniseConfig.model_validate(
        {"fields": ["/a"], "one_token_per": "use", "customer": "/c", "expires": "400d"}
    )
    assert config.expires == 400 * 86400
