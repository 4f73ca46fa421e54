"""Count and time what the consumer does, for Prometheus, on a loopback port; off unless it is set.

Every metric is `quantum_<name>`; its labels are those of its first use. prometheus-client is
imported only where METRICS_PORT says so, since it costs memory and start-up time.
"""

from __future__ import annotations

from typing import Any, Protocol

from consumers.loop.failing import StartError

#: Upper bounds of what is timed, in seconds: from a script to a slow exchange.
BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5, 30)
#: Another machine has no business here: a scraper runs on the host.
ADDRESS = "127.0.0.1"


class Metrics(Protocol):
    """What a consumer tells; names in snake_case, without the prefix."""

    def add(self, name: str, n: float = 1, **labels: str) -> None:
        """Raise a counter; by the field's custom its name ends in _total."""

    def set(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""

    def took(self, name: str, seconds: float, **labels: str) -> None:
        """Put a duration into a histogram; its name ends in _seconds."""


class Unmeasured:
    """The same with nobody listening."""

    def add(self, name: str, n: float = 1, **labels: str) -> None:
        """Do nothing."""

    def set(self, name: str, value: float, **labels: str) -> None:
        """Do nothing."""

    def took(self, name: str, seconds: float, **labels: str) -> None:
        """Do nothing."""


class Measured:
    """Keeps the metrics in this process and serves them at /metrics."""

    def __init__(self, port: int, service: str, consumer: str) -> None:
        """Serve at once; raises StartError where the port is taken."""
        import prometheus_client

        self._library = prometheus_client
        self._registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self._registry)
        self._always = {"service": service, "consumer": consumer}
        self._known: dict[str, Any] = {}
        try:
            self._server, _ = prometheus_client.start_http_server(
                port, addr=ADDRESS, registry=self._registry
            )
        except OSError as error:
            raise StartError(f"METRICS_PORT {port} cannot be served: {error.strerror}") from error

    def add(self, name: str, n: float = 1, **labels: str) -> None:
        """Raise a counter."""
        self._metric(self._library.Counter, name, labels).inc(n)

    def set(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        self._metric(self._library.Gauge, name, labels).set(value)

    def took(self, name: str, seconds: float, **labels: str) -> None:
        """Put a duration into a histogram."""
        self._metric(self._library.Histogram, name, labels, buckets=BUCKETS_S).observe(seconds)

    def _metric(self, kind: Any, name: str, labels: dict[str, str], **more: Any) -> Any:
        made = self._known.get(name)
        if made is None:
            named = f"quantum_{name}"
            words = [*self._always, *labels]
            made = kind(named, name.replace("_", " "), words, registry=self._registry, **more)
            self._known[name] = made
        return made.labels(**self._always, **labels)


def start(port: int, service: str, consumer: str) -> Metrics:
    """Return where to tell; port 0 means nobody listens. Raises StartError."""
    return Measured(port, service, consumer) if port else Unmeasured()
