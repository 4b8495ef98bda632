"""``payguard drain``: tell a running gateway that it will stop, before it is told to."""

from __future__ import annotations

import time

import click


@click.command()
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
@click.option("--wait", is_flag=True, help="Return once the drain delay is over.")
def drain(url: str, token: str | None, wait: bool) -> None:
    """Turn readiness off; the gateway serves on.  What a pod's preStop runs.

    The drain delay counts from now: a SIGTERM that follows waits for what is left of it.  Exit codes: 0, or 1 where
    the gateway cannot be asked or refuses.
    """
    remaining = _ask(url, token)
    click.echo(f"draining: the gateway serves new connections for another {remaining:.1f} s")
    if wait:
        time.sleep(remaining)


def _ask(url: str, token: str | None) -> float:
    """Seconds for which it still serves new connections."""
    import httpx  # noqa: PLC0415 - a fifth of a second that only this command needs

    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx.post(f"{url.rstrip('/')}/drain", headers=headers, timeout=5.0, trust_env=False)
        answer.raise_for_status()
        return float(answer.json()["remaining"])
    except httpx.InvalidURL as error:
        raise click.ClickException(f"{url} is not a URL: {error}") from error
    except httpx.HTTPStatusError as error:
        raise click.ClickException(_refused(url, error.response.status_code)) from error
    except httpx.HTTPError as error:
        raise click.ClickException(f"no gateway can be asked at {url}: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise click.ClickException(f"what answers at {url} is not a gateway's admin port") from error


def _refused(url: str, status: int) -> str:
    if status in (401, 403):
        return f"{url} refuses ({status}): give a token that may operate, as PAYGUARD_ADMIN_TOKEN"
    return f"{url} answered {status}; is it a gateway's admin port?"
