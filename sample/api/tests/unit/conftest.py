"""The application with a pool and a Redis that are only pretended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from redis.exceptions import ConnectionError as RedisGone

from app.main import create_api, wrap
from app.settings import Settings
from app.work import QueueGone


class FakeCursor:
    def __init__(self, rows: list[dict[str, object]]) -> None:
        self.rows = rows

    async def fetchone(self) -> dict[str, object] | None:
        return self.rows[0] if self.rows else None

    async def fetchall(self) -> list[dict[str, object]]:
        return self.rows


@dataclass
class FakePool:
    """Knows the application's five statements by how they begin."""

    items: list[dict[str, object]] = field(default_factory=list)
    gone: bool = False
    asked: int = 0
    checked: int = 0

    async def open(self) -> None: ...
    async def close(self, timeout: float) -> None: ...  # noqa: ASYNC109

    async def check(self) -> None:
        self.checked += 1

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["FakePool"]:
        yield self

    async def execute(self, query: str, parameters: tuple[object, ...]) -> FakeCursor:
        self.asked += 1
        if self.gone:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        if query.startswith("INSERT"):
            client_id, name, note = parameters
            item = {"id": len(self.items) + 1, "client_id": client_id, "name": name, "note": note}
            self.items.append({**item, "created_at": datetime(2026, 1, 2, tzinfo=UTC)})
            return FakeCursor(self.items[-1:])
        if "WHERE id =" in query:
            return FakeCursor([item for item in self.items if item["id"] == parameters[0]])
        if "ORDER BY id" in query:
            prefix, after, limit = parameters
            assert isinstance(after, int)
            assert isinstance(limit, int)
            found = [i for i in self.items if str(i["client_id"]).startswith(str(prefix)) and int(str(i["id"])) > after]
            return FakeCursor(found[:limit])
        if "FROM jobs" in query:
            return FakeCursor([{"done": 2, "repeated": 1}])
        assert query == "SELECT 1"
        return FakeCursor([{"?column?": 1}])


@dataclass
class FakeRedis:
    values: dict[str, bytes] = field(default_factory=dict)
    gone: bool = False
    asked: int = 0

    def answer(self) -> None:
        self.asked += 1
        if self.gone:
            raise RedisGone("connection refused")

    async def get(self, name: str) -> bytes | None:
        self.answer()
        return self.values.get(name)

    async def set(self, name: str, value: bytes, *, ex: int) -> bool:
        self.answer()
        self.values[name] = value
        return True

    async def ping(self) -> bool:
        self.answer()
        return True

    async def aclose(self) -> None: ...


@dataclass
class FakeQueue:
    jobs: list[tuple[str, int]] = field(default_factory=list)
    gone: bool = False

    def enqueue(self, job_ids: Iterable[str], milliseconds: int) -> None:
        if self.gone:
            raise QueueGone("connection refused")
        self.jobs += [(job_id, milliseconds) for job_id in job_ids]


@dataclass
class World:
    pool: FakePool
    redis: FakeRedis
    queue: FakeQueue
    api: FastAPI
    client: httpx.AsyncClient


type Scenario = Callable[[World], Awaitable[None]]


@pytest.fixture
def play(settings: Settings) -> Callable[..., None]:
    """Runs a scenario against a started application. Settings may be given; they are the test's own otherwise."""

    def run(scenario: Scenario, chosen: Settings = settings) -> None:
        async def inside() -> None:
            pool, redis, queue = FakePool(), FakeRedis(), FakeQueue()
            api = create_api(chosen, lambda: pool, lambda: redis, lambda: queue)
            transport = httpx.ASGITransport(wrap(api, chosen))
            async with (
                api.router.lifespan_context(api),
                httpx.AsyncClient(transport=transport, base_url="http://test") as client,
            ):
                await scenario(World(pool, redis, queue, api, client))

        asyncio.run(inside())

    return run
