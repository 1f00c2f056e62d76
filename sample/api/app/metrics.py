"""What is counted for Prometheus. Labels come from closed sets, so that no visitor can make new series."""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # a second series for each counter, which nothing here asks for

ROUTES = frozenset(
    {
        "/",
        "/version",
        "/health",
        "/metrics",
        "/items",
        "/jobs",
        "/slow",
        "/ws",
        "/events",
        "/static/page.css",
        "/static/page.js",
    }
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"})

REQUESTS = Counter("http_requests_total", "Answered requests", ["method", "route", "status"])
SECONDS = Histogram(
    "http_request_seconds",
    "Time to the end of the answer",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
IN_FLIGHT = Gauge("http_requests_in_flight", "Requests, streams and WebSockets being answered")
STREAMS = Gauge("streams_open", "Long-lived connections", ["kind"])
CACHE_READS = Counter("cache_reads_total", "Reads of the cache", ["result"])
BUILD = Gauge("release_info", "Always 1; says what runs", ["release", "color"])


def route_label(path: str) -> str:
    if path in ROUTES:
        return path
    return "/items/{id}" if path.startswith("/items/") else "other"


def method_label(method: str) -> str:
    return method if method in METHODS else "other"
