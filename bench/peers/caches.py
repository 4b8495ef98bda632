"""The caches that Payguard's is judged beside, each as it is without a word about a single test."""

from __future__ import annotations

from bench.peers import Command, Peer, program
from bench.peers.gateway import environ_of, serving
from bench.site import Site


def _payguard(site: Site, port: int) -> Command:
    return serving(site.render("cache.yaml"), port, environ_of(site, "cache"))


def _nginx(site: Site, port: int) -> Command:
    configuration = site.render("cache.nginx.conf", port=port)
    return Command([program("nginx"), "-e", "stderr", "-p", str(site.folder), "-c", str(configuration)])


def _varnish(site: Site, port: int) -> Command:
    listen, work = f"127.0.0.1:{port}", str(site.folder / "varnish")
    options = ["-F", "-a", listen, "-f", str(site.render("cache.vcl")), "-n", work, "-s", "malloc,64m"]
    return Command([program("varnishd"), *options])


PAYGUARD = Peer("payguard", "Payguard, the filter `cache`", _payguard)
NGINX = Peer("nginx", "nginx, proxy_cache with proxy_cache_revalidate", _nginx)
VARNISH = Peer("varnish", "Varnish, its built-in VCL", _varnish)
