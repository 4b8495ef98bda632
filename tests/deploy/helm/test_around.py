"""What the chart puts around the pod: who reaches it, what watches it, what prepares its database."""

from __future__ import annotations

import json
import re
from typing import Any

import promql_parser
import pytest

from gateway.telemetry.catalogue import PROCESS, SERIES
from gateway.telemetry.series import BOUNDS
from tests.deploy.helm.rendering import PAYGUARD, ci, gateway, merged, named
from tests.deploy.helm.shares import Happens, fires

EVERYTHING = ci("postgresql")
SUFFIXES = ("_bucket", "_sum", "_count")
METRIC = re.compile(r"\b(?:payguard|process)_[a-z_]+")


@pytest.fixture
def manifests(example) -> list[dict[str, Any]]:
    return example.render(EVERYTHING)


def known() -> set[str]:
    """Every metric that the gateway has, as Prometheus stores it."""
    names = {each.name for each in SERIES}
    buckets = {each.name + suffix for each in SERIES if each.kind == "histogram" for suffix in SUFFIXES}
    return names | buckets | set(PROCESS)


def test_clients_reach_the_gateway_and_nothing_else_of_the_pod(manifests) -> None:
    rules = named(manifests, "NetworkPolicy")["spec"]["ingress"]
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    assert rules == [
        {"ports": [{"protocol": "TCP", "port": 8080}], "from": [{"podSelector": {"matchLabels": {"payments": "yes"}}}]},
        {"ports": [{"protocol": "TCP", "port": 9901}], "from": [monitoring]},
    ]


def test_with_no_peers_named_anyone_reaches_the_data_port_and_nobody_the_admin_port(example) -> None:
    [rule] = named(example.render(ci("sqlite")), "NetworkPolicy")["spec"]["ingress"]
    assert rule == {"ports": [{"protocol": "TCP", "port": 8080}]}


def test_the_service_leads_to_the_data_port(manifests) -> None:
    service = named(manifests, "Service", "shop-payments")
    [port] = service["spec"]["ports"]
    assert (port["port"], port["targetPort"], service["spec"]["type"]) == (8443, 8080, "LoadBalancer")
    assert service["metadata"]["annotations"] == {"example.com/internal": "true"}


def test_the_admin_service_leads_to_the_admin_port(manifests) -> None:
    [port] = named(manifests, "Service", "shop-payguard-admin")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (9901, 9901)


