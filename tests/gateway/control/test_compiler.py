import asyncio
from textwrap import dedent
from typing import Any, ClassVar, Literal

import pytest
from starlette.datastructures import MutableHeaders as Headers
from structlog.testing import capture_logs

from gateway import Component, Config, Duration, Filter, Guard, Observer, OptionalConfig, Payment, Principal, SecretRef
from gateway.control.compiler import Compiler, PolicyError, digest_of
from gateway.control.plugins import Registry
from gateway.control.scope import Services
from gateway.crypto.salts import Salts
from gateway.store.memory import MemoryStore


class Who(Filter[Config]):
    name = "who"
    provides = (Principal,)


class LimitConfig(OptionalConfig):
    most: int
    unit: Literal["B", "kB"] = "B"
    window: Duration = 60.0


class Limit(Filter[LimitConfig]):
    name = "limit"
    Config = LimitConfig
    requires = (Principal,)

    def __init__(self, config: LimitConfig, scope: Any) -> None:
        super().__init__(config, scope)
        self.counts = scope.share(config, dict)
        if config.most > 9000:
            raise ValueError("most is more than 9000")


class Score(Filter[Config]):
    name = "score"
    requires = (Payment,)


class Claim(Filter[Config]):
    name = "claim"
    shadowable = False


class Careless(Filter[Any]):
    name = "careless"

    class Config(Config):
        mode: str = "fast"


class Buggy(Filter[Config]):
    name = "buggy"

    def __init__(self, config: Config, scope: Any) -> None:
        raise KeyError("oops")


class Breaker(Guard[Config]):
    name = "breaker"


class Tally(Observer[Config]):
    name = "tally"
    seen: ClassVar[list[object]] = []

    def ended(self, exchange: object) -> None:
        self.seen.append(exchange)


class AlarmConfig(Config):
    to: str
    token: SecretRef = "env:TOKEN"


class Alarm(Component[AlarmConfig]):
    name = "alarm"
    Config = AlarmConfig

    def __init__(self, config: AlarmConfig, scope: Any) -> None:
        super().__init__(config, scope)
        self.log: list[str] = []

    async def open(self) -> None:
        self.log.append("open")

    async def close(self) -> None:
        self.log.append("close")


class Ringing(Filter[Config]):
    name = "ringing"

    def __init__(self, config: Config, scope: Any) -> None:
        super().__init__(config, scope)
        self.alarm = scope.component(Alarm)


REGISTRY = Registry(
    filters={kind.name: kind for kind in (Who, Limit, Score, Claim, Careless, Buggy, Ringing)},
    guards={"breaker": Breaker},
    observers={"tally": Tally},
    components={"alarm": Alarm},
)


def services() -> Services:
    return Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ={})


def compiler(lent: Services | None = None) -> Compiler:
    return Compiler(REGISTRY, lent or services())


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        compiler().compile(dedent(text), "p.yaml")
    return [str(problem) for problem in caught.value.problems]


def policy(filters: str = "[]", *, route: str = "", components: str = "{}", upstream: str = "") -> str:
    return (
        f"version: 1\ncomponents: {components}\nupstreams:\n  backend: {{url: 'http://127.0.0.1:9000'{upstream}}}\n"
        f"routes:\n  - name: pay\n    match: {{methods: [POST], path: /pay}}\n    upstream: backend\n"
        f"    filters: {filters}\n{route}"
    )


PAYMENT = "    payment: {operation: payment.create, amount: /amount, currency: /currency}\n"


def test_a_policy_becomes_routes_that_are_found_in_their_order() -> None:
    text = dedent("""\
        version: 1
        upstreams:
          backend: {url: "unix:/run/app.sock"}
        routes:
          - name: invoice
            match: {methods: [GET], path: "/v1/invoices/{id}"}
            upstream: backend
          - {name: rest, match: {prefix: /}, upstream: backend, payment: {operation: payment.create}}
        """)
    snapshot = compiler().compile(text, "p.yaml")
    assert [(route.name, route.operation) for route in snapshot.routes] == [
        ("invoice", None),
        ("rest", "payment.create"),
    ]
    route, parameters = snapshot.router.find("GET", "/v1/invoices/in_1", "", Headers())
    assert (route.name, parameters) == ("invoice", {"id": "in_1"})
    assert snapshot.digest == digest_of(text)


