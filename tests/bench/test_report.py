from bench.compare import FLOOR, Sample, rows
from bench.ledgered import Ledgered
from bench.report import markdown


def test_the_markdown_has_a_table_per_workload_and_the_cheapest_first() -> None:
    samples = [
        Sample("payguard", "GET", 0, 1000, 1.0, 0.12, p50=0.001, p99=0.002, asked=250),
        Sample("nginx", "GET", 0, 1000, 1.0, 0.03, p50=0.001, p99=0.002),
    ]

    lines = markdown(rows(samples), {"payguard": "Payguard"}).splitlines()

    assert lines[0] == "**GET**"
    assert lines[4] == "| nginx | 30 (30 - 30) | 1.0 (1.0 - 1.0) | 1,000 | 1.0 | 2.0 | - |"
    assert lines[5] == "| Payguard | 120 (120 - 120) | 4.0 (4.0 - 4.0) | 1,000 | 1.0 | 2.0 | 0.25 |"


def test_without_nginx_there_is_a_dash_in_place_of_a_ratio() -> None:
    sample = Sample("payguard", "GET", 0, 1000, 1.0, 0.12, p50=0.001, p99=0.002)

    assert " | - | " in markdown(rows([sample]), {}).splitlines()[-1]


def test_what_recording_costs_has_a_table_of_those_that_have_a_ledger() -> None:
    samples = [
        Sample(FLOOR, "POST", 0, 1000, 1.0, 0.06, p50=0.001, p99=0.002, ledger=Ledgered(1, 1, None)),
        Sample("postgres", "POST", 0, 1000, 1.0, 0.15, p50=0.001, p99=0.002, ledger=Ledgered(80, 2000, 0.1)),
    ]

    *_, head, _, line = markdown(rows(samples), {FLOOR: "Pass-through"}).splitlines()

    assert head == "| proxy | CPU µs | commits per payment | statements per commit | the server's CPU µs |"
    assert line == "| postgres | 90 (90 - 90) | 0.080 (0.080 - 0.080) | 25.0 (25.0 - 25.0) | 100 (100 - 100) |"
