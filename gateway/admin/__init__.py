"""The admin port: probes, metrics, API."""
