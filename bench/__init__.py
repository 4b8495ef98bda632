"""Benchmarks: CPU per request beside the proxies that people deploy today, memory over a million requests, steps."""
