from __future__ import annotations

import pytest
from pydantic import ValidationError

from plugins.encrypt.options import EncryptConfig


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fields": []}, "at least 1 item"),
        ({"fields": ["card"]}, "starts with a slash"),
        ({"fields": ["/a"], "request": "leave"}, "leaves requests and answers alike"),
        ({"fields": ["/a"], "if_missing": "guess"}, "Input should be 'pass' or 'refuse'"),
        ({"fields": ["/a"], "purpose": "Card Number"}, "should match pattern"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said) -> None:
    with pytest.raises(ValidationError, match=said):
        EncryptConfig.model_validate(options)
