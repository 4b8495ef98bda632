from textwrap import dedent

import pytest

from gateway import Config, Filter
from gateway.control.compilation import Compilation
from gateway.control.placing import Kinds
from gateway.control.positions import read
from gateway.control.scope import Services
from gateway.crypto.salts import Salts
from gateway.dataplane.snapshot import Snapshot
from gateway.store.memory import MemoryStore


class Step(Filter[Config]):
    name = "step"


TEXT = dedent("""\
    version: 1
    upstreams: {backend: {url: "http://127.0.0.1:9000"}}
    routes:
      - name: pay
        match: {path: /pay}
        upstream: backend
        buffer: 2KiB
        payment:
          operation: payment.create
          amount: /amount
          unit: major
          exponents: stripe
          currency: /currency
          card: /card
          bounds: {eur: {most: 1000}}
        filters: [step, {step: {mode: shadow}}, {step: {mode: "off"}}]
    """)


@pytest.fixture
def services() -> Services:
    return Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ={})


@pytest.fixture
def compilation(services: Services) -> Compilation:
    return Compilation(Kinds({"filter": {"step": Step}}), services, read(TEXT, "p"), ())


def test_a_route_is_compiled_with_what_its_entry_says(compilation: Compilation) -> None:
    assert compilation.problems == compilation.warnings == []
    [route] = compilation.snapshot("digest", ()).routes
    assert (route.name, route.match.path, route.operation) == ("pay", "/pay", "payment.create")


@pytest.mark.parametrize(
    ("given", "claimed", "says"),
    [
        ("path: /pay", "path: /.payguard/payments/x", "p:5:19: routes[0].match.path: what is below /.payguard is the"),
        ("path: /pay", "prefix: /.Payguard", "p:5:21: routes[0].match.prefix: what is below /.payguard is the"),
        ("name: pay", "name: payguard.status", "p:4:11: routes[0].name: names that begin with payguard. are the"),
    ],
)
def test_a_route_that_claims_what_is_the_gateways_own_is_refused(
    services: Services, given: str, claimed: str, says: str
) -> None:
    wrong = read(TEXT.replace(given, claimed), "p")
    [problem] = Compilation(Kinds({"filter": {"step": Step}}), services, wrong, ()).problems
    assert str(problem).startswith(says)


async def test_the_parts_of_a_policy_open_and_close_with_it(compilation: Compilation, services: Services) -> None:
    snapshot = compilation.snapshot("digest", ())
    assert isinstance(snapshot, Snapshot)
    await snapshot.open()
    await snapshot.close()
    assert len(services.shared) == 0


def test_what_is_abandoned_gives_back_what_it_shared(compilation: Compilation, services: Services) -> None:
    assert len(services.shared) > 0
    compilation.abandon()
    assert len(services.shared) == 0


class Sealing(Filter[Config]):
    name = "sealing"
    seals = True


@pytest.mark.parametrize(("environ", "said"), [({}, 1), ({"ENCRYPTION_KEY": "00" * 32}, 0)])
def test_a_part_that_seals_is_told_of_where_there_is_no_key(environ: dict[str, str], said: int) -> None:
    services = Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ=environ)
    kinds = Kinds({"filter": {"step": Step, "sealing": Sealing}})
    made = Compilation(kinds, services, read(TEXT.replace("[step,", "[sealing,"), "p"), ())
    assert made.problems == []
    told = ["p:16:15: warning: routes[0].filters[0].sealing: needs a key to seal with: set ENCRYPTION_KEY"] * said
    assert [str(each).partition(", or")[0] for each in made.warnings] == told