def test_prometheus_fetches_metrics_by_the_port_s_number(manifests) -> None:
    [endpoint] = named(manifests, "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert endpoint == {"portNumber": 9901, "path": "/metrics", "interval": "30s"}
    assert named(manifests, "PodMonitor")["metadata"]["labels"]["release"] == "prometheus"


def test_a_migration_s_job_runs_before_and_the_gateways_no_longer_migrate(manifests) -> None:
    job = named(manifests, "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["payguard", "ledger", "migrate"]
    assert [each["name"] for each in container["env"]] == ["DATABASE_URL"]
    assert container["securityContext"] == gateway(manifests)["securityContext"]
    assert {"name": "PAYGUARD_LEDGER_MIGRATE", "value": "manual"} in gateway(manifests)["env"]


def test_a_migration_s_image_is_pulled_with_the_secrets_that_are_named(example) -> None:
    over = merged(EVERYTHING, {"image": {"pullSecrets": ["registry"]}})
    assert named(example.render(over), "Job")["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_what_looks_like_another_type_stays_text(example) -> None:
    over = {
        "prometheusRule": {"enabled": True, "slow": {"severity": "1"}},
        "data": {"claim": {"storageClassName": "2", "size": "1"}},
    }
    manifests = example.render(merged(ci("sqlite"), over))
    assert alerts(manifests)["PayguardRequestsSlow"]["labels"] == {"severity": "1"}
    claim = named(manifests, "PersistentVolumeClaim")["spec"]
    assert (claim["storageClassName"], claim["resources"]["requests"]) == ("2", {"storage": "1"})


def test_a_migration_s_pod_is_none_of_the_service_s(manifests) -> None:
    labels = named(manifests, "Job")["spec"]["template"]["metadata"]["labels"]
    assert not named(manifests, "Service", "shop-payments")["spec"]["selector"].items() <= labels.items()


def alerts(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    [group] = named(manifests, "PrometheusRule")["spec"]["groups"]
    return {each["alert"]: each for each in group["rules"]}


def test_there_are_five_alerts(manifests) -> None:
    ends = {name: re.search(r"[<>] [\d.]+$", each["expr"].strip())[0] for name, each in alerts(manifests).items()}
    assert ends == {
        "PayguardRequestsFail": "> 0.1",
        "PayguardRequestsSlow": "> 5",
        "PayguardPaymentsFail": "< 0.9",
        "PayguardRefundsMany": "> 0.05",
        "PayguardWebhooksFail": "> 0.01",
    }
    for each in alerts(manifests).values():
        assert each.keys() == {"alert", "expr", "for", "labels", "annotations"}
        assert each["labels"]["severity"] in ("warning", "critical")
        assert "$value" in each["annotations"]["summary"]


def test_the_page_on_kubernetes_lists_each_alert_with_its_times_and_shares(manifests) -> None:
    page = (PAYGUARD.parents[2] / "docs" / "kubernetes.md").read_text()
    rows = dict(re.findall(r"^\| `(Payguard\w+)` \| (.*) \|$", page, re.MULTILINE))
    assert rows.keys() == alerts(manifests).keys()
    for name, said in rows.items():
        alert = alerts(manifests)[name]
        share = float(re.search(r"[\d.]+$", alert["expr"].strip())[0])
        assert f"{share:g} seconds" in said or f"{share * 100:g} %" in said, name
        assert f"{alert['for'].removesuffix('m')} minutes" in said or "over an hour" in said, name


def test_webhooks_are_watched_once_their_route_is_named(example) -> None:
    unnamed = merged(EVERYTHING, {"prometheusRule": {"webhookFailures": {"route": ""}}})
    assert "PayguardWebhooksFail" not in alerts(example.render(unnamed))
    assert 'route="stripe-webhooks"' in alerts(example.render(EVERYTHING))["PayguardWebhooksFail"]["expr"]


@pytest.mark.parametrize("alert", ["failureRate", "slow", "successRate", "refundRate"])
def test_an_alert_can_be_left_out(example, alert) -> None:
    without = merged(EVERYTHING, {"prometheusRule": {alert: {"enabled": False}}})
    assert len(alerts(example.render(without))) == 4


def payments(operation: str = "payment.create", **rates: float) -> Happens:
    """So many payments in a second, by their outcome."""
    series = {"__name__": "payguard_payments_total", "operation": operation}
    return {tuple({**series, "outcome": outcome}.items()): rate for outcome, rate in rates.items()}


def requests(**rates: float) -> Happens:
    """So many requests in a second, by their result."""
    series = {"__name__": "payguard_requests_total", "route": "stripe-webhooks"}
    return {tuple({**series, "result": result}.items()): rate for result, rate in rates.items()}


REFUNDS = "refund.create"


@pytest.mark.parametrize(
    ("alert", "happens", "fired"),
    [
        ("PayguardRequestsFail", requests(success=89, failure=11), True),
        ("PayguardRequestsFail", requests(success=90, failure=10), False),
        ("PayguardRequestsFail", requests(failure=1), True),
        ("PayguardRequestsFail", requests(success=0, failure=0), False),
        ("PayguardPaymentsFail", payments(succeeded=89, failed=11), True),
        ("PayguardPaymentsFail", payments(succeeded=89, in_doubt=11), True),
        ("PayguardPaymentsFail", payments(succeeded=90, failed=10), False),
        ("PayguardPaymentsFail", payments(succeeded=9, failed=1, repeated=90, released=90), False),
        ("PayguardPaymentsFail", payments(failed=1), True),
        ("PayguardPaymentsFail", payments(in_doubt=1), True),
        ("PayguardPaymentsFail", payments(succeeded=0, failed=0), False),
        ("PayguardRefundsMany", {**payments(succeeded=100), **payments(REFUNDS, succeeded=6)}, True),
        ("PayguardRefundsMany", {**payments(succeeded=100), **payments(REFUNDS, succeeded=5, failed=9)}, False),
        ("PayguardRefundsMany", payments(REFUNDS, succeeded=1), True),
        ("PayguardRefundsMany", payments(REFUNDS, succeeded=0), False),
        ("PayguardWebhooksFail", requests(success=98, failure=2), True),
        ("PayguardWebhooksFail", requests(success=99, failure=1), False),
        ("PayguardWebhooksFail", requests(failure=1), True),
    ],
)
def test_an_alert_fires_where_its_share_is_passed_and_also_where_nothing_else_ever_happened(
    manifests, alert, happens, fired
) -> None:
    assert fires(alerts(manifests)[alert]["expr"], happens) is fired


def test_every_alert_is_a_question_of_metrics_that_exist(manifests) -> None:
    for name, each in alerts(manifests).items():
        promql_parser.parse(each["expr"])
        named_metrics = set(METRIC.findall(each["expr"]))
        assert named_metrics, name
        assert named_metrics <= known(), name


def test_every_label_that_an_alert_asks_for_is_one_of_its_metric_s(manifests) -> None:
    labels = {each.name: {*each.labels, "namespace"} for each in SERIES}
    for each in alerts(manifests).values():
        for metric, matchers in re.findall(r"(payguard_[a-z_]+)\{([^}]*)\}", each["expr"]):
            asked = set(re.findall(r'(\w+)=~?"', matchers))
            assert asked <= labels[metric.removesuffix("_bucket")]


def test_five_seconds_can_be_told_from_the_buckets() -> None:
    assert 5 in BOUNDS, "a quantile within a bucket is a guess"


def test_the_dashboard_asks_for_metrics_that_exist(manifests) -> None:
    config_map = named(manifests, "ConfigMap", "shop-payguard-dashboard")
    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
    dashboard = json.loads(config_map["data"]["payguard.json"])
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            asked = target["expr"].replace("$__rate_interval", "5m").replace("$namespace", "payments")
            promql_parser.parse(asked)
            assert set(METRIC.findall(asked)) <= known(), panel["title"]
            assert METRIC.search(asked), panel["title"]


def test_panels_do_not_cover_each_other() -> None:
    panels = json.loads((PAYGUARD / "files" / "dashboard.json").read_text())["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
    assert len({panel["id"] for panel in panels}) == len(panels)
