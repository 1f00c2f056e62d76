"""The application, put together from its parts."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated

import psycopg
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from psycopg_pool import PoolTimeout
from starlette.types import ASGIApp

from app import cache, database, faults, health, items, jobs, live, metrics, observe, page, work
from app.settings import Settings

log = logging.getLogger("app")
SLOW_LIMIT_MS = 10_000
type PoolFactory = Callable[[], database.Pool]
type ClientFactory = Callable[[], cache.Client]


def create_api(
    settings: Settings, make_pool: PoolFactory, make_client: ClientFactory, make_queue: work.QueueFactory
) -> FastAPI:
    """The factories are called inside the running loop; the unit tests give fakes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = make_pool()
        app.state.client = make_client()
        app.state.queue = make_queue()
        app.state.cache = cache.Cache(app.state.client, settings.cache.ttl_seconds)
        await app.state.pool.open()  # does not wait: /health says when the database is missing
        log.info("started")
        yield
        await app.state.client.aclose()
        await app.state.pool.close(timeout=2)
        log.info("stopped")

    app = FastAPI(title="bluegreen sample", version=settings.release, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.identity = {"release": settings.release, "color": settings.color}
    app.state.stopping = asyncio.Event()
    metrics.BUILD.labels(settings.release, settings.color).set(1)
    for part in (items, jobs, live, page):
        app.include_router(part.router)
    app.add_exception_handler(psycopg.OperationalError, without_database)
    app.add_exception_handler(work.QueueGone, without_queue)
    add_probes(app, settings)
    return app


async def without_database(request: Request, error: Exception) -> Response:
    """The database does not answer: say so, and have the pool throw away its other dead connections now."""
    log.error("database does not answer", extra={"fields": {"reason": str(error).strip()}})
    if not isinstance(error, PoolTimeout):
        await request.app.state.pool.check()
    return JSONResponse({"detail": "database does not answer"}, 503, {"Retry-After": "1"})


async def without_queue(_: Request, error: Exception) -> Response:
    log.error("queue does not answer", extra={"fields": {"reason": str(error).strip()}})
    return JSONResponse({"detail": "queue does not answer"}, 503, {"Retry-After": "1"})


def add_probes(app: FastAPI, settings: Settings) -> None:
    version_body = json.dumps(app.state.identity, separators=(",", ":")).encode()

    async def version(_: Request) -> Response:
        return Response(version_body, headers={"Cache-Control": "no-store"}, media_type="application/json")

    # A plain route: it is what load tests ask most, and it has nothing to validate.
    app.add_route("/version", version, include_in_schema=False)

    @app.get("/health")
    async def get_health() -> JSONResponse:
        state = app.state

        async def ask_database() -> None:
            try:
                await database.fetch_one(state.pool, "SELECT 1")
            except psycopg.OperationalError:
                await state.pool.check()
                raise

        code, document = await health.check(ask_database, state.client.ping, settings.release, settings.color)
        return JSONResponse(document, code, {"Cache-Control": "no-store"})

    @app.get("/metrics", include_in_schema=False)
    async def get_metrics() -> Response:
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    @app.get("/slow")
    async def slow(ms: Annotated[int, Query(ge=0, le=SLOW_LIMIT_MS)] = 500) -> dict[str, object]:
        """Answers after so many milliseconds: a request in flight, for whoever stops or flips meanwhile."""
        await asyncio.sleep(ms / 1000)
        return {"slept": ms, **app.state.identity}


def wrap(api: FastAPI, settings: Settings) -> ASGIApp:
    """The layers around the application, outermost last."""
    app: ASGIApp = api
    if settings.fault != "none":
        app = faults.Faulty(app, settings.fault)
    return observe.Observe(app, settings.release, settings.color)
