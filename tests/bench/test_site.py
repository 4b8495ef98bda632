from pathlib import Path

import pytest

from bench.site import CONFIGURATIONS, Configuration, Site


def test_a_configuration_keeps_the_variables_of_the_proxy(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.origin = 4711

    text = site.render("nginx.conf", port=8080).read_text()

    assert "listen 127.0.0.1:8080" in text
    assert "server 127.0.0.1:4711" in text
    assert "$proxy_add_x_forwarded_for" in text
    assert "@{" not in text


def test_a_configuration_that_lacks_a_value_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="port"):
        Site(tmp_path).render("nginx.conf")


@pytest.mark.parametrize("path", sorted(CONFIGURATIONS.glob("*.c*")))
def test_every_placeholder_is_one_that_is_filled_in(path: Path) -> None:
    known = {"folder", "origin", "port", "modules", "nginx_etc", "answer"}

    assert set(Configuration(path.read_text()).get_identifiers()) <= known
