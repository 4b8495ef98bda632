from gateway import Config, Filter, Guard
from gateway.control.draft import PlacedEntry
from gateway.control.placing import Kinds, Placed, configure
from gateway.control.policy_parts import Mode, PartEntry
from gateway.control.positions import Document
from gateway.control.problems import Problem


class LimitConfig(Config):
    most: int


class Limit(Filter[LimitConfig]):
    name = "limit"
    Config = LimitConfig


class Claim(Filter[Config]):
    name = "claim"
    shadowable = False


class Breaker(Guard[Config]):
    name = "breaker"


KINDS = Kinds({"filter": {"limit": Limit, "claim": Claim}, "guard": {"breaker": Breaker}})


def place(name: str, mode: Mode = "enforce", **options: object) -> tuple[Placed | None, list[str]]:
    problems: list[Problem] = []
    entry = PlacedEntry(("filters", 0, name), PartEntry(name=name, mode=mode, options=options))
    [placed] = KINDS.place([entry], ("filter",), Document("p", {"filters": [{name: options}]}), problems)
    return placed, [f"{problem.path}: {problem.message}" for problem in problems]


def test_a_name_and_options_become_a_class_and_its_config() -> None:
    placed, problems = place("limit", "shadow", most=3)
    assert problems == []
    assert placed == Placed(("filters", 0, "limit"), "limit", "shadow", Limit, LimitConfig(most=3))


def test_a_part_with_wrong_options_keeps_its_place() -> None:
    placed, problems = place("limit", mots=3)
    assert placed is not None
    assert placed.config is None
    assert problems == [
        "filters[0].limit.most: is required",
        "filters[0].limit.mots: no option has this name; did you mean 'most'?",
    ]


def test_a_name_that_no_plugin_has_is_guessed_among_those_that_may_stand_there() -> None:
    assert place("limt") == (
        None,
        ["filters[0].limt: no loaded plugin has a filter of this name; did you mean 'limit'?"],
    )


def test_a_part_of_another_kind_is_told_where_it_belongs() -> None:
    assert place("breaker")[1] == ["filters[0].breaker: does not belong here: a guard stands in an upstream's guards"]


def test_what_cannot_be_shadowed_says_so() -> None:
    assert place("claim", "shadow")[1] == [
        "filters[0].claim: cannot run in shadow: on a copy of the request it means nothing"
    ]
    assert place("claim", "off")[1] == []


def test_configuring_never_raises() -> None:
    assert configure(Limit, {"most": 1}) == (LimitConfig(most=1), None)
    config, invalid = configure(Limit, {})
    assert config is None
    assert invalid is not None
