"""The outermost layer: request id in and out, one log line and one count for each request."""

import logging
import re
import time
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs, metrics

log = logging.getLogger("app.access")
ACCEPTED_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
QUIET = frozenset({"/health", "/metrics"})  # asked every few seconds by machines: logged only when they fail


def request_id_of(headers: list[tuple[bytes, bytes]]) -> str:
    """The caller's X-Request-Id if it is one that may stand in a log and a header, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and ACCEPTED_ID.fullmatch(value):
            return value.decode("ascii")
    return uuid4().hex


class Observe:
    def __init__(self, app: ASGIApp, release: str, color: str) -> None:
        self.app = app
        # Said by the application itself, so that a test need not take the gateway's word for who answered.
        self.identity = [(b"x-app-release", release.encode()), (b"x-app-color", color.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        identifier = request_id_of(scope["headers"])
        token = logs.request_id.set(identifier)
        headers = [(b"x-request-id", identifier.encode("ascii")), *self.identity]
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            kind = message["type"]
            if kind in ("http.response.start", "websocket.accept"):
                status = message.get("status", 101)
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        started = time.perf_counter()
        metrics.IN_FLIGHT.inc()
        try:
            await self.app(scope, receive, observed)
        except Exception:
            # The 500 is already sent by the layer beneath; this is where its reason is kept.
            log.exception("request failed")
        finally:
            metrics.IN_FLIGHT.dec()
            finish(scope, status, time.perf_counter() - started)
            logs.request_id.reset(token)


def finish(scope: Scope, status: int, seconds: float) -> None:
    path: str = scope["path"]
    method: str = scope.get("method", "WEBSOCKET")
    route = metrics.route_label(path)
    metrics.REQUESTS.labels(metrics.method_label(method), route, str(status)).inc()
    metrics.SECONDS.labels(route).observe(seconds)
    level = level_of(status, path)
    if log.isEnabledFor(level):
        fields = {"method": method, "path": path, "status": status, "milliseconds": round(seconds * 1000, 1)}
        log.log(level, "request", extra={"fields": fields})


def level_of(status: int, path: str) -> int:
    if status >= 500 or status == 0:  # 0: nothing was answered
        return logging.WARNING
    return logging.DEBUG if path in QUIET else logging.INFO
