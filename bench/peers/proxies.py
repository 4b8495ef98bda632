"""The proxies that Payguard is measured against."""

from __future__ import annotations

from pathlib import Path

from bench.peers import Command, Peer, present, program
from bench.site import Site, uvicorn

_NGINX_ETC = Path("/etc/nginx")
_NGINX_MODULES = Path("/usr/lib/nginx/modules")
_CRS = Path("/usr/share/modsecurity-crs/rules")


def _nginx(site: Site, port: int) -> Command:
    return _nginx_command(site, site.render("nginx.conf", port=port))


def _modsecurity(site: Site, port: int) -> Command:
    present(_NGINX_MODULES / "ngx_http_modsecurity_module.so", "libnginx-mod-http-modsecurity")
    present(_NGINX_ETC / "modsecurity.conf", "libnginx-mod-http-modsecurity")
    present(_CRS, "modsecurity-crs")
    site.render("modsecurity.conf", nginx_etc=_NGINX_ETC)
    return _nginx_command(site, site.render("modsecurity.nginx.conf", port=port, modules=_NGINX_MODULES))


def _nginx_command(site: Site, configuration: Path) -> Command:
    return Command([program("nginx"), "-e", "stderr", "-p", str(site.folder), "-c", str(configuration)])


def _haproxy(site: Site, port: int) -> Command:
    return Command([program("haproxy"), "-db", "-f", str(site.render("haproxy.cfg", port=port))])


def _httpx(site: Site, port: int) -> Command:
    return Command(uvicorn("bench.httpx_proxy:app", port), {"BENCH_ORIGIN": f"http://127.0.0.1:{site.origin}"})


def _hello(_: Site, port: int) -> Command:
    return Command(uvicorn("bench.hello:app", port))


NGINX = Peer("nginx", "nginx, plain proxy", _nginx)
MODSECURITY = Peer("modsecurity", "nginx + ModSecurity 3 + CRS + limit_req", _modsecurity)
HAPROXY = Peer("haproxy", "haproxy, plain proxy", _haproxy)
HTTPX = Peer("httpx", "uvicorn + default httpx", _httpx)
HELLO = Peer("hello", "uvicorn, answers itself (the floor)", _hello)
