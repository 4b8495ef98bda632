from __future__ import annotations

from pathlib import Path

from chaos.gateways import Gateway

LINES = """\
{"ts":"1","level":"error","event":"outcome_not_recorded","payment":"one","state":"succeeded"}
Traceback, "event":"outcome_not_recorded", of something
{"ts":"2","level":"error","event":"outcome_refused","payment":"two","state":"succeeded"}
{"ts":"3","level":"error","event":"outcome_not_recorded","payment":"three","sta
"""


def test_what_a_gateway_told_is_in_its_log_of_all_lives_but_for_lines_that_a_kill_cut_off(tmp_path: Path) -> None:
    (tmp_path / "one.log").write_text(LINES)
    gateway = Gateway(tmp_path / "one", tmp_path / "policy.yaml", {})

    assert gateway.told("outcome_not_recorded") == {"one"}
