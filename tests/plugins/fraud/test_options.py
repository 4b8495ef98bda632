"""What the options may be."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from plugins.fraud.options import DecisionsConfig, DeskConfig, FraudConfig


@pytest.mark.parametrize(
    "options",
    [
        {"review_at": 76},
        {"model": "m.json", "points": [{"factor": "amount", "above": 1, "points": 1}]},
        {"facts": {"device": "device"}},
        {"sign_with": "a secret"},
        {"block_status": 404},
        {"hold": {"most": 0}},
        {"threshold": 5},
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FraudConfig.model_validate(options)


def test_radars_thresholds_are_the_default_and_everything_is_optional() -> None:
    config = FraudConfig()

    assert (config.review_at, config.block_at, config.on_review, config.failure_mode) == (65, 75, "pass", "closed")
    assert (DeskConfig().label_delay, DecisionsConfig().keep) == (7 * 86400.0, 90 * 86400.0)
