"""/health: is this process fit to serve? Without the database it is not; without the cache it is, but slower."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Literal, TypedDict

PROBE_TIMEOUT_SECONDS = 1.5  # both probes run side by side; callers give up after 2 s

type Probe = Callable[[], Awaitable[object]]


class Service(TypedDict):
    status: Literal["ok", "down"]
    latencyMs: float


class Health(TypedDict):
    status: Literal["ok", "degraded", "down", "starting"]
    timestamp: str
    version: str
    color: str
    services: dict[str, Service]


abandoned: set[asyncio.Task[object]] = set()


def forget(task: asyncio.Task[object]) -> None:
    abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # looked at, or asyncio complains that nobody did


async def ask(probe: Probe) -> Service:
    """Answers in time whatever the probe does: a driver whose server hangs takes some 10 s to be cancelled."""
    started = time.perf_counter()
    task = asyncio.ensure_future(probe())
    abandoned.add(task)
    task.add_done_callback(forget)
    done, _ = await asyncio.wait({task}, timeout=PROBE_TIMEOUT_SECONDS)
    task.cancel()
    answered = task in done and not task.cancelled() and task.exception() is None
    latency = round((time.perf_counter() - started) * 1000, 2)
    return {"status": "ok" if answered else "down", "latencyMs": latency}


async def check(database: Probe, cache: Probe, version: str, color: str) -> tuple[int, Health]:
    """The HTTP status and the document."""
    database_service, cache_service = await asyncio.gather(ask(database), ask(cache))
    if database_service["status"] == "down":
        code, status = 503, "down"
    elif cache_service["status"] == "down":
        code, status = 200, "degraded"
    else:
        code, status = 200, "ok"
    return code, {
        "status": status,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "version": version,
        "color": color,
        "services": {"database": database_service, "cache": cache_service},
    }