def test_every_problem_is_told_at_once_with_its_place_and_path() -> None:
    assert problems("""\
        version: 2
        upstream: {}
        upstreams:
          b:
            url: http://127.0.0.1:9000
            timeout: {connect: 1s}
            guards: [breakr]
        routes:
          - name: pay
            match: {methods: [POST], path: "/v1/{id"}
            upstream: bb
            filters:
              - who: {}
              - limit: {unit: KB, windw: 5}
              - magic
          - name: pay
            match: {}
            upstream: b
        """) == [
        "p.yaml:1:10: version: should be 1",
        "p.yaml:2:1: upstream: no option has this name; did you mean 'upstreams'?",
        "p.yaml:6:5: upstreams.b.timeout: no option has this name; did you mean 'timeouts'?",
        "p.yaml:7:14: upstreams.b.guards[0].breakr: no loaded plugin has a guard of this name; did you mean 'breaker'?",
        "p.yaml:10:36: routes[0].match.path: a template's parameter is {name} or {name:path}",
        "p.yaml:11:15: routes[0].upstream: no upstream has this name; did you mean 'b'?",
        "p.yaml:14:9: routes[0].filters[1].limit.most: is required",
        "p.yaml:14:23: routes[0].filters[1].limit.unit: should be 'B' or 'kB'; did you mean 'kB'?",
        "p.yaml:14:27: routes[0].filters[1].limit.windw: no option has this name; did you mean 'window'?",
        "p.yaml:15:9: routes[0].filters[2].magic: no loaded plugin has a filter of this name",
        "p.yaml:16:11: routes[1].name: another route has this name, in line 9",
    ]


def test_a_wrong_path_shows_beside_whatever_else_is_wrong_with_its_match() -> None:
    assert problems("""\
        version: 1
        upstreams: {b: {url: "http://127.0.0.1:9000"}}
        routes:
          - {name: pay, upstream: b, match: {methods: [post], hots: shop, path: "/v1/{id}/{id}"}}
        """) == [
        "p.yaml:4:48: routes[0].match.methods[0]: should match ^[A-Z][A-Z-]*$",
        "p.yaml:4:55: routes[0].match.hots: no option has this name; did you mean 'host'?",
        "p.yaml:4:73: routes[0].match.path: the template names {id} twice",
    ]


def test_a_document_that_is_no_policy_at_all_is_refused_in_its_parts() -> None:
    assert problems("routes: nothing\nupstreams: {backend: 3}\n") == [
        "p.yaml:1:1: version: is required",
        "p.yaml:1:9: routes: should be a list",
        "p.yaml:2:22: upstreams.backend: should be a mapping",
    ]


@pytest.mark.parametrize(
    ("filters", "problem"),
    [
        ("[limit: {most: 1}]", "needs Principal, which no filter above it provides"),
        ("[limit: {most: 1}, who]", "needs Principal, which who provides: put who above it"),
        ("[who: {mode: off}, limit: {most: 1}]", "only while it is enforced, and it has mode: off"),
        ("[who: {mode: shadow}, limit: {most: 1}]", "only while it is enforced, and it has mode: shadow"),
        ("[score]", "needs Payment, which no filter above it provides"),
        ("[claim: {mode: shadow}]", "cannot run in shadow"),
        ("[careless]", "gives it an option `mode`, which is the core's own"),
        ("[who: {mode: on}]", "should be 'enforce', 'shadow' or 'off'"),
        ("[who, limit: {most: 9001}]", "most is more than 9000"),
        ("[buggy]", "KeyError: 'oops'"),
        ("[breaker]", "does not belong here: a guard stands in an upstream's guards"),
        ("[who: 3]", "should be a mapping"),
        ("[{who: {}, limit: {}}]", "write `- name` or `- name: {option: value}`"),
        ("[ringing]", "needs alarm under components, with to"),
    ],
)
def test_a_filter_that_cannot_stand_where_it_does_is_a_problem_in_its_line(filters: str, problem: str) -> None:
    [found] = problems(policy(filters))
    assert found.startswith("p.yaml:9:")
    assert problem in found


def test_the_core_provides_the_payment_of_a_route_that_has_one() -> None:
    compiler().compile(policy("[score]", route=PAYMENT), "p.yaml")


def test_below_a_filter_that_nobody_knows_no_fact_is_missed() -> None:
    assert len(problems(policy("[magic, limit: {most: 1}]"))) == 1


def test_bounds_are_in_currencies_that_exist() -> None:
    bounds = PAYMENT.replace("}", ", bounds: {xqx: {most: 1}}}")
    [problem] = problems(policy(route=bounds))
    assert problem == "p.yaml:10:89: routes[0].payment.bounds.xqx: is no currency of iso4217"


def test_a_part_that_is_off_is_checked_and_not_made() -> None:
    snapshot = compiler().compile(policy("[buggy: {mode: off}]"), "p.yaml")
    assert snapshot.routes[0].name == "pay"
    assert "no option has this name" in problems(policy("[buggy: {mode: off, x: 1}]"))[0]


def test_an_unreadable_certificate_is_a_problem_of_its_option(tmp_path: Any) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    text = policy().replace("http://127.0.0.1:9000'", f"https://psp', tls: {{ca_file: {tmp_path}/ca.pem}}")
    [problem] = problems(text)
    assert problem.endswith(f"upstreams.backend.tls.ca_file: {tmp_path}/ca.pem holds no certificates in PEM")
    [problem] = problems(text.replace("ca.pem", "none.pem"))
    assert problem.endswith("none.pem cannot be read: No such file or directory")


def test_what_only_looks_wrong_is_a_warning() -> None:
    text = policy(route="  - name: again\n    match: {methods: [POST], prefix: /pay}\n    upstream: backend\n")
    text = text.replace("path: /pay", "prefix: /pay").replace("routes:", "  spare: {url: 'http://a'}\nroutes:")
    found = compiler().check(text, "p.yaml")
    assert [str(problem) for problem in found] == [
        "p.yaml:5:3: warning: upstreams.spare: is used by no route",
        "p.yaml:11:5: warning: routes[1]: is never reached: the route pay (line 7) takes all that it would",
    ]
    compiler().compile(text, "p.yaml")


