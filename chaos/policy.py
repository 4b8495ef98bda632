"""The policy of a run: three upstreams that promise different things, and leases as short as the run is."""

from __future__ import annotations

from pathlib import Path

from chaos.plan import NEVER_EXECUTES_AFTER, WINDOW, Kind

CLAIM_LEASE = 2.0
"""Seconds after which somebody else may take over what was claimed, and recovery what was sent: claim or ``total``,
and ``grace``."""

TEXT = """\
# edit {edit}
version: 1
tenant: chaos
components:
  ledger: {{claim: 1500ms, grace: 500ms}}
  recovery:
    stuck_after: 1s
    every: 200ms
    batch: 50
    rate: 400
    timeout: 2s
    attempts: 30
    backoff: {{first: 500ms, most: 2s}}
    resolvers:
      - status_url:
          url: "{url}/{{route}}/v1/payments?key={{key}}"
          status: /status
          amount: /amount
          currency: /currency
          values: {{paid: succeeded, declined: failed, processing: pending}}
      - replay
upstreams:
  naked:
    url: "{url}"
    timeouts: {{connect: 500ms, first_byte: 1s, total: 1500ms}}
    retry: {{attempts: 3, statuses: [500, 502, 503], budget: 1}} # of what was never sent
    look_up: {{linearizable: true, never_executes_after: {never}s}}
  queued:
    url: "{url}"
    timeouts: {{connect: 500ms, first_byte: 1s, total: 1500ms}}
    retry: {{attempts: 3, statuses: [500, 502, 503], budget: 1}} # of what was never sent
    look_up: {{linearizable: true, never_executes_after: {never}s}}
  late:
    url: "{url}"
    timeouts: {{connect: 500ms, first_byte: 1s, total: 1500ms}}
    retry: {{attempts: 3, statuses: [500, 502, 503], budget: 1}} # of what was never sent
  dedup:
    url: "{url}"
    timeouts: {{connect: 500ms, first_byte: 1s, total: 1500ms}}
    retry: {{attempts: 2}}
    idempotent: {{window: {window}s}}
routes:
{routes}
"""

ROUTE = """\
  - name: {kind}
    match: {{methods: [POST], path: /{kind}/v1/payments}}
    upstream: {kind}
    payment: {{operation: payment.create, amount: /amount, currency: /currency}}{accept}
    filters:
      - principal: {{header: x-user-id, from: any}}
      - body_limit: {{bytes: 16KiB}}
      - require_json
      - idempotency
{below}"""


ACCEPT = """
    when_unreachable: {accept: {most: 1000, for: 2m, ceiling: {eur: 1000000000}}}"""


BELOW = "      - ponder: {seconds: 100ms}\n"
"""Something between the claim and the upstream: then the claim is committed first, and that it is sent by another."""


class Policy:
    """A file that gateways watch.  An edit changes a remark: the same is compiled, opened and swapped in again."""

    def __init__(self, folder: Path, upstream: int) -> None:
        self.path = folder / "policy.yaml"
        self._url = f"http://127.0.0.1:{upstream}"
        self._edits = 0
        self.edit()

    def edit(self) -> None:
        routes = "".join(
            ROUTE.format(
                kind=kind,
                accept=ACCEPT if kind is Kind.QUEUED else "",
                below=BELOW if kind is Kind.NAKED else "",
            )
            for kind in Kind
        )
        text = TEXT.format(
            edit=self._edits, url=self._url, never=NEVER_EXECUTES_AFTER, window=WINDOW - 5, routes=routes
        )
        self._edits += 1
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self.path)
