"""The cache in Redis. It may be gone at any time: then every read is a miss, and quickly so."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import RedisError

from app import metrics, settings

log = logging.getLogger("app.cache")
TIMEOUT_SECONDS = 0.5
REST_SECONDS = 1.0


class Client(Protocol):
    """The part of the Redis client that is used, so that a test can stand in for it."""

    def get(self, name: str) -> Awaitable[bytes | None]: ...
    def set(self, name: str, value: bytes, *, ex: int) -> Awaitable[object]: ...
    def ping(self) -> Awaitable[object]: ...


class PasswordFile(CredentialProvider):
    """Reads the password at each connection, so that a changed one needs no restart."""

    def __init__(self, cache: settings.Cache) -> None:
        self.cache = cache

    def get_credentials(self) -> tuple[str]:
        return (self.cache.password(),)

    async def get_credentials_async(self) -> tuple[str]:
        return self.get_credentials()


def make_client(cache: settings.Cache) -> Redis:
    pool = BlockingConnectionPool(
        host=cache.host,
        port=cache.port,
        credential_provider=PasswordFile(cache),
        max_connections=16,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),  # once, for a connection that Redis closed while it was idle
    )
    return Redis.from_pool(pool)


class Cache:
    """Reads and writes that cannot fail. After a failure it rests, so that a dead Redis costs one timeout a second."""

    def __init__(self, client: Client, ttl_seconds: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.client = client
        self.ttl_seconds = ttl_seconds
        self.clock = clock
        self.rests_until = 0.0

    async def get(self, key: str) -> bytes | None:
        if self.clock() < self.rests_until:
            metrics.CACHE_READS.labels("off").inc()
            return None
        try:
            value = await self.client.get(key)
        except (RedisError, OSError) as error:
            self.rest(error)
            metrics.CACHE_READS.labels("off").inc()
            return None
        metrics.CACHE_READS.labels("miss" if value is None else "hit").inc()
        return value

    async def put(self, key: str, value: bytes) -> None:
        if self.clock() < self.rests_until:
            return
        try:
            await self.client.set(key, value, ex=self.ttl_seconds)
        except (RedisError, OSError) as error:
            self.rest(error)

    def rest(self, error: Exception) -> None:
        self.rests_until = self.clock() + REST_SECONDS
        log.warning("cache does not answer, going on without", extra={"fields": {"reason": str(error)}})
