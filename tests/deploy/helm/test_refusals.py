"""Values that would lose payments, or never start, are refused before anything is installed, with a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from helm_python import HelmError

from deploy import chart as generated
from gateway.control.settings import Settings
from tests.deploy.helm.rendering import ci, merged

OWN, SECRET = (
    {str(Settings.model_fields[name].validation_alias) for name in names} for names in (generated.OWN, generated.SECRET)
)


def refusal(release: Any, base: str, over: dict[str, Any]) -> str:
    with pytest.raises(HelmError) as refused:
        release.render(merged(ci(base), over), "1.37")
    return str(refused.value)


REFUSED = {
    "SQLite with more than one replica": (
        "sqlite",
        {"workload": {"replicas": 2}},
        "database.type is sqlite and there may be 2 pods: SQLite's file belongs to one gateway.",
    ),
    "SQLite that may be scaled": (
        "sqlite",
        {"autoscaling": {"enabled": True, "maxReplicas": 4}},
        "database.type is sqlite and there may be 4 pods",
    ),
    "SQLite without a persistent volume": (
        "sqlite",
        {"data": {"claim": {"create": False}}},
        "database.type is sqlite without a persistent volume: the payments would be forgotten with the pod.",
    ),
    "SQLite and a server": (
        "sqlite",
        {"database": {"host": "postgres"}},
        "database.type is sqlite, and a PostgreSQL server is named",
    ),
    "a migration of SQLite": ("sqlite", {"migration": {"enabled": True}}, "migration.enabled is for postgresql"),
    "a grace period that is too short": (
        "sqlite",
        {"workload": {"terminationGracePeriodSeconds": 44}},
        "the longest request (30) and ten seconds to close take 45, and what takes longer is killed in the middle",
    ),
    "a grace period that a longer sleep makes too short": (
        "sqlite",
        {"backend": {"sleepSeconds": 21}},
        "workload.terminationGracePeriodSeconds is 60: draining (21), the longest request (30)",
    ),
    "a backend that stops before the gateway": (
        "sqlite",
        {"backend": {"sleepSeconds": 3}},
        "backend.sleepSeconds is 3 and drainSeconds 5: the backend would stop while the gateway still takes requests",
    ),
    "a backend that stops with a plain container": (
        "sqlite",
        {"mode": "container", "backend": {"sleepSeconds": 5}},
        "In mode container it sleeps for 7 seconds or more.",
    ),
    "no draining": ("sqlite", {"drainSeconds": 0}, "at '/drainSeconds': minimum: got 0, want 1"),
    "a named data port": (
        "sqlite",
        {"listen": {"data": "http"}},
        'listen.data is "http": give a number. A Service does not find the port of a sidecar by its name.',
    ),
    "a named admin port": ("sqlite", {"listen": {"admin": "admin"}}, 'listen.admin is "admin": give a number.'),
    "a named port of the Service": ("sqlite", {"service": {"port": "http"}}, 'service.port is "http": give a number.'),
    "one port for clients and operators": (
        "sqlite",
        {"listen": {"admin": 8080}},
        "listen.data and listen.admin are both 8080: clients must not reach the admin port.",
    ),
    "a policy by subPath": (
        "sqlite",
        {"policy": {"subPath": "policy.yaml"}},
        "policy.subPath: a policy that is mounted by subPath never sees an edit of its ConfigMap.",
    ),
    "no policy": ("sqlite", {"policy": {"existingConfigMap": ""}}, "There is no policy: name a ConfigMap"),
    "two policies": ("sqlite", {"policy": {"content": "version: 1"}}, "both say what the policy is"),
    "an admin port beyond the pod without a token": (
        "sqlite",
        {"adminService": {"enabled": True}},
        "adminService.enabled makes the admin port reachable beyond the pod, and there is no token",
    ),
    "metrics that nobody may fetch": (
        "sqlite",
        {"podMonitor": {"enabled": True}},
        "podMonitor.enabled is for those who ask at the admin port, and networkPolicy.admin lets nobody reach it",
    ),
    "an admin Service that nobody may use": (
        "sqlite",
        {"adminService": {"enabled": True}},
        "adminService.enabled is for those who ask at the admin port, and networkPolicy.admin lets nobody reach it",
    ),
    "no selector": (
        "inline",
        {"workload": {"selector": {"app": None}}},
        "workload.selector is empty: service would select every pod of the namespace, or none.",
    ),
    "nothing to scale": ("postgresql", {"workload": {"name": ""}}, "workload.name is empty: autoscaling needs to know"),
    "PostgreSQL nowhere": (
        "pieces",
        {"database": {"host": "", "name": "", "user": ""}, "secrets": {"DB_PASSWORD": None}},
        "database.type is postgresql: name the server either",
    ),
    "all of PostgreSQL but its host": ("pieces", {"database": {"host": ""}}, "are needed together"),
    "PostgreSQL twice": ("postgresql", {"database": {"host": "postgres"}}, "name the server either"),
    "PostgreSQL by URL and a password beside it": (
        "postgresql",
        {"secrets": {"DB_PASSWORD": {"name": "postgres", "key": "password"}}},
        "name the server either",
    ),
    "PostgreSQL by URL and a name beside it": ("postgresql", {"database": {"name": "shop"}}, "name the server either"),
    "metrics that are switched off": (
        "pieces",
        {"settings": {"MONITORING_ENABLED": "False"}},
        "settings.MONITORING_ENABLED says that there are none",
    ),
    "a certificate without its key": (
        "sqlite",
        {"settings": {"PAYGUARD_TLS_CERTIFICATE": "/etc/payguard/secrets/tls/tls.crt"}},
        "PAYGUARD_TLS_CERTIFICATE and settings.PAYGUARD_TLS_KEY are given together or not at all",
    ),
    "a level that is none": ("sqlite", {"settings": {"LOG_LEVEL": "debgu"}}, "at '/settings/LOG_LEVEL': 'debgu'"),
    "half of a server": (
        "pieces",
        {"database": {"name": ""}},
        "database.host, database.name and database.user are needed together",
    ),
    "a salt for each pod": ("pieces", {"secrets": {"HASH_SALT": None}}, "secrets.HASH_SALT is missing: each pod"),
    "one data folder for several pods": (
        "pieces",
        {"data": {"existingClaim": "shared"}},
        "data.existingClaim is one folder for several pods",
    ),
    "one new data folder for several pods": (
        "pieces",
        {"data": {"claim": {"create": True}}},
        "data.claim.create is one folder for several pods",
    ),
    "fewer pods than the fewest": (
        "pieces",
        {"autoscaling": {"minReplicas": 7}},
        "autoscaling.minReplicas is 7 and autoscaling.maxReplicas 6: no number of pods is both.",
    ),
    "a budget that lets no node be emptied": (
        "pieces",
        {"podDisruptionBudget": {"maxUnavailable": "0%"}},
        "at '/podDisruptionBudget/maxUnavailable'",
    ),
    "a peer that is nobody": ("sqlite", {"networkPolicy": {"clients": [{}]}}, "at '/networkPolicy/clients/0'"),
    "a peer by a name that Kubernetes does not know": (
        "sqlite",
        {"networkPolicy": {"admin": [{"podselector": {}}]}},
        "additional properties 'podselector' not allowed",
    ),
    "a name that no Service may have": ("sqlite", {"service": {"name": "Shop_1"}}, "at '/service/name'"),
    "names that are too long with what follows": (
        "sqlite",
        {"fullnameOverride": "a" * 53},
        "at '/fullnameOverride'",
    ),
    "a secret among the settings": (
        "sqlite",
        {"settings": {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer 1"}},
        "settings.OTEL_EXPORTER_OTLP_HEADERS may hold a secret",
    ),
    "a variable twice": (
        "sqlite",
        {"settings": {"LOG_LEVEL": "info"}, "secrets": {"LOG_LEVEL": {"name": "a", "key": "b"}}},
        "LOG_LEVEL is both in settings and in secrets",
    ),
    "two folders of plugins with one name": (
        "plugins",
        {"plugins": {"sources": [{"name": "ours", "configMap": "a"}, {"name": "ours", "configMap": "b"}]}},
        "Two of plugins.sources are called ours",
    ),
    "an unknown value": ("sqlite", {"replicas": 2}, "additional properties 'replicas' not allowed"),
    "an unknown value further in": (
        "sqlite",
        {"workload": {"replica": 2}},
        "at '/workload': additional properties 'replica' not allowed",
    ),
    "a setting that does not exist": (
        "sqlite",
        {"settings": {"PAYGUARD_DRAIN_DELY": "5s"}},
        "at '/settings': additional properties 'PAYGUARD_DRAIN_DELY' not allowed",
    ),
    "a key in two places": (
        "sqlite",
        {
            "secrets": {"ENCRYPTION_KEY": {"name": "payguard", "key": "encryption-key"}},
            "keyFiles": {"ENCRYPTION_KEY": {"name": "payguard", "key": "encryption-key"}},
        },
        "ENCRYPTION_KEY is both in keyFiles and in secrets: keep one of them.",
    ),
    "a secret written out": ("sqlite", {"secrets": {"HASH_SALT": "00"}}, "at '/secrets/HASH_SALT': got string"),
    "a kind of database that is none": ("sqlite", {"database": {"type": "mysql"}}, "at '/database/type'"),
    "plugins from nowhere": ("plugins", {"plugins": {"sources": [{"name": "ours"}]}}, "at '/plugins/sources/0'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_with_a_sentence(example, what) -> None:
    base, over, sentence = REFUSED[what]
    assert sentence in refusal(example, base, over)


@pytest.mark.parametrize("what", REFUSED)
def test_the_chart_alone_refuses_it_too(chart, what) -> None:
    base, over, sentence = REFUSED[what]
    assert sentence in refusal(chart, base, over)


def test_everything_wrong_is_said_at_once(chart) -> None:
    with pytest.raises(HelmError) as refused:
        chart.render({})
    said = [line for line in str(refused.value).splitlines() if line.startswith("- ")]
    assert [line.split(":")[0].split(" is ")[0] for line in said] == [
        "- There",
        "- database.type",
        "- workload.selector",
    ]


@pytest.mark.parametrize("variable", sorted(OWN))
def test_what_the_chart_checks_is_not_said_past_it_by_a_secret(chart, variable) -> None:
    over = {"secrets": {variable: {"name": "payguard", "key": "a"}}}
    assert f"secrets.{variable} is no secret of the gateway's" in refusal(chart, "sqlite", over)


def test_a_misspelt_setting_is_found_among_the_secrets_too(chart) -> None:
    over = {"secrets": {"PAYGUARD_ADMIN_TOKEN_REED": {"name": "payguard", "key": "a"}}}
    assert "secrets.PAYGUARD_ADMIN_TOKEN_REED is no secret" in refusal(chart, "sqlite", over)


@pytest.mark.parametrize("variable", sorted({*SECRET, "OF_A_POLICY"} - {"DATABASE_URL", "DB_PASSWORD"}))
def test_every_secret_of_the_gateway_s_is_taken_and_those_of_a_policy(chart, variable) -> None:
    assert chart.render(merged(ci("sqlite"), {"secrets": {variable: {"name": "payguard", "key": "a"}}}))


@pytest.mark.parametrize("level", ["debug", "WARNING"])
def test_a_level_is_taken_in_any_case_as_the_gateway_takes_it(chart, level) -> None:
    assert chart.render(merged(ci("sqlite"), {"settings": {"LOG_LEVEL": level}}))


@pytest.mark.parametrize("seconds", [45, 46])
def test_a_grace_period_that_is_just_enough_is_taken(chart, seconds) -> None:
    assert chart.render(merged(ci("sqlite"), {"workload": {"terminationGracePeriodSeconds": seconds}}))


def test_an_admin_port_beyond_the_pod_is_taken_with_a_token(chart) -> None:
    token = {"PAYGUARD_ADMIN_TOKEN_OPERATE": {"name": "payguard", "key": "token"}}
    peers = {"admin": [{"podSelector": {"matchLabels": {"app": "on-call"}}}]}
    over = {"adminService": {"enabled": True}, "networkPolicy": peers, "secrets": token}
    assert chart.render(merged(ci("sqlite"), over))


def test_what_helm_itself_hands_down_is_taken(chart) -> None:
    assert chart.render(ci("sqlite") | {"global": {"domain": "example.com"}})
