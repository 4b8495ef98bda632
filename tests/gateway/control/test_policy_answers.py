from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.control.policy_answers import AnswerEntry, OutcomeEntry


@pytest.mark.parametrize(
    "given",
    [{"status": 402}, {"status": [402, 422]}, {"header": {"x-a": "b"}}, {"value": {"/a": "b"}}, {"code": "declined"}],
)
def test_one_thing_that_an_answer_says_is_enough(given: dict[str, Any]) -> None:
    assert AnswerEntry.model_validate(given)
    assert OutcomeEntry.model_validate(given | {"outcome": "failed"}).outcome == "failed"


@pytest.mark.parametrize("given", [{}, {"status": 199}, {"status": []}, {"value": {"a": "b"}}, {"code": 5}])
def test_what_no_answer_says_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AnswerEntry.model_validate(given)


def test_an_outcome_says_what_it_means() -> None:
    with pytest.raises(ValidationError):
        OutcomeEntry.model_validate({"status": 402})
    with pytest.raises(ValidationError):
        AnswerEntry.model_validate({"status": 402, "outcome": "failed"})