def test_checking_leaves_nothing_behind() -> None:
    lent = services()
    assert compiler(lent).check(policy("[who, limit: {most: 1}]"), "p.yaml") == []
    assert compiler(lent).check(policy("[who, limit: {most: 1}, magic]"), "p.yaml") != []
    assert len(lent.shared) == 0


async def test_building_beside_the_loop_logs_what_looks_wrong_and_sweeps_up_after_a_failure() -> None:
    lent = services()
    text = policy().replace("routes:", "  spare: {url: 'http://a'}\nroutes:")
    with capture_logs() as lines:
        snapshot = await compiler(lent).build(text, "p.yaml")
    assert [line["problem"] for line in lines] == ["p.yaml:5:3: warning: upstreams.spare: is used by no route"]
    await snapshot.open()
    await snapshot.close()
    with pytest.raises(PolicyError):
        await compiler(lent).build(policy("[magic]"), "p.yaml")
    assert len(lent.shared) == 0


async def test_pools_and_shared_state_survive_a_reload_that_does_not_change_what_they_are() -> None:
    lent = services()
    made = [compiler(lent).compile(policy("[who, limit: {most: 1}]") + extra, "p.yaml") for extra in ("", "\n# same\n")]
    for snapshot in made:
        await snapshot.open()
    before = len(lent.shared)
    await made[0].close()
    assert len(lent.shared) == before
    other = compiler(lent).compile(policy("[who, limit: {most: 2}]", upstream=", pool: {connections: 5}"), "p.yaml")
    await other.open()
    assert len(lent.shared) == before + 2
    await made[1].close()
    assert len(lent.shared) == before
    await other.close()
    assert len(lent.shared) == 0


async def test_observers_and_components_are_named_in_one_place() -> None:
    snapshot = compiler().compile(policy("[ringing]", components="{tally: , alarm: {to: ops}}"), "p.yaml")
    [alarm] = snapshot.components
    assert isinstance(alarm, Alarm)
    [observe] = snapshot.observers
    Tally.seen.clear()
    observe("an exchange")  # type: ignore[arg-type]
    assert Tally.seen == ["an exchange"]


async def test_a_component_is_opened_once_and_closed_with_the_last_policy_that_has_it() -> None:
    lent = services()
    text = policy("[ringing]", components="{alarm: {to: ops}}")
    first, second = (compiler(lent).compile(text, "p.yaml") for _ in range(2))
    [alarm], [same] = first.components, second.components
    assert alarm is same
    await first.open()
    await second.open()
    await first.close()
    assert alarm.log == ["open"]
    await second.close()
    assert alarm.log == ["open", "close"]
    assert len(lent.shared) == 0


async def test_a_component_with_other_options_is_another() -> None:
    lent = services()
    [first] = compiler(lent).compile(policy(components="{alarm: {to: ops}}"), "p.yaml").components
    [second] = compiler(lent).compile(policy(components="{alarm: {to: dev}}"), "p.yaml").components
    assert first is not second


def test_a_component_with_wrong_options_is_one_problem_however_many_need_it() -> None:
    assert problems(policy("[ringing, ringing]", components="{alarm: {too: ops}}")) == [
        "p.yaml:2:14: components.alarm.to: is required",
        "p.yaml:2:22: components.alarm.too: no option has this name; did you mean 'to'?",
    ]


async def test_the_components_of_the_core_are_there_unnamed_and_can_be_named() -> None:
    class Heart(Component[Config]):
        name = "heart"

    mine = Compiler(REGISTRY, services(), components=[Heart], observers=[Tally.seen.append])
    for text in (policy(), policy(components="{heart: }")):
        snapshot = mine.compile(text, "p.yaml")
        assert [type(each) for each in snapshot.components] == [Heart]
        assert len(snapshot.observers) == 1


async def test_a_policy_that_fails_to_open_gives_back_what_it_shared() -> None:
    class Unready(Filter[Config]):
        name = "unready"

        async def open(self) -> None:
            raise OSError("no network")

    lent = services()
    snapshot = Compiler(Registry(filters={"unready": Unready}), lent).compile(policy("[unready]"), "p.yaml")
    with pytest.raises(OSError, match="no network"):
        await snapshot.open()
    assert len(lent.shared) == 0


async def test_background_work_holds_its_policy_open() -> None:
    go = asyncio.Event()

    class Working(Filter[Config]):
        name = "working"

        async def open(self) -> None:
            assert self.scope.tasks.start(go.wait(), name="waiting")

    mine = Compiler(Registry(filters={"working": Working}), services())
    snapshot = mine.compile(policy("[working]"), "p.yaml")
    await snapshot.open()
    draining = asyncio.create_task(snapshot.drained())
    await asyncio.sleep(0)
    assert not draining.done()
    go.set()
    await draining
    await snapshot.close()
