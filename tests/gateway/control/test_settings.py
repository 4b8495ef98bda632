import tomllib
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.control.settings import BUILT_IN, Settings, SettingsError, load_settings, variables


def problems(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return caught.value.problems


def test_an_empty_environment_gives_a_gateway_on_loopback_that_trusts_nobody() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.admin_host, settings.admin_port) == (
        "127.0.0.1",
        8080,
        "127.0.0.1",
        9901,
    )
    assert settings.trusted_proxies == ()
    assert settings.plugins == BUILT_IN
    assert settings.data_dir == Path("payguard-data")
    assert (settings.drain_delay, settings.drain_deadline, settings.reload_interval) == (5.0, 30.0, 1.0)
    assert settings.monitoring_enabled


def test_the_built_in_plugins_are_those_that_the_project_installs() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert set(BUILT_IN) == set(project["project"]["entry-points"]["payguard.plugins"])


def test_values_are_written_as_in_policies() -> None:
    settings = load_settings(
        {
            "PAYGUARD_DRAIN_DELAY": "250ms",
            "PAYGUARD_CLIENT_HEADER_BYTES": "16KiB",
            "PAYGUARD_TRUSTED_PROXIES": "10.0.0.0/8, ::1/128",
            "PAYGUARD_PLUGINS": "principal, body_limit",
            "PAYGUARD_PLUGIN_DIRS": "/etc/a:/etc/b",
            "PAYGUARD_MASK_FIELDS": "email, Tax-Id",
            "PAYGUARD_LOG_QUERY": "true",
            "LOG_LEVEL": "WARNING",
            "MONITORING_ENABLED": "false",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        }
    )
    assert settings.drain_delay == 0.25
    assert settings.client_header_bytes == 16384
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert settings.plugins == ("principal", "body_limit")
    assert settings.plugin_dirs == (Path("/etc/a"), Path("/etc/b"))
    assert settings.mask_fields == ("email", "Tax-Id")
    assert settings.log_query
    assert settings.log_level == "warning"
    assert not settings.monitoring_enabled
    assert settings.otlp_endpoint == "http://collector:4318"


def test_the_command_line_wins_over_the_environment_where_it_says_something() -> None:
    settings = load_settings({"PAYGUARD_PORT": "1", "PAYGUARD_HOST": "::1"}, port=2, host=None)
    assert (settings.port, settings.host) == (2, "::1")


def test_an_empty_variable_is_as_good_as_none() -> None:
    database = {"DATABASE_URL": "", "DB_HOST": "db", "DB_NAME": "shop", "DB_USER": "gate"}
    settings = load_settings({"PAYGUARD_PORT": "", **database})
    assert (settings.port, settings.database) == (8080, "postgresql://gate@db:5432/shop")


def test_the_environment_of_the_process_is_not_read_behind_the_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYGUARD_PORT", "1")
    assert load_settings({}).port == 8080
    assert Settings().port == 1


def test_every_wrong_value_is_one_line_under_its_variable() -> None:
    assert problems(PAYGUARD_PORT="70000", PAYGUARD_DRAIN_DELAY="5", LOG_LEVEL="loud") == [
        "PAYGUARD_PORT: should be less than or equal to 65535",
        "PAYGUARD_DRAIN_DELAY: write a duration as 250ms, 8s, 15m, 23h or 7d, not '5'",
        "LOG_LEVEL: should be 'debug', 'info', 'warning' or 'error'",
    ]
    [problem] = problems(PAYGUARD_TRUSTED_PROXIES="10.0.0.1/8")
    assert problem == "PAYGUARD_TRUSTED_PROXIES: 10.0.0.1/8 has host bits set"


def test_an_unknown_variable_is_an_error_that_guesses_what_was_meant() -> None:
    assert problems(PAYGUARD_PROT="1", PAYGUARD_PORT="x") == [
        "PAYGUARD_PORT: should be a valid integer, unable to parse string as an integer",
        "PAYGUARD_PROT: no setting has this name; did you mean 'PAYGUARD_PORT'?",
    ]


def test_the_variables_that_kubernetes_injects_are_explained() -> None:
    [problem] = problems(PAYGUARD_SERVICE_HOST="10.0.0.1")
    assert problem.endswith("give the pod enableServiceLinks: false)")


def test_the_variables_of_the_commands_are_known() -> None:
    load_settings({"PAYGUARD_ADMIN_URL": "http://x", "PAYGUARD_ADMIN_TOKEN": "t"})


def test_a_database_is_named_in_one_way_only() -> None:
    assert problems(DATABASE_URL="sqlite:///x", DB_HOST="db", DB_PASSWORD="secret") == [
        "DATABASE_URL: DB_HOST, DB_PASSWORD would say the same again; keep one or the other"
    ]


def test_a_certificate_comes_with_its_key() -> None:
    assert problems(PAYGUARD_TLS_KEY="/k") == [
        "PAYGUARD_TLS_CERTIFICATE and PAYGUARD_TLS_KEY are given together or not at all"
    ]


def test_the_policy_is_not_looked_at_without_a_pause() -> None:
    assert problems(PAYGUARD_RELOAD_INTERVAL="0s") == [
        "PAYGUARD_RELOAD_INTERVAL: should be greater than or equal to 0.001"
    ]


def test_the_name_of_a_field_is_one_word() -> None:
    assert problems(PAYGUARD_MASK_FIELDS="email, /card/number") == [
        "PAYGUARD_MASK_FIELDS: a field's name has letters, digits, - and _, unlike '/card/number'"
    ]


def test_a_token_that_can_be_guessed_is_refused_in_plain_words() -> None:
    assert problems(PAYGUARD_ADMIN_TOKEN_READ="short") == [
        "PAYGUARD_ADMIN_TOKEN_READ: a token has at least 22 characters"
    ]


def test_a_secret_is_never_shown() -> None:
    [problem] = problems(PAYGUARD_ADMIN_TOKEN_READ="hunter2")
    assert problem.startswith("PAYGUARD_ADMIN_TOKEN_READ: ")
    assert "hunter2" not in problem
    assert "c0ffee" not in repr(load_settings({"HASH_SALT": "c0ffee" * 8}))


def test_every_setting_is_described_and_has_a_variable_of_its_own() -> None:
    assert all(field.description for field in Settings.model_fields.values())
    assert len(set(variables())) == len(variables()) == len(Settings.model_fields)


def test_a_database_is_named_by_its_url_by_its_parts_or_is_a_file_in_the_data_folder() -> None:
    assert load_settings({"PAYGUARD_DATA_DIR": "/var/lib/pg"}).database == "sqlite:////var/lib/pg/payguard.db"
    assert load_settings({"DATABASE_URL": "postgres://u@h/d"}).database == "postgres://u@h/d"
    parts = {"DB_HOST": "h", "DB_PORT": "5433", "DB_NAME": "d", "DB_USER": "u", "DB_PASSWORD": "p@ss"}
    assert load_settings(parts).database == "postgresql://u:p%40ss@h:5433/d"
    assert "p@ss" not in repr(load_settings(parts))


def test_half_a_database_is_an_error() -> None:
    assert problems(DB_HOST="h") == ["DB_HOST, DB_NAME and DB_USER are given together or not at all"]
    assert problems(DB_PORT="5433") == ["DB_HOST, DB_NAME and DB_USER are given together or not at all"]


def test_a_url_of_no_database_is_an_error_that_keeps_its_password() -> None:
    [problem] = problems(DATABASE_URL="mysql://u:secret@h/d")
    assert problem.startswith("DATABASE_URL: begins with postgresql://")
    assert "secret" not in problem
