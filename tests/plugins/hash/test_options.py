from __future__ import annotations

import pytest
from pydantic import ValidationError

from plugins.hash.options import HashConfig


@pytest.mark.parametrize(
    "options", [{}, {"fields": []}, {"fields": ["/a"], "on": "never"}, {"fields": ["/a"], "purpose": ""}]
)
def test_options_that_make_no_sense_are_refused(options) -> None:
    with pytest.raises(ValidationError):
        HashConfig.model_validate(options)
