"""What ``payguard plugins new`` writes: a filter that works, and a test of it that passes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from string import Template

_HOOKS = """
@hookimpl
def register_filters() -> list[type[${Name}]]:
    return [${Name}]
"""

_FILTER = '''
class ${Name}Config(Config):
    header: str = "x-${dashed}"
    """The header without which a request is refused."""


class ${Name}Missing(Rejected):
    status = 400
    code = "${name}_missing"


class ${Name}(Filter[${Name}Config]):
    """Refuses a request that lacks the header, and hands the header's value to the log."""

    name = "${name}"
    Config = ${Name}Config

    async def on_request(self, exchange: Exchange) -> None:
        value = exchange.request.headers.get(self.config.header)
        if value is None:
            raise ${Name}Missing(f"Send {self.config.header}")
        exchange.note("${name}_seen", value=value)
'''

_ONE_FILE = f'''"""${{Name}}: say in one sentence what it is for."""

from __future__ import annotations

from gateway import Config, Exchange, Filter, Rejected, hookimpl

{_FILTER}
{_HOOKS}'''

_INIT = f'''"""${{Name}}: say in one sentence what it is for."""

from __future__ import annotations

from gateway import hookimpl

from .filter import ${{Name}}

{_HOOKS}'''

_FILTER_FILE = f"""from __future__ import annotations

from gateway import Config, Exchange, Filter, Rejected

{_FILTER}"""

_TEST = '''"""${Name} as it will run: a gateway in front of a backend, on real sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from gateway.testing import Backend, backend, running_gateway

PLUGINS = Path(__file__).parent.parent


async def ask(headers: dict[str, str]) -> tuple[httpx.Response, Backend]:
    async with backend() as shop, running_gateway(shop.url, filters=["${name}"], plugin_dirs=[PLUGINS]) as client:
        return await client.post("/v1/payments", headers=headers, json={"amount": 1000}), shop


def test_a_request_with_the_header_reaches_the_backend() -> None:
    answer, shop = asyncio.run(ask({"x-${dashed}": "yes"}))

    assert answer.status_code == 200
    assert shop.seen[0].json() == {"amount": 1000}


def test_a_request_without_it_is_refused_and_the_backend_never_sees_it() -> None:
    answer, shop = asyncio.run(ask({}))

    assert (answer.status_code, answer.json()["code"]) == (400, "${name}_missing")
    assert shop.seen == []
'''


def scaffold(name: str, *, folder: bool) -> Mapping[PurePath, str]:
    """The text of each file, by its path in the plugin directory."""
    plugin = {f"{name}/__init__.py": _INIT, f"{name}/filter.py": _FILTER_FILE} if folder else {f"{name}.py": _ONE_FILE}
    words = {"name": name, "dashed": name.replace("_", "-"), "Name": name.title().replace("_", "")}
    return {
        PurePath(path): Template(text).substitute(words)
        for path, text in {**plugin, f"tests/test_{name}.py": _TEST}.items()
    }
