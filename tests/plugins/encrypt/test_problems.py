from __future__ import annotations

from gateway import FieldRefused
from plugins.encrypt.problems import AlreadyEncrypted, FieldUnreadable, NotEncrypted


def test_each_problem_has_a_code_of_its_own_and_is_the_client_s() -> None:
    kinds = (FieldRefused, AlreadyEncrypted, NotEncrypted, FieldUnreadable)
    assert len({each.code for each in kinds}) == len(kinds)
    assert all(400 <= each.status < 500 for each in kinds)
