"""Releases that are broken on purpose, for the end-to-end tests only. Off unless an image was built with `FAULT`.

exit       the server exits at once
unhealthy  /health always answers 503
errors     every fifth answer of /version and /items is a 500, /health is fine
slowstart  /health answers 503 for the first 20 s
"""

import json
import time

from starlette.types import ASGIApp, Receive, Scope, Send

SLOW_START_SECONDS = 20.0


async def answer(send: Send, status: int, body: dict[str, object]) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class Faulty:
    """Wraps the application of a broken release; a sound one is never wrapped."""

    def __init__(self, app: ASGIApp, fault: str) -> None:
        self.app = app
        self.fault = fault
        self.started = time.monotonic()
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (reason := self.broken(scope["path"])):
            status, text = reason
            await answer(send, status, {"status": text, "fault": self.fault})
            return
        await self.app(scope, receive, send)

    def broken(self, path: str) -> tuple[int, str] | None:
        if path == "/health":
            if self.fault == "unhealthy":
                return 503, "down"
            if self.fault == "slowstart" and time.monotonic() - self.started < SLOW_START_SECONDS:
                return 503, "starting"
        elif self.fault == "errors" and (path == "/version" or path.startswith("/items")):
            self.asked += 1
            if self.asked % 5 == 0:
                return 500, "error"
        return None
