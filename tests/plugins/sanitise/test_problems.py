from __future__ import annotations

import inspect

from gateway import Rejected
from plugins.sanitise import problems


def test_every_refusal_has_a_code_of_its_own_and_a_status_of_the_clients_doing() -> None:
    kinds = [kind for _, kind in inspect.getmembers(problems, inspect.isclass) if kind.__module__ == problems.__name__]

    assert len({kind.code for kind in kinds}) == len(kinds) == 9
    assert all(issubclass(kind, Rejected) and 400 <= kind.status < 500 for kind in kinds)
