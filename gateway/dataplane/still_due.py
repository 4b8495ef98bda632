"""Still due: whoever issued an invoice is asked whether it has to be paid, just before an attempt to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson

from gateway.ledger.records import Record
from gateway.look_ups import Unclear, as_text, blanks, filled, look_up
from gateway.pointer import find

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

_LONGEST = 40

Said = Literal["due", "not_due", "unclear"]


@dataclass(frozen=True, slots=True)
class StillDue:
    """Where to ask, and what which answer means.  ``http`` makes the client with the first question."""

    url: str
    value: str
    due: frozenset[str]
    not_due: frozenset[str]
    headers: Mapping[str, str]
    timeout: float
    most: int
    http: Callable[[], httpx.AsyncClient]

    async def ask(self, record: Record, reference: str) -> tuple[Said, str]:
        """Of the payment that was declined, and for what; with a word on why it is unclear."""
        names: Mapping[str, object] = {"reference": reference}
        url = filled(self.url, {name: names.get(name, getattr(record, name, None)) for name in blanks(self.url)})
        if url is None:
            return "unclear", "the payment lacks what the url names"
        try:
            status, body = await look_up(self.http(), url, self.headers, within=self.timeout, most=self.most)
            said = read(self.value, status, body)
        except Unclear as error:
            return "unclear", str(error)
        except Exception as error:  # noqa: BLE001 - whatever keeps it from answering, it has not said that it is due
            logger.warning("Nobody could be asked whether the payment %s is still due: %r", record.id, error)
            return "unclear", f"could not be asked: {type(error).__name__}"
        if said in self.due:
            return "due", ""
        return ("not_due", "") if said in self.not_due else ("unclear", f"{said[:_LONGEST]} has no meaning")


def read(pointer: str, status: int, body: bytes) -> str:
    """What stands where ``pointer`` leads; Unclear where nothing does."""
    if not 200 <= status < 300:
        raise Unclear(f"answered {status}")
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unclear("the answer is not JSON") from None
    said = as_text(find(document, pointer))
    if said is None:
        raise Unclear("the answer does not say how it stands")
    return said
