from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.datastructures import MutableHeaders as Headers

from gateway.dataplane.chain import Chain
from gateway.dataplane.router import AmbiguousPath, Match, RouteNotFound, Router, readable
from gateway.dataplane.snapshot import Route
from gateway.exchange import Exchange
from gateway.messages import Response


class Nowhere:
    async def dispatch(self, exchange: Exchange) -> Response:
        raise NotImplementedError


def routes(**matches: Match) -> list[Route]:
    chain = Chain([], Nowhere())
    return [Route(name, match, chain) for name, match in matches.items()]


def router(**matches: Match) -> Router:
    return Router(routes(**matches))


def found(routes: Router, path: str, method="GET", host="shop.example", **headers: str) -> tuple[str, dict[str, str]]:
    given_headers = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    route, parameters = routes.find(method, path, host, given_headers)
    return route.name, dict(parameters)


SHOP_ROUTES = routes(
    create=Match(frozenset({"POST"}), path="/v1/payments"),
    capture=Match(frozenset({"POST"}), path="/v1/payments/{id}/capture"),
    one=Match(frozenset({"GET", "HEAD"}), path="/v1/payments/{id}"),
    admin=Match(prefix="/admin"),
    rest=Match(path="/{rest:path}"),
)
SHOP = Router(SHOP_ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "name", "parameters"),
    [
        ("POST", "/v1/payments", "create", {}),
        ("GET", "/v1/payments", "rest", {"rest": "v1/payments"}),
        ("POST", "/v1/payments/", "create", {}),
        ("POST", "/V1/Payments", "create", {}),
        ("POST", "/v1/payments/Pi_1/Capture/", "capture", {"id": "Pi_1"}),
        ("GET", "/Admin/X", "admin", {}),
        ("GET", "/v1/payments/pi_1", "one", {"id": "pi_1"}),
        ("HEAD", "/v1/payments/pi%201", "one", {"id": "pi 1"}),
        ("GET", "/v1/payments/%C3%BC", "one", {"id": "ü"}),
        ("POST", "/v1/payments/pi_1/capture", "capture", {"id": "pi_1"}),
        ("PUT", "/v1/%70ayments/pi_1", "rest", {"rest": "v1/payments/pi_1"}),
        ("POST", "/v1/%70ayment%73", "create", {}),
        ("GET", "/admin", "admin", {}),
        ("GET", "/admin/", "admin", {}),
        ("GET", "/%61dmin/x", "admin", {}),
        ("GET", "/administrator", "rest", {"rest": "administrator"}),
        ("GET", "/", "rest", {"rest": ""}),
        ("BREW", "/admin", "admin", {}),
        ("GET", "/.well-known/x", "rest", {"rest": ".well-known/x"}),
        ("GET", "/a/..b", "rest", {"rest": "a/..b"}),
    ],
)
def test_the_first_route_that_takes_a_request_gets_it(method, path, name, parameters):
    assert found(SHOP, path, method) == (name, parameters)


def test_a_route_for_get_takes_head():
    assert found(router(read=Match(frozenset({"GET"}), path="/a")), "/a", "HEAD") == ("read", {})


def test_a_header_that_is_sent_twice_matches_only_where_both_do():
    routes = router(kind=Match(path="/a", headers={"x-kind": "a"}), rest=Match(prefix="/"))
    for values, name in (([b"a"], "kind"), ([b"a", b"a"], "kind"), ([b"a", b"b"], "rest"), ([], "rest")):
        headers = Headers(raw=[(b"x-kind", value) for value in values])
        assert routes.find("GET", "/a", "", headers)[0].name == name


@pytest.mark.parametrize(
    "path",
    [
        "/admin%2fx",
        "/x%2F..%2fadmin",
        "/x/../admin",
        "/x/%2e%2e/admin",
        "/x/%2E./admin",
        "/x/.%2e/admin",
        "/x/./admin",
        "/x/%2e/admin",
        "/x/..",
        "/x/.",
        "/x/%2e%2e",
        "/..;/admin",
        "/x/..;a=b/admin",
        "/x/%2e%2e%3b/admin",
        "//admin",
        "/x//admin",
        "/x/%5c../admin",
        "/x\\..\\admin",
        "/admin%00",
        "/admin%0a",
        "/admin%1f",
        "/admin%7f",
        "/admin%",
        "/admin%2",
        "/admin%zz",
        "/%u0061dmin",
        "/x/%c0%ae%c0%ae/admin",
        "/x%c0%afadmin",
        "/%ff",
        "/admin;x=1",
        "/admin;",
    ],
)
def test_a_path_that_two_readers_could_read_differently_is_refused(path):
    with pytest.raises(AmbiguousPath):
        found(SHOP, path)


def test_a_path_is_decoded_once():
    assert found(SHOP, "/%2561dmin") == ("rest", {"rest": "%61dmin"})


def test_no_route_is_a_404_that_does_not_repeat_the_path():
    with pytest.raises(RouteNotFound) as refused:
        found(router(only=Match(path="/a")), "/4242424242424242")
    assert refused.value.status == 404
    assert "4242" not in refused.value.detail


def test_an_ambiguous_path_is_refused_also_where_no_route_would_take_it():
    with pytest.raises(AmbiguousPath):
        found(router(), "/a/../b")


