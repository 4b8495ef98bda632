from __future__ import annotations

import re

from gateway.telemetry.catalogue import SERIES
from gateway.telemetry.metrics import Metrics
from tests.gateway.telemetry.documented import table
from tests.gateway.telemetry.exchanges import ended


def test_every_metric_is_documented_as_it_is_and_no_other_is():
    assert table("Metrics") == [
        [series.name, series.kind, ", ".join(series.labels) or "–", series.help] for series in SERIES
    ]


def test_names_follow_the_customs_of_prometheus():
    for series in SERIES:
        assert re.fullmatch(r"payguard_[a-z_]+", series.name)
        assert series.name.endswith("_total") is (series.kind == "counter"), series.name
        assert re.search(r"_seconds(_total)?$", series.name) or series.kind != "histogram", series.name


def test_what_an_exchange_counts_is_in_the_catalogue():
    metrics = Metrics()
    metrics.ended(ended())
    families = {family.name for family in metrics.collect()}
    assert families <= {series.name.removesuffix("_total") for series in SERIES}
