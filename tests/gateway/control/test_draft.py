from textwrap import dedent

from gateway.control.draft import Draft, draft
from gateway.control.positions import read


def drafted(text: str) -> Draft:
    return draft(read(dedent(text), "p"))


def test_what_can_be_read_is_there_although_the_rest_is_wrong() -> None:
    found = drafted("""\
        components: {alarm: , tally: {to: x}, odd: 3}
        upstreams:
          good: {url: "http://a", guards: [breaker, 7]}
          bad: {url: 3, guards: [{breaker: {most: 1}}]}
        routes:
          - {name: 7, match: {path: /a}, upstream: good, payment: {operation: x}, filters: [a, {b: {x: 1}}, [c]]}
          - nothing
        """)
    assert found.policy is None
    assert len(found.problems) == 8
    assert [each.path for each in found.components] == [("components", "alarm"), ("components", "tally")]
    good, bad = found.upstreams
    assert good.entry is None
    assert [guard.path[-1] for guard in good.guards] == ["breaker"]
    assert [guard.entry.options for guard in bad.guards] == [{"most": 1}]
    route, nothing = found.routes
    assert (route.name, route.upstream, route.payment, route.pays) == (None, "good", None, True)
    assert route.match is not None
    assert [step.path for step in route.filters] == [
        ("routes", 0, "filters", 0, "a"),
        ("routes", 0, "filters", 1, "b"),
    ]
    assert (nothing.match, nothing.filters) == (None, ())


def test_a_good_document_is_a_policy() -> None:
    found = drafted("""\
        version: 1
        upstreams: {b: {url: "http://a"}}
        routes: [{name: r, match: {}, upstream: b}]
        """)
    assert found.policy is not None
    assert found.problems == ()
    assert found.upstreams[0].entry == found.policy.upstreams["b"]
    assert not found.routes[0].pays


def test_resolvers_are_parts_of_their_own_within_the_options_of_recovery() -> None:
    found = drafted("""\
        components: {recovery: {resolvers: [replay, {bank: {mode: x}}, 7, {a: , b: }]}, other: {resolvers: [no]}}
        """)
    assert [each.path[-2:] for each in found.resolvers] == [(0, "replay"), (1, "bank")]
    assert [each.entry.options for each in found.resolvers] == [{}, {"mode": "x"}]
    for text in ("components: {recovery: {resolvers: 3}}", "components: {recovery: 3}", "components: 3", "{}"):
        assert drafted(text).resolvers == ()