def test_hosts_are_matched_whole_and_in_small_letters():
    routes = router(shop=Match(host="Shop.Example", prefix="/"), any=Match(prefix="/"))
    assert found(routes, "/")[0] == "shop"
    assert found(routes, "/", host="www.shop.example")[0] == "any"


def test_headers_are_matched_by_their_whole_value():
    routes = router(beta=Match(prefix="/", headers={"X-Beta": "1"}), any=Match(prefix="/"))
    assert found(routes, "/", x_beta="1")[0] == "beta"
    assert found(routes, "/", x_beta="11")[0] == "any"
    assert found(routes, "/")[0] == "any"


def test_what_is_not_given_matches_anything():
    assert found(router(all=Match()), "/anything", "DELETE") == ("all", {})


def test_special_characters_of_a_template_are_themselves():
    routes = router(dot=Match(path="/a.b/{id}+"), prefix=Match(prefix="/c+d"))
    assert found(routes, "/a.b/1+") == ("dot", {"id": "1"})
    assert found(routes, "/c+d/e") == ("prefix", {})
    with pytest.raises(RouteNotFound):
        found(routes, "/axb/1+")


def test_a_template_beyond_ascii_matches_the_encoded_path():
    assert found(router(umlaut=Match(path="/überweisung/{id}")), "/%C3%BCberweisung/1") == ("umlaut", {"id": "1"})


@pytest.mark.parametrize(
    "template",
    [
        "a",
        "",
        "/a//b",
        "/a/../b",
        "/a/.",
        "/a%20b",
        "/a%",
        "/{id}/{id}",
        "/{rest:path}/x",
        "/{}",
        "/{1}",
        "/{a",
        "/a}",
        "/a\\b",
    ],
)
def test_a_bad_template_says_so(template):
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        Match(path=template)


@pytest.mark.parametrize("prefix", ["a", "/a//", "/a/../b", "/a%2f"])
def test_a_bad_prefix_says_so(prefix):
    with pytest.raises(ValueError, match="write "):
        Match(prefix=prefix)


def test_a_match_has_a_path_or_a_prefix():
    with pytest.raises(ValueError, match="not both"):
        Match(path="/a", prefix="/a")


PIECES = "/ %2f %2F \\ %5c . .. %2e %2E%2e %252e ; %3b %00 % %c0%ae ü admin %61dmin v1 payments v1/payments/ capture x"
HOSTILE = st.lists(st.sampled_from(PIECES.split()), max_size=12).map(lambda pieces: "/" + "".join(pieces))


def resolved(raw: str, *, slashes: bool) -> str:
    """The path as a lenient backend may see it: decoded, backslashes turned, and dot segments taken out."""
    decoded = unquote_to_bytes(raw if slashes else raw.replace("%2f", "%252f").replace("%2F", "%252F"))
    kept: list[bytes] = []
    for segment in decoded.replace(b"\\", b"/").split(b"/"):
        name = segment.partition(b";")[0] if segment.startswith(b"..") else segment
        if name == b"..":
            kept[-1:] = []
        elif name not in {b".", b""}:
            kept.append(segment)
    return "/" + b"/".join(kept).decode("utf-8", "surrogateescape")


@given(HOSTILE, st.booleans(), st.sampled_from(["GET", "POST"]))
@example("/x/..%2fadmin", True, "GET")
@example("/v1/payments/x%2fcapture", False, "POST")
@example("/x/%2e%2e/admin", False, "GET")
@example("/x/..;/admin", False, "GET")
def test_no_path_reaches_a_route_that_a_decoded_view_would_send_to_another(raw, slashes, method):
    try:
        name, _ = found(SHOP, raw, method)
    except AmbiguousPath:
        return
    view = quote(resolved(raw, slashes=slashes).encode("utf-8", "surrogateescape"), safe="/\\")
    trailing = "/" if raw.endswith("/") and len(view) > 1 else ""
    assert found(SHOP, view + trailing, method)[0] == name


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=60))
def test_a_readable_path_has_one_reading(text):
    try:
        decoded = readable("/" + text)
    except AmbiguousPath:
        return
    assert not {"", ".", ".."} & set(decoded.strip("/").split("/")) or decoded == "/"
    assert not any(ord(character) < 0x20 for character in decoded)
    assert decoded.count("/") == text.count("/") + 1


OWN = Router(SHOP_ROUTES, [Route("payguard.status", Match(path="/.payguard/payments/{id}"), Chain([], Nowhere()))])


@pytest.mark.parametrize("path", ["/.payguard/payments/7", "/.PayGuard/Payments/7/", "/%2epayguard/payments/7"])
def test_what_is_the_gateways_own_is_tried_before_every_route_of_the_policy(path):
    assert found(OWN, path, "DELETE") == ("payguard.status", {"id": "7"})


@pytest.mark.parametrize("path", ["/.payguard", "/.payguard/", "/.payguard/other", "/.PAYGUARD/other"])
def test_what_else_is_the_gateways_own_goes_nowhere(path):
    with pytest.raises(RouteNotFound):
        found(OWN, path)


@pytest.mark.parametrize("path", ["/.payguarded", "/.well-known/x", "/x/.payguard/payments/7"])
def test_what_only_looks_like_it_is_the_policys(path):
    assert found(OWN, path)[0] == "rest"
