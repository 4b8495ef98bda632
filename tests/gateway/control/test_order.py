import pytest

from gateway.control.order import Step, misplaced


class Owner: ...


class Score: ...


OWNER = Step("principal", provides=(Owner,))
LIMIT = Step("rate_limit", requires=(Owner,))


def complaints(*steps: Step, given: frozenset[type] = frozenset()) -> list[str]:
    return [f"{steps[number].name} {what}" for number, what in misplaced(steps, given)]


def test_a_fact_that_is_provided_above_is_there() -> None:
    assert complaints(OWNER, LIMIT) == []


def test_a_fact_that_the_core_provides_is_there() -> None:
    assert complaints(LIMIT, given=frozenset({Owner})) == []


def test_a_fact_that_nobody_provides_is_missed_by_name() -> None:
    assert complaints(LIMIT) == ["rate_limit needs Owner, which no filter above it provides"]


def test_a_fact_that_is_named_is_looked_for_as_one_that_is_imported() -> None:
    named = Step("rate_limit", requires_named=("Owner",))
    assert complaints(OWNER, named) == []
    assert complaints(named, given=frozenset({Owner})) == []
    assert complaints(named) == ["rate_limit needs Owner, which no filter above it provides"]


def test_a_provider_below_is_told_where_it_belongs() -> None:
    assert complaints(LIMIT, OWNER) == ["rate_limit needs Owner, which principal provides: put principal above it"]


@pytest.mark.parametrize(
    ("provider", "why"),
    [
        (Step("principal", "shadow", provides=(Owner,)), "mode: shadow"),
        (Step("principal", "off", provides=(Owner,)), "mode: off"),
        (Step("principal", fails_open=True, provides=(Owner,)), "failure_mode: open"),
    ],
)
def test_a_provider_of_a_needed_fact_cannot_be_left_out(provider: Step, why: str) -> None:
    assert complaints(provider, LIMIT) == [
        f"rate_limit needs Owner, which principal provides only while it is enforced, and it has {why}"
    ]


def test_one_certain_provider_is_enough() -> None:
    assert complaints(Step("guess", "shadow", provides=(Owner,)), OWNER, LIMIT) == []


def test_a_provider_that_nobody_needs_may_be_left_out() -> None:
    assert complaints(Step("principal", "off", provides=(Owner,)), Step("score", provides=(Score,))) == []


def test_a_shadowed_filter_needs_its_facts_too_and_one_that_is_off_needs_none() -> None:
    assert complaints(Step("rate_limit", "shadow", requires=(Owner,)))
    assert not complaints(Step("rate_limit", "off", requires=(Owner,)))


CACHE = Step("cache", rejects_up=("clear_text",))
REVEAL = Step("detokenise", provides_up=("clear_text",))


def test_what_keeps_responses_stands_below_what_reveals_clear_text() -> None:
    assert complaints(CACHE, REVEAL) == ["cache must stand below detokenise, whose responses are clear_text"]
    assert complaints(REVEAL, CACHE) == []


def test_a_shadowed_keeper_would_keep_clear_text_as_well() -> None:
    assert complaints(Step("cache", "shadow", rejects_up=("clear_text",)), REVEAL)


def test_a_shadowed_revealer_reveals_nothing() -> None:
    assert complaints(CACHE, Step("detokenise", "shadow", provides_up=("clear_text",))) == []


def test_a_route_has_one_filter_that_claims() -> None:
    first, second = Step("idempotency", reserves=True), Step("once", reserves=True)
    assert complaints(first, second) == [
        "once claims requests, as idempotency above it does: a route has one such filter"
    ]
    assert complaints(first, Step("once", "off", reserves=True)) == []
