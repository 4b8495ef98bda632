"""A run of a few payments: what is joined here is tested part by part beside this."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace

from chaos.judge import Check
from chaos.mutants import MUTANTS, options
from chaos.plan import Fault, Kind, Trouble
from chaos.run import late, run
from chaos.site import Options

FEW = Options(
    1,
    "sqlite",
    payments=60,
    clean=20,
    each=20,
    kills=1,
    kills_each=1,
    kinds=(Kind.NAKED, Kind.DEDUPLICATING),
    faults=(Fault.NONE, Fault.DROPPED, Fault.ERROR_AFTER, Fault.BUSY, Fault.DECLINED),
    troubles=(Trouble.KILL,),
)


async def test_nothing_is_found_where_a_gateway_is_killed() -> None:
    said: list[str] = []

    result = await run(FEW, said.append)

    assert result.findings == []
    assert len(result.cases) >= 60
    assert result.happened == {Trouble.KILL: max(1, result.happened[Trouble.KILL])}
    assert result.lives == {"one": 1 + result.happened[Trouble.KILL]}
    assert not result.folder.exists()
    assert any("kill -9 ×1" in line for line in said)


async def test_a_mutant_is_noticed() -> None:
    mutant = next(each for each in MUTANTS if each.name == "resend_after_unknown")

    result = await run(replace(options(mutant, seed=1), payments=30, each=30), lambda _: None)
    shutil.rmtree(result.folder)

    found = Counter(finding.check for finding in result.findings)
    assert found[Check.SENT_TWICE] > 0
    assert found[Check.EXECUTED_TWICE] > 0


def test_what_is_open_for_too_long_is_found_though_it_was_settled_since() -> None:
    [finding] = late(3, 180.0)

    assert (finding.check, finding.detail) == (Check.LEFT_OPEN, "3 payments, 180 s after the last came")
    assert late(0, 180.0) == []
