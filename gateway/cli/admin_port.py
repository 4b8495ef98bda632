"""What the commands share that ask a running gateway: where its admin port is, and what went wrong."""

from __future__ import annotations

import functools
import getpass
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    import httpx

P = ParamSpec("P")
R = TypeVar("R")

TIMEOUT = 10.0

_NO_NAME = re.compile(r"[^0-9A-Za-z._@+-]+")


class AdminPort:
    """Asks a gateway's admin port.  What it cannot answer is a ClickException, in one line that says how to mend it."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    def get(
        self,
        path: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        missing: bool = False,
        within: float = TIMEOUT,
    ) -> Any:
        """The answer's JSON, in ``within`` seconds; with ``missing``, None where there is no such thing."""
        return self._ask("GET", path, params=dict(parameters or {}), missing=missing, timeout=within)

    def pages(self, path: str, asked: Mapping[str, Any], *, everything: bool) -> Iterator[Any]:
        """One page of a list; or each after the other, to its end."""
        cursor: dict[str, Any] = {}
        while True:
            page = self.get(path, {**asked, **cursor})
            yield page
            if not everything or page["next"] is None:
                return
            cursor = {"cursor": page["next"]}

    def post(self, path: str, content: Any = None, *, within: float = TIMEOUT) -> Any:
        return self._ask("POST", path, json=content, timeout=within)

    def _ask(self, method: str, path: str, *, missing: bool = False, **content: Any) -> Any:
        import httpx  # noqa: PLC0415 - a fifth of a second that only these commands need

        try:
            answer = httpx.request(method, self.url + path, headers=self._headers, trust_env=False, **content)
        except httpx.InvalidURL as error:
            raise click.ClickException(f"{self.url} is not a URL: {error}") from error
        except httpx.HTTPError as error:
            what = f"no gateway can be asked at {self.url}: {error}"
            raise click.ClickException(f"{what}; say where it is with --admin or PAYGUARD_ADMIN_URL") from error
        said = _json(answer)
        if answer.is_success and said is not None:
            return said
        if missing and answer.status_code == 404 and _problem(said):
            return None
        raise click.ClickException(self._refused(answer.status_code, said))

    def _refused(self, status: int, said: Any) -> str:
        """What a problem says, in its own words; else that this is no gateway."""
        if status in (401, 403):
            return f"{self.url} refuses ({status}): give a token that may do this, as PAYGUARD_ADMIN_TOKEN"
        if _problem(said):
            return f"{said['detail']} ({said['code']})"
        return f"what answers at {self.url} ({status}) is not a gateway's admin port"


def asks_gateway(command: Callable[P, R]) -> Callable[..., R]:
    """A command with ``--admin`` and ``--token``; it is given the AdminPort as ``port``."""

    @click.option(
        "--admin",
        "url",
        envvar="PAYGUARD_ADMIN_URL",
        default="http://127.0.0.1:9901",
        show_default=True,
        show_envvar=True,
        metavar="URL",
        help="The gateway's admin port.",
    )
    @click.option("--token", envvar="PAYGUARD_ADMIN_TOKEN", help="Where the admin port is not asked over loopback.")
    @functools.wraps(command)
    def wrapper(*arguments: Any, url: str, token: str | None, **options: Any) -> R:
        return command(*arguments, port=AdminPort(url, token), **options)  # type: ignore[arg-type]  # click passes options

    return wrapper


def login() -> str | None:
    """Who asks, as the API takes a name; None where there is none."""
    try:
        return _NO_NAME.sub("-", getpass.getuser()).strip("-")[:64] or None
    except (OSError, KeyError, ImportError):
        return None


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _problem(said: Any) -> bool:
    return isinstance(said, dict) and isinstance(said.get("code"), str) and isinstance(said.get("detail"), str)
