from __future__ import annotations

from gateway import GatewayError
from plugins.encrypt import problems


def test_every_problem_has_a_code_of_its_own() -> None:
    kinds = [
        each for each in vars(problems).values() if isinstance(each, type) and each.__module__ == problems.__name__
    ]
    assert all(issubclass(each, GatewayError) for each in kinds)
    assert len({each.code for each in kinds}) == len(kinds) == 6
